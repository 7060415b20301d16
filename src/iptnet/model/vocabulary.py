"""Which words a model was trained on, as a Bloom filter: 16 kB in the checkpoint, no word list.

A word that training never saw may still have token vectors (every text has), but what the model
makes of them is a guess, and a user is told so. A Bloom filter never forgets a word; here it takes
about one unknown word in a hundred for a known one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

BYTES = 1 << 15
PROBES = 4
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_ENDINGS = ("'s", "s", "es", "d", "ed", "ing", "er", "ly")

_COMMON = """
a an and are as at be being by for from has have he her his i in into is it its of off on or out
over she some that the their them then there they this to up was were what when where which while
who with you
"""
COMMON = frozenset(_COMMON.split())
"""Words that say nothing about a picture."""


def words_of(text: str) -> list[str]:
    """Letters only, folded; numbers, signs and emoji are no words."""
    return _WORD.findall(text.casefold())


def new_filter() -> NDArray[np.uint8]:
    """An empty filter, (BYTES,) uint8."""
    return np.zeros(BYTES, np.uint8)


def learn(bits: NDArray[np.uint8], texts: Iterable[str]) -> None:
    """Add all words of texts, in place."""
    for word in {w for text in texts for w in words_of(text)}:
        for at in _places(word):
            bits[at >> 3] |= np.uint8(1 << (at & 7))


def knows(bits: NDArray[np.uint8], word: str) -> bool:
    """Whether a word, or it without a usual ending, was learnt."""
    stems = [word, *(word.removesuffix(e) for e in _ENDINGS if word.endswith(e))]
    return any(_has(bits, stem) for stem in stems if len(stem) > 1 or stem == word)


def known_share(bits: NDArray[np.uint8], text: str) -> tuple[float, list[str]]:
    """How much of a text is known, and what is not.

    Returns:
        the share of its words, common ones aside, that are known — 0 if it has no word at all,
        1 if it has only common ones — and the unknown words in order.
    """
    words = list(dict.fromkeys(words_of(text)))
    telling = [w for w in words if w not in COMMON]
    if not telling:
        return (1.0 if words else 0.0), []
    unknown = [w for w in telling if not knows(bits, w)]
    return 1 - len(unknown) / len(telling), unknown


def _has(bits: NDArray[np.uint8], word: str) -> bool:
    return all(int(bits[at >> 3]) >> (at & 7) & 1 for at in _places(word))


def _places(word: str) -> list[int]:
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=4 * PROBES).digest()
    return [int.from_bytes(digest[4 * k : 4 * k + 4], "big") % (8 * BYTES) for k in range(PROBES)]
