"""The digest that makes a flipped byte in a feature file of ours a refusal instead of a bad result.

It covers the recipe, the set's name, and name, type, shape and bytes of every array that is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import IntegrityError

SCHEMA = "iptnet/benchmark/1"
ATTRIBUTES = ("schema", "dataset", "recipe", "sha256")


class Digest:
    """sha256 over a file's contents, fed video by video in the order of loading."""

    def __init__(self) -> None:
        self._total = hashlib.sha256()

    def header(self, attributes: Mapping[str, str | None]) -> None:
        """Take in the file's attributes, all but the digest itself."""
        head = {k: attributes.get(k) for k in ATTRIBUTES if k != "sha256"}
        self._total.update(json.dumps(head, sort_keys=True).encode())

    def video(self, key: str, values: Mapping[str, NDArray[Any] | str]) -> None:
        """Take in one video's arrays and texts, as they are stored."""
        for name in sorted(values):
            value = values[name]
            if isinstance(value, str):
                data, kind = value.encode(), ["text"]
            else:
                little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
                data, kind = little.tobytes(), [little.dtype.str, *map(str, value.shape)]
            self._total.update(json.dumps([key, name, kind, len(data)]).encode())
            self._total.update(data)

    def hexdigest(self) -> str:
        """Sixty-four hex digits."""
        return self._total.hexdigest()

    def compare(self, attributes: Mapping[str, str | None], path: Path) -> None:
        """Refuse a file of ours that no longer is what was written.

        Raises:
            IntegrityError: the digest is another one, or only one of schema and digest is there.
        """
        schema, digest = attributes.get("schema"), attributes.get("sha256")
        if schema is None and digest is None:
            return
        if schema != SCHEMA or digest != self.hexdigest():
            known = schema in {SCHEMA, None}
            raise IntegrityError(
                f"{path} does not match its own digest"
                if known
                else f"{path} is {schema!r}, not {SCHEMA!r}",
                "extract the features again" if known else "use the version that wrote it",
            )
