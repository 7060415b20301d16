"""Sentences become WordLlama vectors, whatever they hold, without touching the network or logs."""

from __future__ import annotations

import gzip
import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.errors import IntegrityError, MachineError
from iptnet.features import text as module
from iptnet.features.text import TextEncoder


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder()


def test_equals_wordllama_itself(encoder: TextEncoder) -> None:
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    import wordllama

    texts = ["A dog runs.", "ыфва 漢字", "🙂", "  spaced  ", "x" * 5000, "a\x00b"]
    reference = wordllama.WordLlama.load(
        cache_dir=Path(wordllama.__file__).parent, disable_download=True
    ).embed(texts, norm=True)
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    np.testing.assert_allclose(encoder.encode(texts), reference, atol=1e-6)


def test_neither_wordllama_nor_its_logging_is_touched() -> None:
    code = (
        "import logging, sys; from iptnet.features.text import TextEncoder; "
        "TextEncoder().encode(['a']); "
        "print('wordllama' in sys.modules, logging.getLogger().handlers)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False []"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(), max_size=40), max_size=5))
def test_rows_have_length_one_or_zero(encoder: TextEncoder, texts: list[str]) -> None:
    found = encoder.encode(texts)
    assert found.shape == (len(texts), 256) and found.dtype == np.float32
    counts = encoder.token_counts(texts)
    for row, sentence, count in zip(found, texts, counts, strict=True):
        assert (count == 0) >= (not sentence.strip())
        assert np.linalg.norm(row) == pytest.approx(1.0 if count else 0.0, abs=1e-5)


def test_a_text_does_not_depend_on_its_neighbours(encoder: TextEncoder) -> None:
    alone = encoder.encode(["a red car"])
    crowd = encoder.encode(["word " * 300, "a red car", ""])
    np.testing.assert_array_equal(alone[0], crowd[1])
    assert not crowd[2].any()


def test_more_texts_than_a_batch_keep_their_order(encoder: TextEncoder) -> None:
    texts = [f"number {i}" for i in range(module.BATCH + 3)]
    found = encoder.encode(texts)
    np.testing.assert_array_equal(found[-1], encoder.encode(texts[-1:])[0])


def test_lone_surrogates_and_a_single_string_are_taken(encoder: TextEncoder) -> None:
    assert np.linalg.norm(encoder.encode(["\ud800 dog"])) == pytest.approx(1.0, abs=1e-5)
    assert encoder.encode("one string").shape == (1, 256)


def test_absent_or_other_files_are_refused(
    monkeypatch: pytest.MonkeyPatch, encoder: TextEncoder
) -> None:
    module._load.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(module, "WEIGHTS_SHA256", "0" * 64)
        with pytest.raises(IntegrityError, match="another version"):
            TextEncoder()
    with monkeypatch.context() as patch:
        patch.setattr(module.importlib.util, "find_spec", lambda name: None)
        with pytest.raises(MachineError, match="wordllama"):
            TextEncoder()
    module._load.cache_clear()


@pytest.mark.data
def test_reproduces_the_features_of_the_benchmark_captions(
    research_data: Path, encoder: TextEncoder
) -> None:
    import h5py

    folder = research_data / "summarization"
    captions = json.loads(gzip.decompress((folder / "summe_captions.json.gz").read_bytes()))
    with h5py.File(folder / "summe_blip_wordllama256.h5") as stored:
        for key, video in captions.items():
            features = stored[key]["features"][:].astype(np.float32)
            cosines = (features * encoder.encode(video["captions"])).sum(axis=1)
            assert cosines.min() > 0.999, key
