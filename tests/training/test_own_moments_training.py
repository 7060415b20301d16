"""Moments on a folder of features, through ``iptnet train``: Charades-STA with words, and a CSV."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from iptnet.data.benchmark import write_benchmark
from iptnet.data.feature_folder import FeatureFolder
from iptnet.data.record import BenchmarkVideo
from iptnet.errors import InputError, IntegrityError, UsageError
from iptnet.evaluation.localization import evaluate_localization
from iptnet.features.known import BLIP_WORDLLAMA256
from iptnet.features.text import TextEncoder
from iptnet.model.localization.words import WordTable, read_words
from iptnet.model.localizer import load_localizer
from iptnet.training.folder_examples import folder_examples, read_moments
from iptnet.training.localization import load_localization, train_localization

THINGS = ("door", "cup", "book", "phone")
RECIPE = {
    "name": "i3d-made-up",
    "backbone": "random numbers",
    "weights_sha256": "unknown",
    "rate": "2/s",
    "preprocessing": "none",
    "projection": "none",
    "normalisation": "none",
    "width": 24,
    "space": "made-up-24",
    "step_seconds": 0.5,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("charades")
    draw = np.random.default_rng(0)
    lines, durations = list[str](), {}
    (folder / "features").mkdir()
    (folder / "features" / "recipe.json").write_text(json.dumps(RECIPE))
    for k in range(10):
        np.save(folder / "features" / f"V{k}.npy", draw.standard_normal((40, 24), np.float32))
        durations[f"V{k}"] = 20.0
        thing = THINGS[k % 4]
        lines.append(f"V{k} {k % 5}.0 {k % 5 + 8}.5##person opens the {thing}.")
        lines.append(f"V{k} 10.0 15.0##a person fidgets with {thing}s quietly")
    (folder / "train.txt").write_text("\n".join(lines[:16]) + "\n")
    (folder / "test.txt").write_text("\n".join(lines[16:]) + "\n")
    (folder / "durations.json").write_text(json.dumps(durations))
    words = ["<PAD>", "person", "opens", "the", "a", *THINGS]
    np.savez(folder / "words.npz", words=words, vecs=draw.standard_normal((9, 12)))
    return folder


def charades(root: Path, **sources: str) -> Path:
    raw = {
        "task": "localization",
        "variant": "charades",
        "setting": "shipped",
        "sources": {
            "moments": "train.txt",
            "test": "test.txt",
            "durations": "durations.json",
            "features": "features",
            "words": "words.npz",
            **sources,
        },
        "module": {"hidden": 16, "heads": 4},
        "mixture": {"negatives": 0.0},
        "optimiser": {"name": "adamw", "lr": 0.003, "epochs": 1, "batch": 8},
    }
    path = root / f"charades-{len(sources)}.yaml"
    path.write_text(json.dumps(raw))
    return path


def test_words_and_letters_are_trained_saved_loaded_and_evaluated(
    root: Path, tmp_path: Path
) -> None:
    arguments = load_localization(charades(root), [root])
    (path,) = train_localization(arguments, tmp_path / "run").checkpoints
    table = evaluate_localization(path, [root])
    assert [(r.dataset, r.variant) for r in table.rows] == [("test.txt", "charades")]
    assert "MR-full-R1@0.5" in table.rows[0].cells
    localizer = load_localizer(path)
    assert localizer.words is not None
    assert set(localizer.words.words) == {"person", "opens", "the", "a", *THINGS}
    folder = FeatureFolder(root / "features")
    times, vectors = folder.read("V3")
    index = localizer.encode(vectors, times, folder.recipe, 20)
    (found,) = index.find(["person opens the zyxgate"], 2)
    assert found and all(0 <= m.start < m.end <= 20.001 for m in found)
    # Letters tell apart what has no vector.
    assert (
        index.rank("person opens the zyx", 1).scores != index.rank("person opens the ab", 1).scores
    )
    for odd in ("🦄", "\x00\x1b", "x" * 100_000):
        assert index.find([odd], 1)[0]
    assert index.importance(None).shape == times.shape
    with pytest.raises(IntegrityError, match="i3d-made-up"):
        localizer.encode(np.ones((4, 256)), np.arange(4), BLIP_WORDLLAMA256, 4)


def test_features_of_another_recipe_are_refused_in_evaluation(root: Path, tmp_path: Path) -> None:
    arguments = load_localization(charades(root), [root])
    (path,) = train_localization(arguments, tmp_path / "run").checkpoints
    other = tmp_path / "other"
    (other / "features").mkdir(parents=True)
    for name in ("test.txt", "durations.json"):
        (other / name).write_text((root / name).read_text())
    np.save(other / "features" / "V8.npy", np.ones((40, 24), np.float32))
    changed = {**RECIPE, "backbone": "C3D"}
    (other / "features" / "recipe.json").write_text(json.dumps(changed))
    with pytest.raises(IntegrityError, match="C3D"):
        evaluate_localization(path, [other])


def test_a_csv_on_features_that_share_the_sentences_space(tmp_path: Path) -> None:
    encoder, draw = TextEncoder(), np.random.default_rng(1)
    (tmp_path / "features").mkdir()
    recipe = {**BLIP_WORDLLAMA256.to_dict(), "step_seconds": 1.0}
    (tmp_path / "features" / "recipe.json").write_text(json.dumps(recipe))
    rows = ["video,start,end,sentence"]
    for k in range(12):
        order = draw.permutation(4)
        texts = [f"a picture of a {THINGS[order[t // 10]]}" for t in range(40)]
        np.save(tmp_path / "features" / f"film{k}.npy", encoder.encode(texts))
        rows += [f"film{k}.mp4,{10 * i},0:{10 * i + 9},one {THINGS[order[i]]}" for i in (0, 2)]
    (tmp_path / "moments.csv").write_text("\n".join(rows[:19]) + "\n")
    (tmp_path / "test.csv").write_text("\n".join([rows[0], *rows[19:]]) + "\n")
    raw = {
        "task": "localization",
        "variant": "own",
        "setting": "shipped",
        "decode": "ranked",
        "sources": {"moments": "moments.csv", "test": "test.csv", "features": "features"},
        "module": {"hidden": 16, "heads": 4, "similarity": 1},
        "ranking": {"heads": 2, "hidden": 8},
        "optimiser": {"name": "adamw", "lr": 0.003, "epochs": 1, "batch": 8},
        "ranker": {"name": "adamw", "lr": 0.003, "epochs": 2, "batch": 8},
    }
    path = tmp_path / "own.yaml"
    path.write_text(json.dumps(raw))
    arguments = load_localization(path, [tmp_path])
    (made,) = train_localization(arguments, tmp_path / "run").checkpoints
    table = evaluate_localization(made, [tmp_path])
    assert [r.variant for r in table.rows] == ["own", "cosine threshold", "plain run"]


def test_long_videos_are_cut_into_windows_that_show_the_moment(tmp_path: Path) -> None:
    np.save(tmp_path / "long.npy", np.random.default_rng(0).standard_normal((700, 24), np.float32))
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPE | {"step_seconds": 1.0}))
    (tmp_path / "moments.csv").write_text("video;start;end;sentence\nlong;150;190;a dog\n")
    folder = FeatureFolder(tmp_path)
    queries = read_moments(tmp_path / "moments.csv", folder, None)
    cut = folder_examples(queries, folder, 128, 1, None)
    assert 1 < len(cut) < 6
    for example in cut:
        assert len(example.video.vectors) == 128
        assert example.video.edges[0] <= example.windows[0, 0]
        assert example.windows[0, 1] <= example.video.edges[-1]
        assert example.windows[0, 1] - example.windows[0, 0] >= 20
    (whole,) = folder_examples(queries, folder, 128, 1, None, whole=True)
    assert len(whole.video.vectors) == 350
    assert whole.windows.tolist() == [[150, 190]]


def test_word_files_in_both_forms_and_broken_ones(root: Path, tmp_path: Path) -> None:
    table = read_words(root / "words.npz")
    text = tmp_path / "glove.txt"
    lines = (" ".join([w, *map(str, v)]) for w, v in zip(table.words, table.vectors, strict=True))
    text.write_text("\n".join(lines) + "\n")
    again = read_words(text)
    assert again.words == table.words
    np.testing.assert_allclose(again.vectors, table.vectors, rtol=1e-5)
    for content in ("dog 1 2\ncat 1\n", "dog one two\n", "", "dog nan 1\n"):
        text.write_text(content)
        with pytest.raises(IntegrityError, match="word vectors"):
            read_words(text)
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(IntegrityError, match="broken"):
        read_words(tmp_path / "broken.npz")
    with pytest.raises(InputError, match="no word vectors"):
        read_words(tmp_path / "absent.npz")


def test_a_sentence_becomes_vectors_flags_and_letters() -> None:
    table = WordTable(("dog", "runs"), np.array([[1.0, 2.0], [3.0, 4.0]], np.float32))
    reading = table.read("The DOG, runs!", 64)
    assert reading.vectors.tolist() == [[0, 0], [1, 2], [3, 4]]
    assert reading.unknown is not None and reading.unknown.tolist() == [True, False, False]
    assert reading.characters is not None and reading.characters.shape == (3, 4)
    assert reading.characters[1].tolist() == [5, 16, 8, 0]
    assert table.read("🦄", 64).vectors.tolist() == [[0, 0]]
    assert table.kept(["runs"], most=1).words == ("runs",)


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"features": ""}, "moments need features"),
        ({"moments": "", "features": "", "words": ""}, "name queries, clips or moments"),
        ({"queries": "q", "clip_captions": "c"}, "stand alone"),
    ],
)
def test_sources_that_do_not_fit_are_refused(
    root: Path, sources: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        load_localization(charades(root, **sources))


def test_what_iptnet_features_writes_is_found_by_the_videos_name(tmp_path: Path) -> None:
    named = BenchmarkVideo(
        key="video_1",
        name="garden",
        features=np.eye(20, 256, dtype=np.float32),
        picks=np.arange(0, 300, 15),
        n_frames=300,
        fps=30.0,
        change_points=np.array([[0, 299]]),
        n_frame_per_seg=np.array([300]),
        times=np.arange(20) / 2,
    )
    write_benchmark(tmp_path / "f.h5", [named], BLIP_WORDLLAMA256, dataset="mine")
    (tmp_path / "moments.csv").write_text("video,start,end,sentence\ngarden.mp4,2,7,a dog\n")
    folder = FeatureFolder(tmp_path / "f.h5")
    assert folder.videos == {"garden"}
    queries = read_moments(tmp_path / "moments.csv", folder, None)
    (found,) = folder_examples(queries, folder, 128, 1, None)
    # Frames have their own times: nothing is moved.
    np.testing.assert_allclose(found.video.vectors, np.eye(20, 256), atol=1e-6)
