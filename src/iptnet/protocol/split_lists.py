"""Other people's split files: the lists of ``train_keys`` and ``test_keys`` that the field shares.

DSNet's YAML and VASNet's JSON hold a list of splits, each a mapping with ``train_keys``,
``test_keys`` and rarely ``val_keys``; an entry is a bare key (``video_1``) or a path into the
benchmark file (``../datasets/eccv16_dataset_summe_google_pool5.h5/video_1``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from iptnet.protocol.splits import Split, check_split

DATASETS = ("summe", "tvsum", "ovp", "youtube")
PARTS = {"train_keys": True, "val_keys": False, "test_keys": True}  # name -> required


def load_split_file(path: str | Path, dataset: str | None = None) -> tuple[Split, ...]:
    """Read a community split file (``.json``, ``.yml``, ``.yaml``), checked for leaks.

    Args:
        path: the file.
        dataset: the set that bare keys belong to; entries that are paths name their own.

    Returns:
        The file's splits, with ids like ``summe/video_1``, ready for
        :func:`iptnet.protocol.splits.resolve`.

    Raises:
        ValueError: unreadable, not such a list, or a split that leaks; the message names the file,
            the line where the syntax breaks, or the split and entry.
    """
    file = Path(path)
    raw = _parse(file)
    if not isinstance(raw, list) or not raw:
        raise ValueError(f"{file}: expected a list of splits, found {type(raw).__name__}")
    splits = []
    for number, entry in enumerate(raw, start=1):
        where = f"{file}: split {number}"
        if not isinstance(entry, dict):
            raise ValueError(f"{where}: expected train_keys and test_keys, found {entry!r}")
        train, val, test = (_ids(entry, part, where, dataset) for part in PARTS)
        split = Split(train, val, test)
        try:
            check_split(split)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        splits.append(split)
    return tuple(splits)


def _parse(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: cannot be read as text: {error}") from error
    if file.suffix == ".json":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{file}: not JSON: {error}") from error
    if file.suffix in {".yml", ".yaml"}:
        import yaml

        try:
            return yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            reason = " ".join(str(error).split())  # its message spans lines and states the line
            raise ValueError(f"{file}: not YAML: {reason}") from error
    raise ValueError(f"{file}: a split file ends in .json, .yml or .yaml")


def _ids(entry: dict[Any, Any], part: str, where: str, dataset: str | None) -> tuple[str, ...]:
    keys = entry.get(part, None if PARTS[part] else [])
    if not isinstance(keys, list):
        raise ValueError(f"{where}: {part} is missing or not a list")
    return tuple(_id(key, f"{where}, {part}[{i}]", dataset) for i, key in enumerate(keys))


def _id(key: Any, where: str, dataset: str | None) -> str:
    if not isinstance(key, str) or not key.strip("/ "):
        raise ValueError(f"{where}: expected a video's key, found {key!r}")
    folder, _, name = key.strip().rstrip("/").rpartition("/")
    named = [d for d in DATASETS if d in folder.rpartition("/")[2].lower()]
    if len(named) == 1:
        return f"{named[0]}/{name}"
    if folder or dataset is None:
        raise ValueError(f"{where}: {key!r} does not say its dataset; pass it as `dataset`")
    return f"{dataset}/{name}"
