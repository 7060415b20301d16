"""report.html: one self-contained page with the summary, the curve, the keyshots and their origin.

Everything is inside (pictures as data, style and script inline, allowed by their hashes only); the
sole file beside it is the summary video, by a relative address. The policy in its head forbids any
other request. Keyshots are plain links into the video (``summary.mp4#t=12.3``); a short script
makes them seek in place. It reads in light and dark, on a phone, and without script.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

from iptnet import __version__
from iptnet.atomic import write_text
from iptnet.outputs.clock import clock
from iptnet.outputs.curve import curve_css, curve_svg
from iptnet.outputs.markup import clean, escape
from iptnet.outputs.page import SCRIPT, style
from iptnet.outputs.pictures import Picture, Thumbnails, Tile, record_times, tiles
from iptnet.timeline import Keyshot, Timeline

MAX_TILES = 60
MAX_PICTURE_BYTES = 900_000
"""All pictures together, before base64 adds a third."""
SIZES = ((480, 80), (400, 74), (320, 68), (240, 60), (200, 45))
"""Width and JPEG quality, tried in turn until the pictures fit."""


def write_report(
    timeline: Timeline, path: Path, thumbnails: Thumbnails, video: str | None = "summary.mp4"
) -> None:
    """Write the page.

    Args:
        timeline: what to report.
        path: the page.
        thumbnails: provider of the pictures.
        video: path of the summary video relative to the page; ``None`` when there is none.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
    """
    write_text(path, report_html(timeline, tiles(timeline, thumbnails, MAX_TILES), video))


def report_html(timeline: Timeline, shown: tuple[Tile, ...], video: str | None) -> str:
    """The page as text."""
    # "./" keeps a name with a colon or leading slashes from reading as another place.
    address = None if video is None else "./" + quote(clean(video))
    pictures = _pictures(shown)
    css = style() + curve_css()
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"media-src 'self' file:; style-src {_hash(css)}; script-src {_hash(SCRIPT)}"
    )
    name = escape(timeline.source.name)
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f'<meta name="generator" content="iptnet {__version__}">',
        f"<title>{name}: summary</title>\n<style>{css}</style>\n</head>\n<body>",
        *_header(timeline),
        "<main>",
        *_warnings(timeline),
        *_player(shown, pictures, address),
        *_curve(timeline),
        *_board(timeline, shown, pictures, address),
        *_table(timeline, address),
        *_moments(timeline),
        *_provenance(timeline),
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
        "Picture": f"{source.width} × {source.height}, {source.fps:.4g} fps",
    }
    yield f"<header>\n<h1><bdi>{escape(source.name)}</bdi></h1>\n<dl>"
    yield from (f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in facts.items())
    yield "</dl>\n</header>"


def _warnings(timeline: Timeline) -> Iterable[str]:
    if timeline.warnings:
        yield '<section class="note" aria-labelledby="w"><h2 id="w">Please note</h2><ul>'
        yield from (f"<li>{escape(w)}</li>" for w in timeline.warnings)
        yield "</ul></section>"


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
    yield '<section aria-labelledby="c"><h2 id="c">Importance</h2>'
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
    upright = ' class="upright"' if timeline.source.height > timeline.source.width else ""
    yield f'<section aria-labelledby="b"><h2 id="b">Keyshots{some}</h2><ol{upright} id="board">'
    for tile in shown:
        times = f"{clock(tile.keyshot.start)} – {clock(tile.keyshot.end)}"
        picture = (
            f'<img src="{pictures[tile.number]}" alt="">'
            if tile.number in pictures
            else '<span class="blank">no picture</span>'
        )
        inner = (
            f'<span class="frame">{picture}</span>{_bar(tile.keyshot.score)}'
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
            f"<td>{keyshot.score:.2f}{_bar(keyshot.score)}</td></tr>"
        )
    yield "</tbody></table></section>"


def _moments(timeline: Timeline) -> Iterable[str]:
    if not timeline.moments:
        return
    yield '<section aria-labelledby="m"><h2 id="m">Moments found</h2><table><thead><tr>'
    heads = ("Sentence", "Start", "End", "Score")
    yield "".join(f'<th scope="col">{h}</th>' for h in heads) + "</tr></thead><tbody>"
    for m in timeline.moments:
        yield (
            f"<tr><td><bdi>{escape(m.query)}</bdi></td><td>{clock(m.start, 2)}</td>"
            f"<td>{clock(m.end, 2)}</td><td>{m.score:.2f}</td></tr>"
        )
    yield "</tbody></table></section>"


def _provenance(timeline: Timeline) -> Iterable[str]:
    source = timeline.source
    about: dict[str, Any] = {
        # Not the path: people send this page to others.
        "source": {"name": source.name, "sha256": source.sha256},
        "checkpoint": timeline.checkpoint,
        "recipe": timeline.recipe,
        "iptnet": __version__,
    }
    yield "<details><summary>Where this comes from</summary><dl>"
    for key, value in _flat(about):
        yield f"<div><dt>{escape(key)}</dt><dd><bdi>{escape(str(value))}</bdi></dd></div>"
    yield "</dl></details>"


def _flat(nested: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key} ")
        else:
            yield f"{before}{key}", value


def _bar(score: float) -> str:
    """A score as a bar; a drawing, since the policy allows no style attributes."""
    length = 100 * min(max(score, 0.0), 1.0)
    return (
        '<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="100" height="4"/><rect class="on" width="{length:.1f}" height="4"/></svg>'
    )


def _pictures(shown: tuple[Tile, ...]) -> dict[int, str]:
    """Keyshot number → picture as a data address, all small enough together."""
    there = [(tile.number, tile.picture) for tile in shown if tile.picture is not None]
    jpegs: list[bytes] = []
    for width, quality in SIZES:
        jpegs = [_jpeg(picture, width, quality) for _, picture in there]
        if sum(map(len, jpegs)) <= MAX_PICTURE_BYTES:
            break
    return {
        number: f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
        for (number, _), jpeg in zip(there, jpegs, strict=True)
    }


def _jpeg(picture: Picture, width: int, quality: int) -> bytes:
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((width, width), Image.Resampling.LANCZOS)
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()
