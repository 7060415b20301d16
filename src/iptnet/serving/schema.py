"""The answers of the API as pydantic models; nothing else of ours knows pydantic."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

State = Literal["uploading", "queued", "running", "done", "failed", "cancelled"]


class Answer(BaseModel):
    """Base: built from our own frozen dataclasses."""

    model_config = ConfigDict(from_attributes=True)


class Error(Answer):
    """What is wrong, what to do, and a word for programs."""

    cause: str
    remedy: str
    code: str


class Refusal(Answer):
    """The body of every answer that is no success."""

    error: Error


class Progress(Answer):
    """``done`` of ``total`` steps; ``total`` is null while unknown.

    Stages: ``probe``, ``model``, ``frames`` (seconds of video), ``select``, ``pictures``; ``cut``
    (frames) of a rendering.
    """

    stage: str
    done: int
    total: int | None


class Facts(Answer):
    """Seconds, pixels, pictures a second; names of container and codec."""

    duration: float
    width: int
    height: int
    fps: float
    container: str
    codec: str
    audio: bool


class Render(Answer):
    """A video file made of a video."""

    state: State
    ratio: float
    ahead: int
    progress: Progress | None
    error: Error | None
    warnings: list[str]


class Status(Answer):
    """A video and the work on it.

    ``ready``: there is a result. ``pictures``: and small pictures. ``ahead``: tasks that come
    before it while it is queued. ``created``: seconds since 1970.
    """

    id: str
    name: str
    bytes: int
    state: State
    created: float
    ready: bool
    pictures: bool
    ahead: int
    progress: Progress | None
    facts: Facts | None
    error: Error | None
    renders: dict[str, Render]


class Part(Answer):
    """A stretch of the video in seconds, with its score."""

    start: float
    end: float
    score: float


class Keyshot(Part):
    """What the summary plays; ``picture`` is the instant that shows best what it is about."""

    picture: float | None


class Selection(Answer):
    """The summary of a length: its keyshots, and which shots (by number) they come from.

    ``warnings`` say why it is shorter than asked for, if it is.
    """

    ratio: float
    duration: float
    warnings: list[str]
    keyshots: list[Keyshot]
    selected: list[int]


class Moment(Part):
    """Where a sentence happens; ``confidence`` is a calibrated probability.

    ``present``: whether the video shows it at all, as far as the model can tell.
    """

    confidence: float | None
    present: bool | None


class Moments(Answer):
    """Ranked answers to a sentence.

    ``doubtful``: it is probably not in this video, these are the nearest. ``fit``: how well each
    sampled instant fits, at the times of the result's importance curve.
    """

    query: str
    moments: list[Moment]
    doubtful: bool
    warnings: list[str]
    fit: list[float]


class Pictures(Answer):
    """Instants, in seconds, of ``pictures/0.jpg``, ``pictures/1.jpg`` …"""

    times: list[float]


class Offer(Answer):
    """A kind of file that a result can be downloaded as."""

    name: str
    suffix: str
    media_type: str
    description: str


class Server(Answer):
    """What this server takes: bytes of an upload, bytes left, tasks that may still come."""

    version: str
    max_bytes: int
    room: int
    turns: int
    ratio: float
    keep_days: float
    formats: list[Offer]
