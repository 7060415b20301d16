from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from iptnet.data.joined import Clip
from iptnet.errors import InputError, UsageError
from iptnet.evaluation.localization import evaluate_localization
from iptnet.evaluation.moment_table import MomentTable, rows_of
from iptnet.evaluation.results import Figure, read_figures
from iptnet.model.localizer import VideoIndex, load_localizer
from iptnet.training.localization import load_localization, train_localization
from iptnet.training.localization_arguments import LossArguments
from iptnet.training.moment_batches import batches, collate, localization_loss, target_of
from iptnet.training.moment_examples import (
    Example,
    caption_examples,
    clip_examples,
    negatives,
    part_of,
    residuals_of,
    text_examples,
)
from iptnet.training.moment_sources import read_caption_examples
from tests.training.toys import THINGS, toy_moments


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_moments(tmp_path_factory.mktemp("moments"))


def config(root: Path, name: str, **more: object) -> Path:
    ranked = name == "ranked"
    raw: dict[str, object] = {
        "task": "localization",
        "variant": name,
        "decode": name,
        "sources": {"queries": "queries.jsonl", "clip_captions": "captions.json"},
        "module": {"hidden": 16, "heads": 4, "similarity": int(ranked), "saliency": ranked},
        "optimiser": {"name": "adamw", "lr": 0.003, "epochs": 2, "batch": 8, "clip": 1.0},
        "ranking": {"heads": 2, "hidden": 8, "candidates": 20},
        "ranker": {"name": "adamw", "lr": 0.003, "epochs": 4, "batch": 8, "decay": True},
        **more,
    }
    path = root / f"{name}-{len(more)}.yaml"
    path.write_text(json.dumps(raw))
    return path


@pytest.mark.parametrize("decode", ["spans", "ranked"])
def test_folds_are_trained_resumed_and_scored(root: Path, tmp_path: Path, decode: str) -> None:
    arguments = load_localization(config(root, decode), [root])
    seen: list[str] = []
    report = train_localization(arguments, tmp_path / "run", lambda s, d, n: seen.append(s))
    assert len(report.checkpoints) == report.trained == 5
    assert any(s.startswith("fold 5/5 module") for s in seen)
    again = train_localization(arguments, tmp_path / "run")
    assert (again.trained, again.found) == (0, 5)
    results = tmp_path / "figures.csv"
    table = evaluate_localization(tmp_path / "run", [root], results=results)
    assert {r.variant for r in table.rows} == {decode, "cosine threshold", "plain run"}
    assert "R1@.5" in table.to_text()
    figures = read_figures(results)
    assert {f.split for f in figures} == {"0", "1", "2", "3", "4"}
    assert {f.dataset for f in figures} == {"qvhighlights"}
    json.dumps(table.to_dict(), allow_nan=False)
    with pytest.raises(UsageError, match="selection 'validation'"):
        evaluate_localization(tmp_path / "run", [root], selection="validation")


def test_a_ranker_may_read_the_learned_maps(root: Path, tmp_path: Path) -> None:
    ranking = {"heads": 2, "hidden": 8, "candidates": 20, "maps": True}
    arguments = load_localization(
        config(root, "ranked", setting="shipped", ranking=ranking), [root]
    )
    seen: list[str] = []
    (path,) = train_localization(
        arguments, tmp_path / "run", lambda s, d, n: seen.append(s)
    ).checkpoints
    assert {"module", "module-0", "module-1", "ranker"} <= set(seen)
    localizer = load_localizer(path)
    assert localizer.ranker is not None and localizer.ranker.reads_maps
    example = examples(root)[0]
    index = VideoIndex(localizer, example.video, example.video.edges[:-1])
    assert index.learned_maps(example.query).shape == (2, 30)
    assert index.find([example.query])[0][0].score > 0


@pytest.mark.fault(18)
def test_the_same_run_ends_with_the_same_bits(root: Path, tmp_path: Path) -> None:
    more = {"setting": "shipped"}
    arguments = load_localization(config(root, "ranked", **more), [root])
    paths = [train_localization(arguments, tmp_path / n).checkpoints[0] for n in ("a", "b")]
    first, second = (load_localizer(p) for p in paths)
    assert first.checkpoint.digest == second.checkpoint.digest
    assert {r.name for r in first.recipes} == {"captions-wordllama256", "blip-wordllama256"}
    assert first.ranker is not None and first.ranker.heads == 2
    assert first.background is not None
    with pytest.raises(UsageError, match="trained on all"):
        evaluate_localization(paths[0], [root])
    assert evaluate_localization(paths[0], [root], allow_seen=True).warnings
    other = load_localization(config(root, "ranked", setting="shipped", seed=1), [root])
    with pytest.raises(UsageError, match="another configuration"):
        train_localization(other, tmp_path / "a")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sources": {"clips": "clips"}}, "captions"),
        ({"module": {"hiden": 3}}, "hiden"),
        ({"optimiser": {"lr": -1.0}}, "lr"),
        ({"ranking": {"heads": 1}}, "heads from 2"),
        ({"mixture": {"trimmed": 1.5}}, "shares"),
        (
            {"sources": {"queries": "q", "clip_captions": "c", "clip_vectors": "v"}},
            "stand for clips",
        ),
        (
            {
                "sources": {"clips": "c", "captions": "c", "clip_vectors": "v"},
                "setting": "shipped",
                "mixture": {"misalign": 1.0},
            },
            "misalign has no place",
        ),
    ],
)
def test_nonsense_configurations_are_refused(
    root: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        load_localization(config(root, "spans", **change))


def test_missing_files_are_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        train_localization(load_localization(config(root, "spans"), [tmp_path]), tmp_path / "run")
    with pytest.raises(InputError, match="fold"):
        evaluate_localization(tmp_path, [root])
    with pytest.raises(UsageError, match="one data folder"):
        load_localization(config(root, "spans"), [root, root])


def examples(root: Path) -> list[Example]:
    from iptnet.training.localization_arguments import SourceArguments

    names = SourceArguments(root=str(root), queries="queries.jsonl", clip_captions="captions.json")
    return read_caption_examples(names, 3)


def test_caption_examples_carry_windows_grades_and_parts(root: Path) -> None:
    found = examples(root)
    assert len(found) == 20
    for example in found:
        assert len(example.video.vectors) == 30
        assert example.video.step == 2.0
        target = target_of(example, 0.0)
        start, end = example.windows[0]
        middles = (example.video.edges[1:] + example.video.edges[:-1]) / 2
        assert target.foreground.tolist() == ((middles > start) & (middles < end)).tolist()
        assert target.span == (start / 2, end / 2 - 1)
        assert example.saliency is not None
        np.testing.assert_allclose(
            example.saliency, target.foreground.numpy() * (11 / 12), atol=1e-6
        )
        assert example.source is not None
        assert example.part == part_of(example.source.video, 3)
    assert len({e.part for e in found}) == 3


def test_negatives_show_nothing_and_stay_in_their_part(root: Path) -> None:
    found = examples(root)
    others = negatives(found, 1.0, 0)
    assert len(others) > 5
    by_query = {e.query: e for e in found}
    for negative in others:
        assert len(negative.windows) == 0
        assert not target_of(negative, 0.1).foreground.any()
        assert target_of(negative, 0.1).span is None
        assert negative.part in {e.part for e in found if e.query == negative.query}
        assert negative.video is not by_query[negative.query].video or len(by_query) < 20
    assert negatives(found, 0.0, 0) == []


def test_clips_join_within_their_part_and_residuals_are_differences() -> None:
    draw = np.random.default_rng(0)
    clips = [Clip(f"c{k}", 10.0, (f"a {THINGS[k % 8]} number {k}",)) for k in range(40)]
    features = {
        c.name: (np.arange(20) / 2, draw.standard_normal((20, 256)).astype(np.float32))
        for c in clips
    }
    found = clip_examples(clips, features, 128, 2, rounds=2, seed=0, per_video=4)
    assert found
    for example in found:
        assert example.source is not None
        assert part_of(example.source.qid.split("/")[1], 2) == example.part  # type: ignore[union-attr]
        assert example.video.edges[-1] == pytest.approx(40)
        assert example.windows[0][1] - example.windows[0][0] == pytest.approx(10)
    rows = residuals_of(clips, features)
    assert rows.shape == (800, 256)
    from iptnet.features.text import TextEncoder

    caption = TextEncoder().encode(clips[0].captions)[0]
    np.testing.assert_allclose(rows[:20] + caption, features["c0"][1], atol=1e-5)


def test_text_videos_hold_unit_vectors_with_real_noise(root: Path) -> None:
    from iptnet.training.pairs import read_captions

    captions = read_captions(root / "sentences.json.gz")
    noise = np.random.default_rng(0).standard_normal((50, 256)).astype(np.float32) / 16
    for how in (None, noise):
        found = text_examples(captions, 128, 2, videos=4, noise=1.0, residuals=how, seed=0)
        assert {e.part for e in found} == {0, 1}
        for example in found:
            assert len(example.windows) == 1
            assert len(example.video.vectors) <= 128


def test_every_example_is_in_one_batch_and_the_null_query_has_no_span(root: Path) -> None:
    found = examples(root)
    targets = [target_of(e, 0.1) for e in found]
    made = batches(found, targets, 8, 0)
    assert sum(len(b.mask) for b in made) == 20
    assert [b.query is None for b in made] == [False] * 3
    null = collate(found[:4], targets[:4], null=True)
    assert null.query is None
    assert (null.first == -1).all()
    assert all(b.query is None for b in batches(found, targets, 8, 0, null=1.0))


def test_the_objective_adds_up(root: Path) -> None:
    from iptnet.losses.highlight import highlight_loss
    from iptnet.losses.span import span_loss
    from iptnet.model.localization.config import LocalizationConfig
    from iptnet.model.localization.module import LocalizationModule

    torch.manual_seed(0)
    module = LocalizationModule(LocalizationConfig(hidden=16, heads=4, saliency=True)).eval()
    found = examples(root)[:4]
    batch = collate(found, [target_of(e, 0.1) for e in found])
    weights = LossArguments(span=1.0, highlight=5.0, saliency=0.5)
    with torch.no_grad():
        out = module(batch.video, batch.mask, batch.query, batch.words)
        expected = 5 * highlight_loss(out.highlight, batch.foreground, batch.mask)
        expected += span_loss(out.start, out.end, batch.first, batch.last)
        assert out.saliency is not None
        expected += 0.5 * highlight_loss(out.saliency, batch.saliency, batch.mask)
        torch.testing.assert_close(localization_loss(module, batch, weights), expected)


def test_tables_show_means_and_spreads() -> None:
    figures = [
        Figure("qvhighlights", "folds", "x", str(k), "0", "last", "MR-full-mAP", 30.0 + k)
        for k in range(3)
    ]
    table = MomentTable(rows_of(figures))
    assert "31.0 ± 0.8" in table.to_text()
    assert table.rows[0].runs == 3


def test_captions_need_their_videos(root: Path) -> None:
    queries = [e.source for e in examples(root) if e.source]
    with pytest.raises(KeyError):
        caption_examples(queries, {}, 128, 3)
