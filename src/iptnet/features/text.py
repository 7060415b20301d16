"""Sentences as WordLlama vectors: the mean of 256-d token embeddings, scaled to length one.

The PyPI package ``wordllama`` (MIT) carries its tokenizer and its ``l2_supercat_256`` weights. They
are read here straight from the package's folder, so nothing can be downloaded and importing it,
which would configure the root logger of whoever uses this library, is not needed. The numbers are
those of ``WordLlama.load(...).embed(texts, norm=True)`` (tested), except that a text without a
single token is a zero vector instead of NaN: it resembles nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import IntegrityError, MachineError

SPACE = "wordllama-l2-supercat-256"
WIDTH = 256
WEIGHTS_SHA256 = "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5"
TOKENIZER_SHA256 = "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68"
BATCH = 256


class TextEncoder:
    """Turns sentences into unit vectors that compare by dot product with lite frame vectors.

    Raises:
        MachineError: ``wordllama`` is not installed.
        IntegrityError: its files are not the version that our weights were trained with.
    """

    space = SPACE
    width = WIDTH

    def __init__(self) -> None:
        self._tokenizer, self._embedding = _load()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts.

        Args:
            texts: N sentences of any length, script and content.

        Returns:
            (N, 256) float32; rows have length 1, or 0 where a text is empty or blank.
        """
        if isinstance(texts, str):
            texts = [texts]
        result = np.zeros((len(texts), WIDTH), np.float32)
        for at in range(0, len(texts), BATCH):
            for i, ids in enumerate(self._tokens(texts[at : at + BATCH]), start=at):
                if ids:
                    result[i] = self._rows(ids).mean(axis=0)
        lengths = np.linalg.norm(result, axis=1, keepdims=True)
        result /= np.where(lengths > 0, lengths, 1)
        return result

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has; 0 for blank ones, whose vector is zero."""
        return [len(ids) for ids in self._tokens(texts)]

    def token_vectors(self, texts: Sequence[str], most: int = 64) -> list[NDArray[np.float32]]:
        """The vectors that :meth:`encode` averages, in order; for models that read word by word.

        Args:
            texts: N sentences.
            most: tokens of each that are kept.

        Returns:
            N arrays (L, 256) float32, 0 ≤ L ≤ ``most``.
        """
        return [self._rows(ids[:most]) for ids in self._tokens(texts)]

    def _rows(self, ids: list[int]) -> NDArray[np.float32]:
        return self._embedding[ids].astype(np.float32)

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        # Lone surrogates (from broken file names, say) have no UTF-8; the tokenizer would raise.
        whole = [t.encode("utf-8", "replace").decode("utf-8") for t in texts]
        # One at a time: a batch would start threads that a forked child lacks.
        encode = self._tokenizer.encode
        return [encode(t, add_special_tokens=False).ids if t.strip() else [] for t in whole]


@lru_cache(maxsize=1)
def _load() -> tuple[Any, NDArray[np.float16]]:
    spec = importlib.util.find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise MachineError("the package wordllama is not installed", "pip install wordllama")
    folder = Path(spec.submodule_search_locations[0])
    weights = folder / "weights" / "l2_supercat_256.safetensors"
    tokenizer = folder / "tokenizers" / "l2_supercat_tokenizer_config.json"
    for path, expected in ((weights, WEIGHTS_SHA256), (tokenizer, TOKENIZER_SHA256)):
        if not path.is_file():
            raise IntegrityError(f"{path} is missing", "reinstall wordllama 0.4")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise IntegrityError(f"{path} is another version", "pip install 'wordllama>=0.4,<0.5'")

    from safetensors import safe_open
    from tokenizers import Tokenizer

    with safe_open(weights, framework="np") as stored:
        # As it is stored: a sentence needs a few rows of it in single precision.
        embedding = stored.get_tensor("embedding.weight")
    reader = Tokenizer.from_file(str(tokenizer))
    reader.no_padding()
    reader.no_truncation()
    return reader, embedding
