"""Colours and type of everything we draw, in one place: warm greys and a single accent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one scheme, as ``#rrggbb``.

    Attributes:
        paper: the background.
        ink: text and whatever must be read; at least 12:1 on paper.
        soft: secondary text; at least 4.5:1 on paper.
        line: hairlines and borders.
        band: every second shot, and the ground of bars.
        curve: the importance outside the summary.
        accent: the summary, and what can be pressed; at least 4.5:1 on paper.
    """

    paper: str
    ink: str
    soft: str
    line: str
    band: str
    curve: str
    accent: str


LIGHT = Palette(
    paper="#fffdfa",
    ink="#221d1a",
    soft="#6d645d",
    line="#e3ddd6",
    band="#f4f0ea",
    curve="#b5aca3",
    accent="#c2410c",
)
DARK = Palette(
    paper="#171412",
    ink="#f3eee9",
    soft="#a89f97",
    line="#383230",
    band="#221e1b",
    curve="#6b625b",
    accent="#fb8a3c",
)

FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
