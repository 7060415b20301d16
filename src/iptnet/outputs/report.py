"""report.html: one self-contained page of a summary, of the moments found, or of both.

Everything is inside (pictures as data, style and script inline, allowed by their hashes only); the
sole file beside it is the summary video, by a relative address. The policy in its head forbids any
other request. Keyshots are plain links into the video (``summary.mp4#t=12.3``); a short script
makes them seek in place. It reads in light and dark, on a phone, and without script.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from iptnet import __version__
from iptnet.atomic import write_text
from iptnet.outputs.clock import clock
from iptnet.outputs.curve import curve_css, curve_svg
from iptnet.outputs.markup import clean, escape
from iptnet.outputs.page import SCRIPT, style
from iptnet.outputs.pictures import (
    MomentTile,
    Thumbnails,
    Tile,
    moment_tiles,
    record_times,
    tiles,
)
from iptnet.outputs.report_moments import Clips, moment_sections, moments_header, moments_title
from iptnet.outputs.report_parts import (
    addresses,
    bar,
    facts_list,
    picture_fact,
    provenance,
    warnings_note,
)
from iptnet.timeline import Keyshot, Timeline

MAX_TILES = 60
MAX_MOMENTS = 24
"""Pictures of moments; tables list all of them."""
NO_CLIPS: Clips = {}


def write_report(
    timeline: Timeline,
    path: Path,
    thumbnails: Thumbnails,
    video: str | None = "summary.mp4",
    clips: Clips = NO_CLIPS,
) -> None:
    """Write the page.

    Args:
        timeline: what to report.
        path: the page.
        thumbnails: provider of the pictures.
        video: path of the summary video relative to the page; ``None`` when there is none.
        clips: paths of the moments' clips, likewise.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
    """
    shown = tiles(timeline, thumbnails, MAX_TILES)
    found = moment_tiles(timeline, thumbnails, MAX_MOMENTS)
    write_text(path, report_html(timeline, shown, video, found, clips))


def report_html(
    timeline: Timeline,
    shown: tuple[Tile, ...],
    video: str | None,
    found: tuple[MomentTile, ...] = (),
    clips: Clips = NO_CLIPS,
) -> str:
    """Write the page as text; arguments as of :func:`write_report`, with the pictures at hand."""
    # "./" keeps a name with a colon or leading slashes from reading as another place.
    address = None if video is None else "./" + quote(clean(video))
    inside = addresses([t.picture for t in shown] + [t.picture for t in found])
    pictures = {
        tile.number: picture
        for tile, picture in zip(shown, inside, strict=False)
        if picture is not None
    }
    name = escape(timeline.source.name)
    title = moments_title(timeline) if timeline.of_moments else f"{name}: summary"
    css = style() + curve_css()
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"media-src 'self' file:; style-src {_hash(css)}; script-src {_hash(SCRIPT)}"
    )
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta name="generator" content="iptnet {__version__}">',
        f"<title>{title}</title>\n<style>{css}</style>\n</head>\n<body>",
        *(moments_header(timeline) if timeline.of_moments else _header(timeline)),
        "<main>",
        *warnings_note(timeline),
        *_player(shown, pictures, None if timeline.of_moments else address),
        *_curve(timeline),
        *_board(timeline, shown, pictures, address),
        *(() if timeline.of_moments else _table(timeline, address)),
        *moment_sections(timeline, found, inside[len(shown) :], clips),
        *provenance(timeline),
        "</main>",
        f"<footer>Made with iptnet {__version__}. This page makes no outside request.</footer>",
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _header(timeline: Timeline) -> Iterable[str]:
    source = timeline.source
    share = 100 * timeline.summary_duration / source.duration if source.duration > 0 else 0
    facts = {
        "Summary": clock(timeline.summary_duration),
        "Source": clock(source.duration),
        "Kept": f"{share:.0f} %",
        "Keyshots": f"{len(timeline.keyshots)} of {len(timeline.shots)} shots",
        "Picture": picture_fact(timeline),
    }
    yield f"<header>\n<h1><bdi>{escape(source.name)}</bdi></h1>"
    yield from facts_list(facts)
    yield "</header>"


def _player(
    shown: tuple[Tile, ...], pictures: Mapping[int, str], address: str | None
) -> Iterable[str]:
    if address is None:
        return
    ranked = sorted((t for t in shown if t.number in pictures), key=lambda t: -t.keyshot.score)
    poster = f' poster="{pictures[ranked[0].number]}"' if ranked else ""
    yield (
        '<section aria-label="Summary video">'
        f'<video controls playsinline preload="metadata" src="{address}"{poster}></video>'
        '<p class="gone" hidden>The summary video is not beside this page.</p></section>'
    )


def _curve(timeline: Timeline) -> Iterable[str]:
    kind = f"Match with “{escape(timeline.queries[0])}”" if timeline.of_moments else "Importance"
    yield f'<section aria-labelledby="c"><h2 id="c">{kind}</h2>'
    yield f'<div class="wide">{curve_svg(timeline, 960, inline=True)}</div>'
    yield f'<div class="narrow">{curve_svg(timeline, 400, inline=True)}</div></section>'


def _link(keyshot: Keyshot, plays_at: float, address: str | None, inner: str, name: str) -> str:
    """A link to where a keyshot plays; plain text without a video."""
    if address is None:
        return inner
    end = plays_at + keyshot.duration
    return (
        f'<a href="{address}#t={plays_at:.3f}" data-at="{plays_at:.3f}" data-end="{end:.3f}" '
        f'data-start="{keyshot.start:.3f}" aria-label="{name}">{inner}</a>'
    )


def _board(
    timeline: Timeline, shown: tuple[Tile, ...], pictures: Mapping[int, str], address: str | None
) -> Iterable[str]:
    if not shown:
        return
    total = len(timeline.keyshots)
    some = f" <small>the best {len(shown)} of {total}</small>" if len(shown) < total else ""
    upright = " upright" if timeline.source.height > timeline.source.width else ""
    yield f'<section aria-labelledby="b"><h2 id="b">Keyshots{some}</h2><ol class="board{upright}">'
    for tile in shown:
        times = f"{clock(tile.keyshot.start)} – {clock(tile.keyshot.end)}"
        picture = (
            f'<img src="{pictures[tile.number]}" alt="">'
            if tile.number in pictures
            else '<span class="blank">no picture</span>'
        )
        inner = (
            f'<span class="frame">{picture}</span>{bar(tile.keyshot.score)}'
            f'<span class="times">{times}</span>'
        )
        name = f"Keyshot {tile.number}, {times}, score {tile.keyshot.score:.2f}: play"
        yield f"<li>{_link(tile.keyshot, tile.plays_at, address, inner, name)}</li>"
    yield "</ol></section>"


def _table(timeline: Timeline, address: str | None) -> Iterable[str]:
    yield '<section aria-labelledby="t"><h2 id="t">Cut list</h2><table><thead><tr>'
    heads = ("#", "Start", "End", "Length", "Plays at", "Score")
    yield "".join(f'<th scope="col">{h}</th>' for h in heads) + "</tr></thead><tbody>"
    rows = zip(timeline.keyshots, record_times(timeline), strict=True)
    for number, (keyshot, plays_at) in enumerate(rows, 1):
        start = clock(keyshot.start, 2)
        link = _link(keyshot, plays_at, address, start, f"Play keyshot {number} from {start}")
        yield (
            f"<tr><td>{number}</td><td>{link}</td><td>{clock(keyshot.end, 2)}</td>"
            f"<td>{keyshot.duration:.2f} s</td><td>{clock(plays_at, 2)}</td>"
            f"<td>{keyshot.score:.2f}{bar(keyshot.score)}</td></tr>"
        )
    yield "</tbody></table></section>"
