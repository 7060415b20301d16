"""Small bar charts as SVG: a panel a measure, a bar a variant, a whisker of one standard error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, TOP, BASE = 230, 190, 34, 150
ACCENT, GREY = "#3366cc", "#9aa3ad"


@dataclass(frozen=True)
class Bar:
    """One variant: mean and standard error."""

    label: str
    mean: float
    error: float


def bars(panels: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """An SVG of panels side by side; the first bar of each is the accented one.

    The axis of a panel begins below its lowest whisker, not at 0: differences are what is looked
    for, and the lowest and highest value are written at the axis.
    """
    parts = ['<rect width="100%" height="100%" fill="#fff"/>']
    for k, (title, own) in enumerate(panels):
        parts.append(f'<g transform="translate({k * WIDTH + 10} 0)">{_panel(title, own)}</g>')
    size = f'width="{len(panels) * WIDTH + 10}" height="{HEIGHT}"'
    style = 'font-family="system-ui, sans-serif" font-size="12"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _panel(title: str, own: Sequence[Bar]) -> str:
    if not own:
        return ""
    low = min(b.mean - b.error for b in own)
    high = max(b.mean + b.error for b in own)
    room = (high - low) * 0.25 or 1.0
    low, high = max(low - room, 0.0) if low >= 0 else low - room, high + room * 0.3

    def y(value: float) -> float:
        return BASE - (value - low) / (high - low) * (BASE - TOP)

    step = (WIDTH - 60) / len(own)
    out = [f'<text x="36" y="16" font-weight="600" fill="#222">{escape(title)}</text>']
    for value in (low, high):
        text = f"{value:.3f}" if high < 1 else f"{value:.1f}"
        out.append(
            f'<text x="32" y="{y(value) + 4:.1f}" text-anchor="end" fill="#666">{text}</text>'
        )
    out.append(f'<line x1="36" x2="{WIDTH - 18}" y1="{BASE}" y2="{BASE}" stroke="#ccc"/>')
    for k, bar in enumerate(own):
        x, wide = 40 + k * step, step * 0.66
        top, colour = y(bar.mean), ACCENT if k == 0 else GREY
        middle = x + wide / 2
        out += [
            f'<rect x="{x:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{BASE - top:.1f}" '
            f'fill="{colour}"/>',
            f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{y(bar.mean - bar.error):.1f}" '
            f'y2="{y(bar.mean + bar.error):.1f}" stroke="#222"/>',
            f'<text x="{middle:.1f}" y="{BASE + 16}" text-anchor="middle" fill="#222">'
            f"{escape(bar.label)}</text>",
        ]
    return "".join(out)
