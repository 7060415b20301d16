"""What the server remembers of a video and of what is rendered from it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal

State = Literal["uploading", "queued", "running", "done", "failed", "cancelled"]
Kind = Literal["video", "summary", "preview"]
"""The work on the video itself; its summary as a file; a copy that every browser plays."""

ACTIVE = ("uploading", "queued", "running")
RATIO = 0.15
"""Length of the first summary of every video, as a share."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something did not work, as an :class:`~iptnet.errors.IptnetError` says it."""

    cause: str
    remedy: str
    code: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about a file: seconds, pixels, pictures a second, names of codecs."""

    duration: float
    width: int
    height: int
    fps: float
    container: str
    codec: str
    audio: bool


@dataclass(frozen=True, slots=True)
class Video:
    """One upload.

    Attributes:
        id: cannot be guessed; also the name of its folder.
        owner: digest of the session that sent it.
        name: what the sender called it, made safe to show.
        bytes: of the file; 0 while it is being sent.
        state: of the work on it.
        created, used: seconds since 1970.
        ready: there is a result, perhaps not all pictures yet.
        facts: once known.
        error: of the last attempt.
    """

    id: str
    owner: str
    name: str
    bytes: int
    state: State
    created: float
    used: float
    ready: bool
    facts: Facts | None
    error: Failure | None


@dataclass(frozen=True, slots=True)
class Render:
    """A video file made of a video: its ``summary`` at ``ratio``, or a ``preview`` of it all."""

    video: str
    kind: Kind
    ratio: float
    state: State
    error: Failure | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """What the worker does next; ``attempts`` counts this one."""

    video: str
    kind: Kind
    ratio: float
    attempts: int


def new_id() -> str:
    """128 random bits as 22 letters; nobody guesses a video."""
    return secrets.token_urlsafe(16)
