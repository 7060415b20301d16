"""Video summarization and moment localization with one model, after iPTNet (CVPR 2022).

import iptnet

timeline = iptnet.load().encode("talk.mp4").summarize(0.15)
iptnet.write_summary(timeline, "summaries/talk", video="talk.mp4")
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from iptnet.errors import IptnetError
from iptnet.timeline import Curve, Keyshot, Moment, Shot, Source, Span, Timeline

if TYPE_CHECKING:
    from iptnet.api import Model, load
    from iptnet.encoded import Encoded
    from iptnet.results import write_summary

__version__ = "0.1.0"

# onnxruntime reports its use from its import on, and Ray from its start on, unless the environment
# says otherwise before; whoever has set these to something has decided for themselves. Children and
# workers inherit them.
for _name, _value in (("ORT_DISABLE_TELEMETRY", "1"), ("RAY_USAGE_STATS_ENABLED", "0")):
    os.environ[_name] = os.environ.get(_name) or _value

__all__ = [
    "Curve",
    "Encoded",
    "IptnetError",
    "Keyshot",
    "Model",
    "Moment",
    "Shot",
    "Source",
    "Span",
    "Timeline",
    "load",
    "write_summary",
]

_LAZY = {
    "load": "iptnet.api",
    "Model": "iptnet.api",
    "Encoded": "iptnet.encoded",
    "write_summary": "iptnet.results",
}


def __getattr__(name: str) -> Any:
    """Import the heavy rooms only when something of theirs is asked for."""
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'iptnet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
