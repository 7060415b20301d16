from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from iptnet.model.localization.config import LocalizationConfig
from iptnet.model.localization.fusion import ContextQueryAttention
from iptnet.model.localization.module import LocalizationModule
from iptnet.model.localization.query import WordsAndCharacters
from iptnet.model.localization.shared import SharedEncoder
from iptnet.model.localization.similarity import SimilarityMaps
from tests.oracles import localization as oracle

LITERAL = LocalizationConfig(width=12, word_width=10, hidden=16, steps=20, heads=4)
FULL = LocalizationConfig(
    width=10, word_width=10, hidden=16, steps=20, heads=4, similarity=2, rank=3, refine=1,
    saliency=True,
)  # fmt: skip


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 2**31 - 1), st.integers(1, 5), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_context_query_attention_equals_the_loops(seed: int, steps: int, length: int) -> None:
    torch.manual_seed(seed % 1000)
    layer = ContextQueryAttention(3, 0.0).eval()
    layer.linear = torch.nn.Identity()  # type: ignore[assignment]
    video, words = draw(seed, 1, steps, 3), draw(seed + 1, 1, length, 3)
    # One padded step and word, which must not be seen.
    found = layer(
        torch.cat([video, 9 * torch.ones(1, 1, 3)], 1),
        torch.cat([words, 9 * torch.ones(1, 1, 3)], 1),
        torch.arange(steps + 1)[None] < steps,
        torch.arange(length + 1)[None] < length,
    )[0, :steps]
    expected = oracle.context_query(
        video[0].tolist(), words[0].tolist(),
        layer.for_video.tolist(), layer.for_words.tolist(), layer.for_both.tolist(),
    )  # fmt: skip
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("config", [LITERAL, FULL], ids=["literal", "full"])
def test_shapes_ranges_and_padding(config: LocalizationConfig) -> None:
    torch.manual_seed(0)
    module = LocalizationModule(config).eval()
    video, words = draw(1, 2, 9, config.width), draw(2, 2, 5, config.word_width)
    lengths, counts = torch.tensor([9, 6]), torch.tensor([3, 5])
    mask, word_mask = torch.arange(9) < lengths[:, None], torch.arange(5) < counts[:, None]
    with torch.no_grad():
        out = module(video, mask, words, word_mask)
        alone = module(video[1:, :6], mask[1:, :6], words[1:], word_mask[1:])
    assert out.importance.shape == out.start.shape == out.end.shape == (2, 9)
    assert ((out.importance > 0) == mask).all()
    assert (out.importance < 1).all()
    assert (torch.isfinite(out.start) == mask).all()
    # What is padded, and how far, changes nothing.
    torch.testing.assert_close(out.importance[1:, :6], alone.importance)
    torch.testing.assert_close(out.end[1:, :6], alone.end)
    if config.saliency:
        assert out.saliency is not None
        assert alone.saliency is not None
        torch.testing.assert_close(out.saliency[1:, :6], alone.saliency)
    else:
        assert out.saliency is None


@pytest.mark.parametrize("config", [LITERAL, FULL], ids=["literal", "full"])
def test_every_parameter_learns(config: LocalizationConfig) -> None:
    torch.manual_seed(0)
    module = LocalizationModule(config)
    video, words = draw(1, 2, 9, config.width), draw(2, 2, 5, config.word_width)
    mask, word_mask = torch.ones(2, 9, dtype=torch.bool), torch.ones(2, 5, dtype=torch.bool)
    for query in (words, None):
        out = module(video, mask, query, word_mask if query is not None else None)
        terms = [out.highlight, out.start, out.end, out.saliency]
        total = sum(t[torch.isfinite(t)].square().sum() for t in terms if t is not None)
        assert isinstance(total, torch.Tensor)
        total.backward()
    # Constants that a softmax cancels, and the inside of moves that start as the identity.
    free = ("for_words", "for_video", "move_", "weight.3.bias")
    for name, parameter in module.named_parameters():
        if not any(f in name for f in free):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


def test_an_encoded_video_gives_the_same_maps_and_spans_may_be_skipped() -> None:
    torch.manual_seed(0)
    module = LocalizationModule(FULL).eval()
    video, words = draw(1, 2, 9, 10), draw(2, 2, 5, 10)
    mask, word_mask = torch.arange(9) < torch.tensor([[9], [4]]), torch.ones(2, 5, dtype=torch.bool)
    with torch.no_grad():
        whole = module(video, mask, words, word_mask)
        steps = module.encode_video(video, mask)
        looks = module.look(video, mask)
        again = module(video, mask, words, word_mask, encoded=steps, looks=looks, spans=False)
    torch.testing.assert_close(again.importance, whole.importance)
    torch.testing.assert_close(again.saliency, whole.saliency)
    assert (torch.isfinite(again.start) == mask).all()


def test_the_null_query_stands_for_no_query() -> None:
    torch.manual_seed(0)
    module = LocalizationModule(FULL).eval()
    video, mask = draw(1, 2, 9, 10), torch.ones(2, 9, dtype=torch.bool)
    as_words = module.null_query.detach().expand(2, 1, -1)
    with torch.no_grad():
        without = module(video, mask, None)
        spelled = module(video, mask, as_words, torch.ones(2, 1, dtype=torch.bool))
    torch.testing.assert_close(without.importance, spelled.importance)


def test_the_plain_cosine_is_the_first_map() -> None:
    maps = SimilarityMaps(6, 1, 2, 0.0).eval()
    video, words = draw(3, 1, 4, 6), draw(4, 1, 2, 6)
    with torch.no_grad():
        looks = maps.look(video, torch.ones(1, 4, dtype=torch.bool))
        found = maps(looks, words, torch.tensor([[True, True]]))
    assert found.shape == (1, 4, maps.channels)
    sentence = words[0].mean(0)
    for t in range(4):
        cosine = torch.dot(video[0, t], sentence) / video[0, t].norm() / sentence.norm()
        assert found[0, t, 0].item() == pytest.approx(10 * cosine.item(), abs=1e-4)
    raw = found[0, :, 0]
    torch.testing.assert_close(
        found[0, :, 1], (raw - raw.mean()) / raw.std(correction=0), atol=1e-3, rtol=1e-3
    )
    # Novelty at width 1: the distance to the step before.
    jump = (video[0, 1:] - video[0, :-1]).norm(dim=1)
    torch.testing.assert_close(found[0, 1:, -2], jump)


def test_a_moved_comparison_is_that_of_moved_steps_and_words() -> None:
    torch.manual_seed(0)
    maps = SimilarityMaps(6, 1, 2, 0.0).eval()
    for parameter in maps.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    video, words = draw(3, 2, 5, 6), draw(4, 2, 3, 6)
    mask, word_mask = torch.ones(2, 5, dtype=torch.bool), torch.ones(2, 3, dtype=torch.bool)
    mask[1, 3:] = False
    with torch.no_grad():
        found = maps(maps.look(video * mask[..., None], mask), words, word_mask)
        for b, T in enumerate((5, 3)):
            share = maps.weight(words[b])[:, 0].softmax(0)
            sentence = maps.move_words[0]((share[:, None] * words[b]).sum(0))
            steps = maps.move_steps[0](video[b, :T])
            cosine = torch.cosine_similarity(steps, sentence[None], dim=1)
            centred = torch.cosine_similarity(steps - steps.mean(0), sentence[None], dim=1)
            torch.testing.assert_close(found[b, :T, 5], 10 * cosine, atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(found[b, :T, 7], 5 * centred, atol=1e-4, rtol=1e-4)
            assert not found[b, T:].any()


def test_one_row_of_words_asks_all_videos() -> None:
    torch.manual_seed(0)
    module = LocalizationModule(FULL).eval()
    video, mask = draw(1, 3, 9, 10), torch.ones(3, 9, dtype=torch.bool)
    words, word_mask = draw(2, 1, 4, 10), torch.ones(1, 4, dtype=torch.bool)
    with torch.no_grad():
        one = module(video, mask, words, word_mask)
        each = module(video, mask, words.expand(3, -1, -1), word_mask.expand(3, -1))
    torch.testing.assert_close(one.highlight, each.highlight)
    torch.testing.assert_close(one.start, each.start)


def test_glove_words_take_characters_and_one_unknown_vector() -> None:
    torch.manual_seed(0)
    config = LocalizationConfig(
        width=12, text="glove", word_width=7, characters=30, hidden=16, heads=4, steps=20
    )
    module = LocalizationModule(config).eval()
    video, mask = draw(1, 1, 6, 12), torch.ones(1, 6, dtype=torch.bool)
    words, unknown = draw(2, 1, 3, 7), torch.tensor([[False, True, False]])
    letters = torch.randint(1, 30, (1, 3, 5), generator=torch.Generator().manual_seed(3))
    word_mask = torch.ones(1, 3, dtype=torch.bool)

    def run(vectors: torch.Tensor, characters: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            out = module(video, mask, vectors, word_mask, unknown=unknown, characters=characters)
        return out.highlight

    base = run(words, letters)
    other_unknown, other_known = words.clone(), words.clone()
    other_unknown[0, 1] += 5
    other_known[0, 0] += 5
    torch.testing.assert_close(run(other_unknown, letters), base)
    assert not torch.allclose(run(other_known, letters), base)
    respelled = letters.clone()
    respelled[0, 1, 0] = respelled[0, 1, 0] % 29 + 1
    assert not torch.allclose(run(words, respelled), base)
    assert module(video, mask, None).importance.shape == (1, 6)
    with pytest.raises(ValueError, match="characters"):
        module(video, mask, words, word_mask)


def test_the_character_cnn_by_loop() -> None:
    torch.manual_seed(0)
    words = WordsAndCharacters(4, 9, 8, 0.0).eval()
    letters = torch.tensor([[[3, 1, 4, 1, 5]]])
    with torch.no_grad():
        found = words.characters(letters)[0, 0]
        rows = words.characters.embedding(letters)[0, 0]
        at = 0
        for width, kernel in enumerate(words.characters.kernels, start=1):
            for channel in range(kernel.out_channels):
                best = max(
                    (kernel.weight[channel] * rows[i : i + width].T).sum() + kernel.bias[channel]
                    for i in range(6 - width)
                )
                assert found[at].item() == pytest.approx(max(best.item(), 0), abs=1e-5)
                at += 1
    assert at == 100


def test_longer_than_its_positions_is_refused() -> None:
    encoder = SharedEncoder(8, 4, 2, 0.0)
    with pytest.raises(ValueError, match="positions"):
        encoder(torch.zeros(1, 5, 8), torch.ones(1, 5, dtype=torch.bool))


def test_similarity_needs_one_space() -> None:
    with pytest.raises(ValueError, match="one space"):
        LocalizationModule(LocalizationConfig(width=1024, similarity=1))
