"""SM: shapes, masks, lengths, the context cues, decoding, and the summarizer at rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet import checkpoint as files_of
from iptnet.errors import InputError, IntegrityError
from iptnet.features.recipe import Recipe
from iptnet.model import context as context_module
from iptnet.model.context import AGO, CUES, KNOWN, NEARBY, blur, context, novelty
from iptnet.model.decoding import decode_boxes, suppress
from iptnet.model.importance import ImportanceMap
from iptnet.model.summarization import SummarizationConfig, SummarizationModule
from iptnet.model.summarizer import Summarizer, display, load_summarizer, to_checkpoint
from tests.oracles import summarization as oracle

RECIPE = Recipe("toy", "none", "unknown", "2/s", "none", "none", "l2", 16, "toy")
OTHER = replace(RECIPE, name="other", space="another")
KINDS = [(True, False), (False, True), (True, True), (False, False)]


def module(attention: bool = True, with_context: bool = False) -> SummarizationModule:
    torch.manual_seed(0)
    config = SummarizationConfig(16, heads=4, hidden=8, attention=attention, context=with_context)
    made = SummarizationModule(config).eval()
    for parameter in made.parameters():  # nothing stays zero, so that everything is seen
        torch.nn.init.normal_(parameter, std=0.3)
    return made


def features(T: int, seed: int = 0) -> torch.Tensor:
    rows = torch.randn(1, T, 16, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(rows, dim=-1)


@pytest.mark.parametrize(("attention", "with_context"), KINDS)
@pytest.mark.parametrize("T", [1, 2, 7, 150])
def test_shapes_and_ranges_at_any_length(attention: bool, with_context: bool, T: int) -> None:
    out = module(attention, with_context)(features(T), torch.ones(1, T, dtype=torch.bool))
    assert out.importance.shape == out.centrality.shape == out.logits.shape == (1, T)
    assert out.offsets.shape == (1, T, 2)
    assert out.hidden.shape == (1, T, 16)
    assert all(bool(torch.isfinite(t).all()) for t in out)
    assert bool((out.offsets > 0).all())
    assert bool(((out.importance > 0) & (out.importance < 1)).all())


@pytest.mark.parametrize(("attention", "with_context"), KINDS)
def test_padding_changes_nothing(attention: bool, with_context: bool) -> None:
    sm = module(attention, with_context)
    lengths = (1, 30, 75)
    batch = torch.randn(3, 75, 16) * 9  # rubbish where nothing is
    mask = torch.zeros(3, 75, dtype=torch.bool)
    for b, T in enumerate(lengths):
        batch[b, :T], mask[b, :T] = features(T, b)[0], True
    together = sm(batch, mask)
    for b, T in enumerate(lengths):
        alone = sm(features(T, b), torch.ones(1, T, dtype=torch.bool))
        for ours, theirs in zip(together, alone, strict=True):
            torch.testing.assert_close(ours[b, :T], theirs[0], atol=2e-5, rtol=1e-4)


def test_the_paper_sm_knows_no_positions() -> None:
    sm, rows = module(), features(20)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(1, 20, dtype=torch.bool)
    torch.testing.assert_close(
        sm(rows[:, order], mask).importance, sm(rows, mask).importance[:, order]
    )


def test_the_attention_is_the_textbook_one() -> None:
    """H' = LayerNorm(softmax(QK'/√d)V·W + x), head by head."""
    sm, rows = module(), features(6)
    weight, bias = sm.attend.attention.in_proj_weight, sm.attend.attention.in_proj_bias
    q, k, v = (rows[0] @ weight.T + bias).chunk(3, dim=-1)
    heads = []
    for h in range(4):
        part = slice(4 * h, 4 * h + 4)
        share = torch.softmax(q[:, part] @ k[:, part].T / 2.0, dim=-1)
        heads.append(share @ v[:, part])
    expected = sm.norm(sm.attend.attention.out_proj(torch.cat(heads, dim=-1)) + rows[0])
    out = sm(rows, torch.ones(1, 6, dtype=torch.bool))
    torch.testing.assert_close(out.hidden[0], expected, atol=1e-5, rtol=1e-4)


@given(st.integers(1, 25), st.integers(0, 6), st.integers(0, 10**6))
@settings(deadline=None)
def test_blur_agrees_with_the_loop(T: int, radius: int, seed: int) -> None:
    rows = torch.randn(1, T + 3, 2, generator=torch.Generator().manual_seed(seed))
    mask = torch.ones(1, T + 3, dtype=torch.bool)
    mask[0, T:] = False
    expected = oracle.blur(rows[0, :T].tolist(), radius)
    torch.testing.assert_close(
        blur(rows, mask, radius)[0, :T], torch.tensor(expected), atol=1e-5, rtol=1e-4
    )


def test_windows_of_a_blur_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.randn(2, 90, 12, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(2, 90, dtype=torch.bool)
    mask[1, 61:] = False  # ends inside a window, and long before another
    for radius in (1, 4, 20):
        whole = blur(rows, mask, radius)
        for size in (89, 40, 7):
            monkeypatch.setattr(context_module, "WINDOW", size)
            torch.testing.assert_close(blur(rows, mask, radius), whole, atol=1e-6, rtol=1e-5)
        monkeypatch.undo()


def test_pieces_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, mask = features(90, 2).expand(2, 90, 16), torch.ones(2, 90, dtype=torch.bool)
    mask[1, 61:] = False
    whole = context(rows, mask)
    for size in (89, 40, 1):
        monkeypatch.setattr(context_module, "PIECE", size)
        made = context(rows, mask)
        assert torch.equal(made.content, whole.content) and torch.equal(made.cues, whole.cues)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 10**6))
@settings(deadline=None)
def test_the_highest_are_those_of_topk(width: int, count: int, seed: int) -> None:
    rows = torch.randn(5, width, generator=torch.Generator().manual_seed(seed)).round(decimals=1)
    count = min(count, width)
    assert torch.equal(context_module._highest(rows, count), rows.topk(count, dim=1).values)


def test_content_and_cues_are_centred_per_video() -> None:
    scenes = features(12).repeat_interleave(10, dim=1) + 0.3 * features(120, 1)
    made = context(scenes, torch.ones(1, 120, dtype=torch.bool))
    assert made.cues.shape == (1, 120, CUES)
    assert made.cues.mean(dim=1).abs().max() < 1e-4
    torch.testing.assert_close(made.cues.std(dim=1), torch.ones(1, CUES), atol=0.1, rtol=0)
    assert made.content.mean(dim=1).abs().max() < 0.05


def test_a_still_video_has_no_cues() -> None:
    still = features(1).expand(1, 90, 16)
    made = context(still, torch.ones(1, 90, dtype=torch.bool))
    assert made.cues.abs().max() < 0.01
    assert made.content.abs().max() < 1e-5


def test_the_odd_one_out_has_low_density() -> None:
    """One foreign stretch in a uniform video: least dense, least like the mean."""
    a, b = features(1, 1)[0, 0], features(1, 2)[0, 0]
    rows = (a + 0.05 * torch.randn(100, 16, generator=torch.Generator().manual_seed(3)))[None]
    rows[0, 40:50] = b
    cues = context(rows, torch.ones(1, 100, dtype=torch.bool)).cues[0]
    density, recurrence = cues[:, -3], cues[:, -1]
    assert density[41:49].mean() < density[:38].mean() - 1
    assert NEARBY >= 10  # so the stretch does not count as its own recurrence
    assert recurrence[41:49].mean() < recurrence[:38].mean() - 1


def test_long_videos_use_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = features(400).repeat_interleave(4, dim=1)
    mask = torch.ones(1, 1600, dtype=torch.bool)
    few = context(rows, mask).cues
    monkeypatch.setattr("iptnet.model.context.LANDMARKS", 2000)
    every = context(rows, mask).cues
    together = torch.corrcoef(torch.stack([few[0, :, -3], every[0, :, -3]]))[0, 1]
    assert together > 0.95


@given(st.integers(1, 30), st.integers(0, 10**6))
@settings(deadline=None)
def test_novelty_agrees_with_the_loop(T: int, seed: int) -> None:
    rows, mask = features(T + 2, seed), torch.ones(1, T + 2, dtype=torch.bool)
    mask[0, T:] = False
    expected = oracle.novelty(rows[0, :T].tolist(), AGO, KNOWN)
    found = novelty(rows * mask[..., None], mask)
    torch.testing.assert_close(found[0, :T], torch.tensor(expected), atol=1e-4, rtol=1e-4)
    assert (found[0, T:] == 0).all()


def test_what_returns_is_not_new_and_what_comes_first_is() -> None:
    """Scenes A, B, A: B is new when it begins, and the second A never."""
    a, b = (features(1, k).expand(1, 30, 16) + 0.02 * features(30, 9 + k) for k in (1, 2))
    rows = torch.nn.functional.normalize(torch.cat([a, b, a], dim=1), dim=-1)
    found = novelty(rows, torch.ones(1, 90, dtype=torch.bool))[0]
    assert found[30:32].min() > found[34:].max() + 1
    assert found[60:].max() <= np.log(KNOWN) + 1e-5


def test_novelty_of_long_videos_looks_at_recent_steps_and_landmarks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = torch.nn.functional.normalize(
        features(60).repeat_interleave(10, dim=1) + 0.1 * features(600, 1), dim=-1
    )
    mask = torch.ones(1, 600, dtype=torch.bool)
    whole = novelty(rows, mask)
    monkeypatch.setattr(context_module, "LANDMARKS", 100)
    few = novelty(rows, mask)
    assert (few[0, AGO:] >= whole[0, AGO:] - 1e-5).all(), "fewer steps are never nearer"
    assert torch.corrcoef(torch.cat([few, whole]))[0, 1] > 0.9
    monkeypatch.setattr(context_module, "RECENT", 600)
    torch.testing.assert_close(novelty(rows, mask), whole, atol=1e-4, rtol=1e-4)


@given(st.integers(1, 14), st.integers(0, 10**6))
def test_decoding_agrees_with_the_loop(T: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    importance, centrality = rng.random(T), rng.random(T)
    offsets = rng.random((T, 2)) * 4
    ours = decode_boxes(importance, offsets, centrality)
    theirs = oracle.boxes_to_scores(importance.tolist(), offsets.tolist(), centrality.tolist())
    assert ours.tolist() == pytest.approx(theirs)


def test_suppression_by_hand() -> None:
    # IoU of the first two: 3/5 = .6, gone; of the first and third: 1/7, stays.
    boxes = np.array([[0, 4], [1, 5], [3, 7]])
    assert suppress(boxes, np.array([0.5, 0.9, 0.4])) == [1, 2]
    assert suppress(boxes[:2], np.array([0.5, 0.5])) == [0]


def test_an_importance_map_checks_itself_and_makes_distributions() -> None:
    mask = torch.tensor([[True, True, False], [True, True, True]])
    values = torch.tensor([[0.2, 0.6, 9.0], [0.0, -1.0, 0.0]])
    made = ImportanceMap(values, torch.zeros(2, 3), mask)
    expected = torch.tensor([[0.25, 0.75, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    torch.testing.assert_close(made.distribution(), expected)
    with pytest.raises(ValueError, match="alike"):
        ImportanceMap(values, torch.zeros(2, 2), mask)
    with pytest.raises(ValueError, match="boolean"):
        ImportanceMap(values, torch.zeros(2, 3), mask.long())


def summarizer(tmp_path: Path, with_context: bool = True) -> Summarizer:
    made = to_checkpoint(module(with_context=with_context), "importance", (RECIPE,), {})
    files_of.save(tmp_path / "s.safetensors", made)
    return load_summarizer(tmp_path / "s.safetensors")


def test_a_summarizer_survives_its_file_and_refuses_foreign_features(tmp_path: Path) -> None:
    sm = summarizer(tmp_path)
    rows = features(40)[0].numpy()
    values = sm.importance(rows, RECIPE)
    assert values.dtype == np.float32
    assert values.min() == 0
    assert values.max() == 1
    again = load_summarizer(tmp_path / "s.safetensors").importance(rows, RECIPE)
    assert np.array_equal(values, again)
    assert sm.recipes == (RECIPE,)
    with pytest.raises(IntegrityError, match="other"):
        sm.importance(rows, OTHER)


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (np.zeros((0, 16)), InputError),
        (np.zeros((3, 8)), InputError),
        (np.zeros(16), InputError),
        (np.full((3, 16), np.nan), IntegrityError),
    ],
)
def test_unfit_features_are_refused(
    tmp_path: Path, rows: np.ndarray, error: type[Exception]
) -> None:
    with pytest.raises(error):
        summarizer(tmp_path).importance(rows, RECIPE)


def test_one_frame_and_a_still_video_are_neutral(tmp_path: Path) -> None:
    sm = summarizer(tmp_path)
    assert sm.importance(features(1)[0].numpy(), RECIPE, [0.0]).tolist() == [0.5]
    still = np.repeat(features(1)[0].numpy(), 30, axis=0)
    assert np.allclose(sm.importance(still, RECIPE), 0.5)


def test_another_rate_tells_the_same_story(tmp_path: Path) -> None:
    """Four frames a second of the same film: nearly the same curve, at the frames' own times."""
    sm = summarizer(tmp_path)
    at = np.arange(0, 60, 0.5)
    rows = blur(features(120) * 4, torch.ones(1, 120, dtype=torch.bool), 2)[0].numpy()
    slow = sm.importance(rows, RECIPE, at)
    dense = np.arange(0, 59.5, 0.25)
    k = np.minimum((dense / 0.5).astype(int), 118)
    share = (dense / 0.5 - k)[:, None].astype(np.float32)
    fast = sm.importance(rows[k] * (1 - share) + rows[k + 1] * share, RECIPE, dense)
    assert fast.shape == dense.shape
    assert np.corrcoef(np.interp(dense, at, slow), fast)[0, 1] > 0.95
    with pytest.raises(InputError, match="ascending"):
        sm.importance(rows, RECIPE, at[::-1])


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30))
def test_display_keeps_the_order(scores: list[float]) -> None:
    row = np.array(scores)
    shown = display(row)
    assert ((shown >= 0) & (shown <= 1)).all()
    for i in range(len(row) - 1):
        assert (shown[i] - shown[i + 1]) * (row[i] - row[i + 1]) >= 0


def test_other_checkpoints_are_refused(tmp_path: Path) -> None:
    made = to_checkpoint(module(), "importance", (RECIPE,), {})
    path = tmp_path / "s.safetensors"
    files_of.save(path, replace(made, config={**made.config, "decode": "dreams"}))
    with pytest.raises(IntegrityError, match="version"):
        load_summarizer(path)
    files_of.save(path, replace(made, config={**made.config, "pictures": "some"}))
    with pytest.raises(IntegrityError, match="version"):
        load_summarizer(path)
    older = {k: v for k, v in made.config.items() if k != "pictures"}
    files_of.save(path, replace(made, config=older))
    assert load_summarizer(path).pictures is None
    files_of.save(path, replace(made, kind="projection"))
    with pytest.raises(IntegrityError):
        load_summarizer(path)
    with pytest.raises(InputError):
        load_summarizer(tmp_path / "none.safetensors")
