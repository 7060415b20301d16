"""What a projection's training depends on, read from YAML."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from iptnet.errors import UsageError
from iptnet.training.arguments import read_yaml


@dataclass(frozen=True)
class ProjectionConfig:
    """One row of ``configs/``; paths are relative to ``data``.

    Attributes:
        data: folder that holds the rest.
        pictures, picture_captions: tar of pictures, JSON of sentences.
        clips, clip_captions: folder of clips, JSON of sentences; empty trains without.
        class_names: ImageNet's synset words, a thousand lines.
        test, validation: how many pictures are never trained on.
        views: further views of each training picture: one mirrored, the rest random crops.
        frames: frames of each clip.
        clip_draws: how often each clip comes up in an epoch, each time with another frame.
        hidden, evidence, input_dropout, hidden_dropout: see ``ProjectionShape``.
        everyday: share of everyday words in the class vectors.
        ridge: penalty of the starting point, per view.
        epochs, batch: of the contrast.
        rate, linear_rate, decay: AdamW, for the perceptron and the linear map.
        temperature, softness: of the loss.
        average: decay of the moving average of the weights.
        seed: of everything random.
    """

    data: str
    pictures: str
    picture_captions: str
    class_names: str
    clips: str = ""
    clip_captions: str = ""
    test: int = 1000
    validation: int = 500
    views: int = 5
    frames: int = 24
    clip_draws: int = 3
    hidden: int = 1024
    evidence: float = 1.0
    input_dropout: float = 0.6
    hidden_dropout: float = 0.8
    everyday: float = 0.5
    ridge: float = 5000.0
    epochs: int = 24
    batch: int = 512
    rate: float = 1e-3
    linear_rate: float = 3e-4
    decay: float = 0.05
    temperature: float = 0.05
    softness: float = 0.3
    average: float = 0.98
    seed: int = 0


def load_config(path: Path, data: tuple[Path, ...] = ()) -> ProjectionConfig:
    """Read a YAML configuration.

    Args:
        path: the file; a relative ``data`` in it counts from the working directory.
        data: at most one folder to use instead of the one named there.

    Raises:
        InputError: missing or not YAML.
        UsageError: keys missing, unknown, or of another type; more than one data folder.
    """
    raw = read_yaml(Path(path))
    values = {k: v for k, v in raw.items() if k != "task"}
    if len(data) > 1:
        raise UsageError("a projection trains from one data folder", "give --data once")
    if data:
        values["data"] = str(data[0])
    kinds = {f.name: str(f.type) for f in fields(ProjectionConfig)}
    for key, value in values.items():
        if key not in kinds:
            raise UsageError(f"{path}: unknown key {key!r}", f"there are {', '.join(kinds)}")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        good = {"str": isinstance(value, str), "int": isinstance(value, int) and number}
        if not good.get(kinds[key], number):
            raise UsageError(f"{path}: {key} is {value!r}", f"expected {kinds[key]}")
    try:
        return ProjectionConfig(**values)
    except TypeError as error:
        raise UsageError(f"{path}: {error}", "see configs/projection.yaml") from error
