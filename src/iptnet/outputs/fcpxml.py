"""FCPXML 1.8 for Final Cut Pro 10.5 and later and for DaVinci Resolve.

One project whose spine plays the segments one after another. Times are exact fractions of a second,
whole multiples of the frame's duration, as the importers demand. Media and clips start at the
camera's timecode where the video has one, else at 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from iptnet.outputs.location import address
from iptnet.outputs.markup import escape
from iptnet.outputs.segments import CutList, cut_list, kind_of
from iptnet.timeline import Source, Timeline


def fcpxml(timeline: Timeline) -> str:
    """The document as text; without segments the project is empty."""
    cuts, source = cut_list(timeline), timeline.source
    name = escape(source.name) or "video"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        "<!DOCTYPE fcpxml>",
        '<fcpxml version="1.8">',
        "  <resources>",
        f"    {_format(source, cuts.rate)}",
        f"    {_asset(source, cuts, name)}",
        "  </resources>",
        "  <library>",
        f'    <event name="{name}">',
        f'      <project name="{name}: {kind_of(timeline)}">',
        f'        <sequence format="r1" duration="{_time(cuts.count, cuts.rate)}" tcStart="0s" '
        f'tcFormat="{_counting(cuts)}">',
        "          <spine>",
        *_clips(cuts),
        "          </spine>",
        "        </sequence>",
        "      </project>",
        "    </event>",
        "  </library>",
        "</fcpxml>",
    ]
    return "\n".join(lines) + "\n"


def _format(source: Source, rate: Fraction) -> str:
    size = (
        f' width="{source.width}" height="{source.height}"'
        if source.width > 0 and source.height > 0
        else ""
    )
    return f'<format id="r1" frameDuration="{_time(1, rate)}"{size}/>'


def _asset(source: Source, cuts: CutList, name: str) -> str:
    sound = "" if source.audio is False else ' hasAudio="1" audioSources="1" audioChannels="2"'
    return (
        f'<asset id="r2" name="{name}" src="{escape(address(source))}" '
        f'start="{_time(cuts.begin, cuts.rate)}" duration="{_time(cuts.total, cuts.rate)}" '
        f'hasVideo="1" format="r1"{sound}/>'
    )


def _clips(cuts: CutList) -> Iterable[str]:
    for event in cuts.events:
        frames = (event.at, cuts.begin + event.first, event.count)
        at, start, length = (_time(frame, cuts.rate) for frame in frames)
        yield (
            f'            <asset-clip ref="r2" name="{escape(event.name)}" offset="{at}" '
            f'start="{start}" duration="{length}" tcFormat="{_counting(cuts)}"/>'
        )


def _counting(cuts: CutList) -> str:
    return "DF" if cuts.drop else "NDF"


def _time(frames: int, rate: Fraction) -> str:
    """Frames as the format writes seconds: ``1001/30000s``, ``5s``."""
    seconds = frames / rate
    if seconds.denominator == 1:
        return f"{seconds.numerator}s"
    # In whole frames over the rate: some readers count frames by the numerator.
    return f"{frames * rate.denominator}/{rate.numerator}s"
