from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from iptnet.moments.evidence import COSINE_INSIDE, LOG_SECONDS, WIDTH
from iptnet.moments.ranker import LIMIT, LONGEST, NAMES, Ranker, restored, shapes
from iptnet.training.ranker_net import RankerNet


def ranker(heads: int = 3, hidden: int = 8, seed: int = 0) -> Ranker:
    torch.manual_seed(seed)
    return RankerNet(WIDTH, heads, hidden, 0.2).eval().arrays()


def test_numpy_says_what_torch_learned() -> None:
    torch.manual_seed(1)
    net = RankerNet(WIDTH, 3, 8, 0.2).eval()
    rows = 5 * np.random.default_rng(1).standard_normal((50, WIDTH)).astype(np.float32)
    net.standardise_by(torch.from_numpy(rows[:20]))
    same = net.arrays()
    with torch.no_grad():
        expected = torch.sigmoid(net(torch.from_numpy(rows))).numpy()
    np.testing.assert_allclose(same.by_head(rows), expected, atol=1e-6)
    np.testing.assert_allclose(same.score(rows), expected.mean(axis=0), atol=1e-6)
    assert same.heads == 3


def test_a_head_by_hand() -> None:
    one = ranker(heads=1, hidden=2)
    arrays = {n: getattr(one, n) for n in NAMES}
    row = np.linspace(-9, 9, WIDTH).astype(np.float32)
    z = [min(max(float(x), -LIMIT), LIMIT) for x in row]  # mean 0 and scale 1 as drawn
    first = [
        max(sum(x * w for x, w in zip(z, one.w1[0, :, k], strict=True)) + one.b1[0, 0, k], 0)
        for k in range(2)
    ]
    second = [
        max(sum(x * w for x, w in zip(first, one.w2[0, :, k], strict=True)) + one.b2[0, 0, k], 0)
        for k in range(2)
    ]
    logit = sum(x * w for x, w in zip(second, one.w3[0, :, 0], strict=True)) + one.b3[0, 0, 0]
    assert restored(arrays).score(row[None])[0] == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)


def test_the_plain_cosine_is_added_with_its_weight() -> None:
    one = ranker()
    rows = np.random.default_rng(2).standard_normal((3, WIDTH)).astype(np.float32)
    rows[:, LOG_SECONDS] = np.log([LONGEST, 2.0, 300.0])
    rows[:, COSINE_INSIDE] = [1.5, -0.5, 2.0]
    raised = dataclasses.replace(one, plain=np.array([0.4], np.float32))
    # By hand: (2 / 20) ** .3 = .5012; beyond the longest, length counts no more.
    expected = 0.4 * np.array([1.5, -0.5 * 0.5011872, 2.0])
    np.testing.assert_allclose(raised.score(rows) - one.score(rows), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"w2": np.zeros((3, 8, 9))}, "w2"),
        ({"mean": np.full(WIDTH, np.nan)}, "finite"),
        ({"w1": np.zeros(4)}, "layers"),
        ({"w9": np.zeros(4)}, "w9"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, np.ndarray], words: str) -> None:
    arrays = {n: getattr(ranker(), n) for n in NAMES}
    assert {n: a.shape for n, a in arrays.items()} == shapes(3, 8)
    with pytest.raises(ValueError, match=words):
        restored({**arrays, **change})
