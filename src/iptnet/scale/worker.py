"""A worker of the local engine: jobs as JSON lines on standard input, answers on output.

Started as a fresh interpreter by :mod:`iptnet.scale.local`. It ends with whoever started it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

from iptnet.errors import IptnetError
from iptnet.scale.work import Job, Options, Workshop
from iptnet.video.guard import die_with


def main() -> None:
    """Serve jobs until standard input closes."""
    setup = json.loads(sys.argv[1])
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is our parent's to handle
    if setup["parent"] is not None:
        die_with(setup["parent"])
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # whatever a library prints must not end up among the answers

    def tell(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        workshop = Workshop(Options(**setup["options"]))
        _ = workshop.model.summarizer  # a model that does not load is no fault of a video
        tell({"kind": "ready"})
        for line in sys.stdin:
            status = workshop.perform(Job(**json.loads(line)))
            tell({"kind": "ended", "status": status.to_json() if status else ""})
    except IptnetError as error:
        told = {"class": type(error).__name__, "cause": error.cause, "remedy": error.remedy}
        tell({"kind": "refused"} | told)
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(143)


if __name__ == "__main__":
    main()
