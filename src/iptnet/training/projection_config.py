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
        stills, still_captions: tar of stills of clips, JSON of sentences; empty trains without.
        clips, clip_captions: folder of clips, JSON of sentences; empty trains without.
        class_names: ImageNet's synset words, a thousand lines.
        test, validation: how many pictures are never trained on.
        views: damaged views of each frame beside the plain one.
        frames: frames of each clip.
        still_draws, clip_draws: how often an item comes up in an epoch, each time with another
            frame and view.
        share: share of the training items that is used, for learning curves.
        hidden, evidence, input_dropout, hidden_dropout: see ``ProjectionShape``.
        everyday: share of everyday words in the class vectors.
        ridge: penalty of the starting point, per training picture.
        tuning_epochs, tuning_batch: of the network's late stages, with a head beside them; no
            epochs leave them as published.
        tuning_rate: AdamW's rate for the last layer; each block before it has ``LAYER_DECAY`` of
            the rate of the one after it.
        memory: weight of keeping the published network's class probabilities while tuning.
        epochs, batch: of the contrast of the head that ships.
        rate, linear_rate, decay: AdamW, for the perceptron and the linear map.
        temperature, softness: of the loss.
        average: decay of the moving average of the weights.
        folds: heads that each miss one part of the clips, so that every clip has vectors from a
            head that never saw it; 0 for none.
        seed: of everything random.
    """

    data: str
    pictures: str
    picture_captions: str
    class_names: str
    stills: str = ""
    still_captions: str = ""
    clips: str = ""
    clip_captions: str = ""
    test: int = 1000
    validation: int = 500
    views: int = 2
    frames: int = 24
    still_draws: int = 2
    clip_draws: int = 3
    share: float = 1.0
    hidden: int = 1024
    evidence: float = 1.0
    input_dropout: float = 0.6
    hidden_dropout: float = 0.8
    everyday: float = 0.5
    ridge: float = 5000.0
    tuning_epochs: int = 6
    tuning_batch: int = 256
    tuning_rate: float = 2e-4
    memory: float = 0.3
    epochs: int = 24
    batch: int = 512
    rate: float = 1e-3
    linear_rate: float = 3e-4
    decay: float = 0.05
    temperature: float = 0.05
    softness: float = 0.3
    average: float = 0.98
    folds: int = 3
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
