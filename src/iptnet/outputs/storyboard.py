"""storyboard.jpg: a contact sheet, one tile a keyshot, with its times and its score.

Where there is no summary but moments, it shows these, sentence by sentence, with their confidence.

The grid adapts: one keyshot is one large picture, many are a sheet about two by one; portrait
videos get portrait tiles. Beyond ``MAX_TILES`` keyshots the best are shown and the header says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from iptnet.atomic import write_bytes
from iptnet.outputs.clock import clock
from iptnet.outputs.lettering import lettering
from iptnet.outputs.markup import shorten
from iptnet.outputs.pictures import MomentTile, Picture, Thumbnails, Tile, moment_tiles, tiles
from iptnet.outputs.style import DARK
from iptnet.timeline import Timeline

MAX_TILES = 96
MAX_COLUMNS = 8
SHEET = 1280
"""Width in pixels to aim at."""
MARGIN = 32
GAP = 16
HEADER = 86
CAPTION = 42
RADIUS = 8


def write_storyboard(timeline: Timeline, path: Path, thumbnails: Thumbnails) -> None:
    """Draw the contact sheet as JPEG.

    Raises:
        MachineError: the folder cannot be written or the disk is full.
    """
    if timeline.of_moments:
        sheet = draw_storyboard(timeline, moment_tiles(timeline, thumbnails, MAX_TILES))
    else:
        sheet = draw_storyboard(timeline, tiles(timeline, thumbnails, MAX_TILES))
    out = BytesIO()
    sheet.save(out, "JPEG", quality=88, subsampling=0, optimize=True)
    write_bytes(path, out.getvalue())


def grid(count: int, aspect: float) -> tuple[int, int, int]:
    """Columns, and the width and height of one picture.

    Args:
        count: tiles, at least 1.
        aspect: width over height of the video.
    """
    aspect = min(max(aspect, 0.4), 2.6)
    # As many columns as make the sheet about two by one, captions included.
    ideal = math.sqrt(count * 2 / (aspect * 0.85))
    most = min(count, MAX_COLUMNS if aspect >= 1 else MAX_COLUMNS + 2)
    # A column more or less is fine where it leaves fewer gaps in the last row.
    columns = min(
        range(1, most + 1),
        key=lambda c: (-count % c) / (count + -count % c) + math.log(c / ideal) ** 2,
    )
    width = (SHEET - 2 * MARGIN - (columns - 1) * GAP) // columns
    width = min(max(width, 170 if aspect >= 1 else 120), 640 if count == 1 else 480)
    width = min(width, round(520 * aspect))
    return columns, width, round(width / aspect)


def draw_storyboard(timeline: Timeline, shown: Sequence[Tile | MomentTile]) -> Image.Image:
    """Draw the contact sheet as a picture; without a tile only its header."""
    source = timeline.source
    columns, wide, high = grid(max(1, len(shown)), source.width / max(source.height, 1) or 1.0)
    rows = math.ceil(len(shown) / columns)
    width = max(2 * MARGIN + columns * (wide + GAP) - GAP, 560)
    height = HEADER + MARGIN + rows * (high + CAPTION + GAP) - (GAP if rows else 0)
    sheet = Image.new("RGB", (width, height), DARK.paper)
    draw = ImageDraw.Draw(sheet)
    _header(draw, timeline, len(shown), width)
    left = (width - columns * (wide + GAP) + GAP) // 2 if columns == 1 else MARGIN
    for k, tile in enumerate(shown):
        x = left + k % columns * (wide + GAP)
        y = HEADER + k // columns * (high + CAPTION + GAP)
        sheet.paste(_framed(tile.picture, wide, high), (x, y))
        _caption(draw, _words(tile, len(timeline.queries)), (x, y + high + 8), wide)
    return sheet


def _header(draw: ImageDraw.ImageDraw, timeline: Timeline, shown: int, width: int) -> None:
    queries = timeline.queries
    title = timeline.source.name
    if timeline.of_moments:
        number = "{}  " if len(queries) > 1 else ""
        title = "   ".join(number.format(k) + f"“{q}”" for k, q in enumerate(queries, 1))
    room = (width - 2 * MARGIN) / 10
    text, font = lettering(shorten(title, room), 24)
    while font.getlength(text) > width - 2 * MARGIN:
        room -= 1
        text, font = lettering(shorten(title, room), 24)
    draw.text((MARGIN, 36), text, DARK.ink, font, anchor="ls")
    if timeline.of_moments:
        count, name = len(timeline.moments), shorten(timeline.source.name, 40)
        few = f"  ·  the first {shown} shown" if shown < count else ""
        text, font = lettering(f"{count} moment{'s' * (count != 1)} in {name}{few}", 16)
        draw.text((MARGIN, 62), text, DARK.soft, font, anchor="ls")
        return
    count = len(timeline.keyshots)
    parts = [
        f"{clock(timeline.summary_duration)} of {clock(timeline.source.duration)}",
        f"{count} keyshot{'' if count == 1 else 's'}",
    ]
    if shown < count:
        parts.append(f"the best {shown} shown")
    text, font = lettering("  ·  ".join(parts), 16)
    draw.text((MARGIN, 62), text, DARK.soft, font, anchor="ls")


def _words(tile: Tile | MomentTile, sentences: int) -> tuple[float, str, str]:
    """What stands under a picture: a value for the bar, the times, and the value in words."""
    span = tile.keyshot if isinstance(tile, Tile) else tile.moment
    precise = 1 if span.duration < 2 else 0
    times = f"{clock(span.start, precise)} - {clock(span.end, precise)}"
    if isinstance(tile, Tile) or tile.moment.confidence is None:
        value, word = span.score, f"{span.score:.2f}"
    else:
        value, word = tile.moment.confidence, f"{100 * tile.moment.confidence:.0f} %"
    if isinstance(tile, MomentTile) and sentences > 1:
        times = f"{tile.sentence}  {times}"
    return min(max(value, 0.0), 1.0), times, word


def _caption(
    draw: ImageDraw.ImageDraw, words: tuple[float, str, str], at: tuple[int, int], wide: int
) -> None:
    """Draw a bar, the times, and the value where there is room."""
    x, y = at
    score, times, word = words
    draw.rounded_rectangle((x, y, x + wide - 1, y + 3), 2, DARK.line)
    if score * wide >= 4:
        draw.rounded_rectangle((x, y, x + round(score * wide) - 1, y + 3), 2, DARK.accent)
    text, font = lettering(times, 15)
    draw.text((x, y + 24), text, DARK.ink, font, anchor="ls")
    number, small = lettering(word, 13)
    if font.getlength(text) + small.getlength(number) + 12 <= wide:
        draw.text((x + wide, y + 24), number, DARK.soft, small, anchor="rs")


def _framed(picture: Picture | None, wide: int, high: int) -> Image.Image:
    """The picture inside a cell with round corners; a plain cell with a mark when it is missing."""
    cell = Image.new("RGB", (wide, high), DARK.band)
    if picture is None:
        draw = ImageDraw.Draw(cell)
        text, font = lettering("no picture", 14)
        draw.text((wide // 2, high // 2), text, DARK.soft, font, anchor="mm")
    else:
        fitted = ImageOps.contain(Image.fromarray(picture), (wide, high), Image.Resampling.LANCZOS)
        if wide - fitted.width <= 2 and high - fitted.height <= 2:
            # Rounding alone must not leave hairlines beside the picture.
            fitted = fitted.resize((wide, high), Image.Resampling.LANCZOS)
        cell.paste(fitted, ((wide - fitted.width) // 2, (high - fitted.height) // 2))
    scale = 4
    mask = Image.new("L", (wide * scale, high * scale), 0)
    corner = (0, 0, wide * scale - 1, high * scale - 1)
    ImageDraw.Draw(mask).rounded_rectangle(corner, RADIUS * scale, 255)
    paper = Image.new("RGB", (wide, high), DARK.paper)
    return Image.composite(cell, paper, mask.resize((wide, high), Image.Resampling.BOX))
