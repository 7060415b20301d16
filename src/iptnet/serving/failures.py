"""Every refusal as JSON: ``{"error": {"cause", "remedy", "code"}}`` with its HTTP status."""

from __future__ import annotations

from pathlib import Path

from iptnet.errors import (
    InputError,
    IntegrityError,
    IptnetError,
    LimitError,
    MachineError,
    UsageError,
    is_shortage,
)
from iptnet.serving.records import Failure

STATUS: dict[str, int] = {
    "usage": 400,
    "foreign": 403,
    "missing": 404,
    "not-ready": 409,
    "timeout": 408,
    "too-large": 413,
    "unsupported": 415,
    "range": 416,
    "host": 421,
    "input": 422,
    "limit": 422,
    "busy": 429,
    "integrity": 500,
    "internal": 500,
    "machine": 503,
    "full": 507,
}
"""HTTP status of each code."""

_CODES: dict[type[IptnetError], str] = {
    UsageError: "usage",
    InputError: "input",
    LimitError: "limit",
    IntegrityError: "integrity",
    MachineError: "machine",
}


class RefusedError(Exception):
    """A request that is not served; carries its :class:`Failure` and headers to send."""

    def __init__(self, code: str, cause: str, remedy: str = "") -> None:
        self.failure = Failure(cause, remedy, code)
        self.headers: dict[str, str] = {"Retry-After": "10"} if code == "busy" else {}
        super().__init__(cause)

    @property
    def status(self) -> int:
        """HTTP status."""
        return STATUS[self.failure.code]


def failure_of(error: BaseException, folder: Path | None = None, name: str = "") -> Failure:
    """What to tell of an exception; paths in our folder are told by the video's own name."""
    match error:
        case RefusedError():
            return error.failure
        case IptnetError():
            code = next((c for kind, c in _CODES.items() if isinstance(error, kind)), "internal")
            cause, remedy = error.cause, error.remedy
            if folder is not None:
                for path in (folder / "source", folder):
                    cause = cause.replace(str(path.resolve()), name).replace(str(path), name)
            return Failure(cause, remedy, code)
        case _ if is_shortage(error):
            return Failure("out of memory", "close other programs, or use a smaller video", "limit")
        case _:
            return Failure(
                f"internal error: {type(error).__name__}",
                "try again; the server's terminal says more",
                "internal",
            )
