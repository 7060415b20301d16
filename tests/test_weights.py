"""The weights that ship belong together, load, and hold nothing they should not."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from iptnet import checkpoint
from iptnet.features.encoders import load_encoder
from iptnet.model.summarizer import load_summarizer

WEIGHTS = Path(str(files("iptnet") / "weights"))


def test_the_summarizer_was_made_for_the_shipped_projection() -> None:
    """A retrained projection is another recipe: then the summarizer has to be made again."""
    summarizer, encoder = load_summarizer(), load_encoder("lite")
    assert encoder.recipe in summarizer.recipes
    vectors = np.eye(8, encoder.recipe.width, dtype=np.float32)
    values = summarizer.importance(vectors, encoder.recipe, np.arange(8) / 2)
    assert values.shape == (8,) and ((values >= 0) & (values <= 1)).all()


def test_held_out_videos_were_not_trained_on() -> None:
    provenance = load_summarizer().checkpoint.provenance
    trained = set(provenance["train"]) | set(provenance["validation"])
    assert len(trained) == 73
    assert not trained & {"summe/playing_ball", "summe/paluma_jump"}
    assert set(provenance["test"]) == {"summe/playing_ball", "summe/paluma_jump"}


def test_the_importance_on_pictures_held_on_videos_left_out() -> None:
    """The file's own figures: each rated video judged by weights fitted on the others."""
    summarizer = load_summarizer()
    assert summarizer.pictures is not None and (summarizer.pictures.weights > 0).all()
    taus = summarizer.checkpoint.provenance["pictures"]["left_out_tau"]
    assert len(taus) == 10 and np.mean(list(taus.values())) > 0.32


def test_all_weights_are_verified_small_and_without_paths() -> None:
    found = sorted(WEIGHTS.glob("*.safetensors"))
    assert {p.stem for p in found} >= {"lite_projection", "summarizer"}
    assert sum(p.stat().st_size for p in found) < 16 * 2**20
    for path in found:
        stored = checkpoint.load(path)
        text = repr((stored.config, stored.provenance))
        assert "/work/" not in text and "../shared" not in text
