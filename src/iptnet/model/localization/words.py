"""Word vectors from a file and the letters of each word: the paper's reading of a sentence.

A localizer trained on GloVe keeps the vectors of the words that it may meet, so that its checkpoint
is whole; a word beyond them is the trained unknown vector and its letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import InputError, IntegrityError

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789'-"
CHARACTERS = len(ALPHABET) + 2
"""Size of the alphabet with padding (0) and everything else (1)."""

LONGEST_WORD, SHORTEST_WORD = 20, 4
MOST_WORDS = 20_000
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


class Reading(NamedTuple):
    """A sentence for the module: vectors (L, E), L ≥ 1, and for word vectors the rest.

    Attributes:
        vectors: (L, E).
        unknown: (L,) bool, words without a vector; None for WordLlama's tokens.
        characters: (L, C) indices of letters; None for WordLlama's tokens.
    """

    vectors: NDArray[np.float32]
    unknown: NDArray[np.bool_] | None = None
    characters: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class WordTable:
    """Vectors of words.

    Attributes:
        words: N, lower case.
        vectors: (N, E).
    """

    words: tuple[str, ...]
    vectors: NDArray[np.float32]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: k for k, word in enumerate(self.words)}

    def read(self, text: str, most: int) -> Reading:
        """Words, flags and letters of a text; one without any word is a single unknown one."""
        words = _WORD.findall(text.casefold())[:most] or [""]
        places = [self._places.get(w, -1) for w in words]
        vectors = np.zeros((len(words), self.vectors.shape[1]), np.float32)
        known = [k for k, at in enumerate(places) if at >= 0]
        vectors[known] = self.vectors[[places[k] for k in known]]
        longest = max(SHORTEST_WORD, *(min(len(w), LONGEST_WORD) for w in words))
        letters = np.zeros((len(words), longest), np.int64)
        for k, word in enumerate(words):
            for j, letter in enumerate(word[:longest]):
                letters[k, j] = ALPHABET.find(letter) + 2 if letter in ALPHABET else 1
        return Reading(vectors, np.array(places) < 0, letters)

    def kept(self, texts: Iterable[str], most: int = MOST_WORDS) -> WordTable:
        """The part worth keeping: the texts' words, then the first of the file."""
        said = {w for text in texts for w in _WORD.findall(text.casefold())}
        own = [k for k, word in enumerate(self.words) if word in said]
        rest = [k for k, word in enumerate(self.words) if word not in said]
        chosen = sorted((own + rest)[: max(most, len(own))])
        return WordTable(tuple(self.words[k] for k in chosen), self.vectors[chosen])


def read_words(path: Path) -> WordTable:
    """Word vectors: ``.npz`` with ``words`` and ``vecs``, or GloVe's text, a word a line.

    Raises:
        InputError: no such file.
        IntegrityError: another form, rows of several widths, or numbers that are not finite.
    """
    if not path.is_file():
        raise InputError(f"no word vectors at {path}", "check sources.words")
    try:
        words, vectors = _npz(path) if path.suffix == ".npz" else _text(path)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise IntegrityError(
            f"{path} holds no word vectors: {error}",
            "give an npz with words and vecs, or a text with a word and its numbers a line",
        ) from error
    first = {word: k for k, word in reversed(list(enumerate(words))) if word != "<pad>"}
    kept = sorted(first.values())
    table = WordTable(tuple(words[k] for k in kept), vectors[kept])
    if not kept or vectors.ndim != 2 or not np.isfinite(table.vectors).all():
        raise IntegrityError(f"{path} holds no finite word vectors", "get the file again")
    return table


def _npz(path: Path) -> tuple[list[str], NDArray[np.float32]]:
    with np.load(path, allow_pickle=False) as stored:
        words = [str(w).casefold() for w in stored["words"]]
        vectors = np.asarray(stored["vecs"], np.float32)
    if vectors.ndim != 2 or len(words) != len(vectors):
        raise ValueError(f"{len(words)} words for vectors of shape {vectors.shape}")
    return words, vectors


def _text(path: Path) -> tuple[list[str], NDArray[np.float32]]:
    words, rows = list[str](), list[NDArray[np.float32]]()
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            word, *numbers = line.rstrip("\n").split(" ")
            row = np.array(numbers, np.float32)
            if len(row) < 2 or (rows and len(row) != len(rows[0])):
                raise ValueError(f"line {number} has {len(row)} numbers")
            words.append(word.casefold())
            rows.append(row)
    return words, np.stack(rows)
