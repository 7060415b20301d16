"""Letters in pictures: Pillow's built-in font, and a system font where that lacks a letter.

The built-in font draws the same everywhere but knows little beyond ASCII. Names in other scripts
take the first installed font that has all their letters; without one, accents are dropped and
what remains unknown becomes a question mark, which beats a row of empty boxes.
"""

from __future__ import annotations

from functools import cache
from unicodedata import normalize

from PIL import ImageFont

Font = ImageFont.FreeTypeFont

FALLBACKS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "arial.ttf",
    "Arial.ttf",
    "Arial Unicode.ttf",
    "NotoSansCJK-Regular.ttc",
    "msyh.ttc",
    "Hiragino Sans GB.ttc",
)
MISSING = "\uffff"


@cache
def built_in(size: int) -> Font:
    """Pillow's own scalable font."""
    font = ImageFont.load_default(size)
    assert isinstance(font, Font), "Pillow was built without FreeType"
    return font


def lettering(text: str, size: int) -> tuple[str, Font]:
    """The text as it can be drawn, and the font to draw it with."""
    font = built_in(size)
    if _covers(font, text):
        return text, font
    for name in FALLBACKS:
        found = _installed(name, size)
        if found is not None and _covers(found, text):
            return text, found
    plain = normalize("NFKD", text)
    known = [c if _covers(font, c) else "" if ord(c) in range(0x300, 0x370) else "?" for c in plain]
    return "".join(known), font


@cache
def _installed(name: str, size: int) -> Font | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


def _covers(font: Font, text: str) -> bool:
    return all(_has(font, c) for c in set(text))


@cache
def _has(font: Font, letter: str) -> bool:
    if letter.isspace():
        return True
    blank = font.getmask(MISSING)
    shape = font.getmask(letter)
    return shape.size != blank.size or bytes(shape) != bytes(blank)
