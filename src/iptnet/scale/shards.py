"""A stable share of an archive, so that machines work side by side without asking each other."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from hashlib import sha256

from iptnet.errors import UsageError

_SHARD = re.compile(r"(\d{1,6})/(\d{1,6})", re.ASCII)


def digest_of(key: str) -> int:
    """256 bits of a name, the same on every machine; names may hold bytes that are no text."""
    return int.from_bytes(sha256(os.fsencode(key)).digest(), "big")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``count`` shares, counted from 1.

    A video's share depends on its own name only: files that come or go move no other.
    """

    index: int = 1
    count: int = 1

    def has(self, key: str) -> bool:
        """Whether a name belongs to this share."""
        return digest_of(key) % self.count == self.index - 1

    @property
    def suffix(self) -> str:
        """For names of files that a share writes for itself; empty for the whole."""
        return "" if self.count == 1 else f"-{self.index}-of-{self.count}"


def parse_shard(text: str) -> Shard:
    """``2/4`` as the second of four shares.

    Raises:
        UsageError: no such share.
    """
    found = _SHARD.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise UsageError(f"--shard {text} is no share", "give 1/4, 2/4, 3/4 and 4/4, for example")
    return Shard(int(found[1]), int(found[2]))
