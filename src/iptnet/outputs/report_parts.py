"""Pieces of HTML that the reports of summaries and of moments share."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

from iptnet import __version__
from iptnet.outputs.markup import escape
from iptnet.outputs.pictures import Picture
from iptnet.timeline import Timeline

MAX_PICTURE_BYTES = 900_000
"""All pictures together, before base64 adds a third."""
SIZES = ((480, 80), (400, 74), (320, 68), (240, 60), (200, 45))
"""Width and JPEG quality, tried in turn until the pictures fit."""


def facts_list(facts: Mapping[str, str]) -> Iterable[str]:
    """Write names over their values; both are HTML already."""
    yield "<dl>"
    yield from (f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in facts.items())
    yield "</dl>"


def picture_fact(timeline: Timeline) -> str:
    """Write the size and rate of the video's picture."""
    source = timeline.source
    return f"{source.width} × {source.height}, {source.fps:.4g} fps"


def warnings_note(timeline: Timeline) -> Iterable[str]:
    """Write what went wrong on the way."""
    if timeline.warnings:
        yield '<section class="note" aria-labelledby="w"><h2 id="w">Please note</h2><ul>'
        yield from (f"<li>{escape(w)}</li>" for w in timeline.warnings)
        yield "</ul></section>"


def provenance(timeline: Timeline) -> Iterable[str]:
    """Write what the result was made from and with."""
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


def bar(score: float) -> str:
    """Draw a score as a bar; a drawing, since the policy allows no style attributes."""
    length = 100 * min(max(score, 0.0), 1.0)
    return (
        '<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="100" height="4"/><rect class="on" width="{length:.1f}" height="4"/></svg>'
    )


def addresses(pictures: Sequence[Picture | None]) -> list[str | None]:
    """Encode pictures as data addresses that are small enough together; ``None`` stays."""
    jpegs: list[bytes | None] = []
    for width, quality in SIZES:
        jpegs = [None if p is None else _jpeg(p, width, quality) for p in pictures]
        if sum(len(jpeg) for jpeg in jpegs if jpeg) <= MAX_PICTURE_BYTES:
            break
    return [
        None if jpeg is None else f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"
        for jpeg in jpegs
    ]


def _jpeg(picture: Picture, width: int, quality: int) -> bytes:
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((width, width), Image.Resampling.LANCZOS)
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()
