"""The trained module in numpy: a question costs a second less where torch need not be imported.

Inference only: windows are full and one sentence serves them all, so there are no masks, and
dropout is gone. It reads sentences as tokens and leaves the span predictor to torch, which whatever
is not understood here falls back to (:func:`~iptnet.model.localization.shapes.understands`). The
names of the weights are those of :class:`~iptnet.model.localization.module.LocalizationModule`,
whose parts say what each step is; the tests hold one to the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iptnet.model.localization.config import LocalizationConfig
from iptnet.model.localization.shapes import KERNEL, LAYERS
from iptnet.model.localization.words import Reading

Floats = NDArray[np.float32]

SMOOTHING, NOVELTY = (3, 9), (1, 4)
LIMIT = 4.0
EPS, LAYER_EPS = 1e-6, 1e-5
TOGETHER = 8
"""Windows at a time: their steps stay in the second-level cache."""


class Look(NamedTuple):
    """Windows as one head compares them; the members are those of ``similarity.Look``."""

    low: Floats | None
    length: Floats
    centre: Floats
    spread: Floats


class Seen(NamedTuple):
    """A few windows (w, T, D), encoded (w, T, H), and what the similarity maps take from them."""

    windows: Floats
    encoded: Floats
    looks: list[Look]
    novelty: list[Floats]


class PlainModule:
    """A trained localization module.

    Args:
        config: one that ``shapes.understands`` accepts.
        weights: named and shaped as ``shapes.module_shapes`` says, in any precision.
    """

    def __init__(self, config: LocalizationConfig, weights: Mapping[str, NDArray[Any]]) -> None:
        self.config = config
        self._of = {name: np.asarray(value, np.float32) for name, value in weights.items()}

    def see(self, windows: Floats) -> list[Seen]:
        """The query-free half of full windows (W, T, D), for :meth:`answer`."""
        return [self._see(windows[k : k + TOGETHER]) for k in range(0, len(windows), TOGETHER)]

    def answer(self, seen: list[Seen], reading: Reading | None, *, spans: bool) -> Floats:
        """Logits (W, 2, T) of highlight and saliency; see ``LocalizationModule.answer``."""
        if spans:
            raise ValueError("the span predictor needs torch")
        raw = self._of["null_query"] if reading is None else reading.vectors
        words = self._shared(self._linear("words.linear", raw)[None])[0]
        sentences = self._sentences(raw)
        return np.concatenate([self._ask(few, words, sentences) for few in seen])

    def _see(self, windows: Floats) -> Seen:
        encoded = self._shared(self._linear("video.linear", windows))
        if not self.config.similarity:
            return Seen(windows, encoded, [], [])
        looks = []
        for head in range(-1, self.config.similarity):
            low, moved = None, windows
            if head >= 0:
                low = self._linear(f"similarity.move_steps.{head}.down", windows)
                moved = windows + self._linear(f"similarity.move_steps.{head}.up", low)
            centre = moved.mean(axis=1, keepdims=True)
            looks.append(Look(low, _norm(moved), centre, _norm(moved - centre)))
        return Seen(windows, encoded, looks, [_novelty(windows, steps) for steps in NOVELTY])

    def _ask(self, seen: Seen, words: Floats, sentences: list[Floats]) -> Floats:
        x = self._attend(seen.encoded, words)
        weights = _softmax((words @ self._of["concatenation.weight.weight"].T), axis=0)
        pooled = np.broadcast_to((weights * words).sum(axis=0), x.shape)
        x = self._linear("concatenation.linear", np.concatenate([x, pooled], axis=2))
        shortcut: Floats | float = 0.0
        maps = x[..., :0]
        if self.config.similarity:
            maps = self._maps(seen, sentences)
            x = x + self._linear("join", maps)
            shortcut = self._linear("shortcut", maps)[..., 0]
        for k in range(self.config.refine):
            x = self._convolve(f"refine.{k}", x)
        highlight = self._linear("highlighting.convolution", x)[..., 0] + shortcut
        saliency = highlight
        if self.config.saliency:
            saliency = self._linear("saliency", np.concatenate([x, maps], axis=2))[..., 0]
            saliency = saliency + shortcut
        return np.stack([highlight, saliency], axis=1)

    def _shared(self, x: Floats) -> Floats:
        """``SharedEncoder``: (w, T, H) → the same."""
        x = x + self._of["shared.positions"][: x.shape[1]]
        for k in range(LAYERS):
            x = self._convolve(f"shared.convolutions.{k}", x)
        w, T, H = x.shape
        heads = self.config.heads
        normed = self._normalise("shared.attention.norm", x)
        qkv = self._linear("shared.attention.qkv", normed).reshape(w, T, 3, heads, H // heads)
        q, k_, v = qkv.transpose(2, 0, 3, 1, 4)
        scale = np.float32((H // heads) ** -0.5)
        y = _softmax((q * scale) @ k_.transpose(0, 1, 3, 2), axis=3) @ v
        y = y.transpose(0, 2, 1, 3).reshape(w, T, H)
        x = x + self._linear("shared.attention.out", y)
        fed = self._normalise("shared.attention.feed_norm", x)
        return x + self._linear("shared.attention.feed", fed)

    def _convolve(self, name: str, x: Floats) -> Floats:
        """``SeparableConv``."""
        taps = self._of[f"{name}.depthwise.weight"][:, 0].T
        rim, T = KERNEL // 2, x.shape[1]
        padded = np.pad(self._normalise(f"{name}.norm", x), ((0, 0), (rim, rim), (0, 0)))
        y = padded[:, :T] * taps[0]
        for k in range(1, KERNEL):
            y += padded[:, k : k + T] * taps[k]
        return x + np.maximum(self._linear(f"{name}.pointwise", y), 0)

    def _attend(self, steps: Floats, words: Floats) -> Floats:
        """``ContextQueryAttention``."""
        v, q, both = (self._of[f"attention.for_{k}"] for k in ("video", "words", "both"))
        S = np.asarray((steps @ v)[..., None] + words @ q + (steps * both) @ words.T, np.float32)
        by_row = _softmax(S, axis=2)
        A = by_row @ words
        B = by_row @ (_softmax(S, axis=1).transpose(0, 2, 1) @ steps)
        wide = np.concatenate([steps, A, steps * A, steps * B], axis=2)
        return self._linear("attention.linear", wide)

    def _sentences(self, raw: Floats) -> list[Floats]:
        """What each head of the similarity maps compares with, of length one."""
        if not self.config.similarity:
            return []
        hidden = np.tanh(self._linear("similarity.weight.0", raw))
        weights = _softmax(self._linear("similarity.weight.3", hidden), axis=0)
        found = [raw.mean(axis=0)]
        for head in range(self.config.similarity):
            one = weights[:, head] @ raw
            low = self._linear(f"similarity.move_words.{head}.down", one)
            found.append(one + self._linear(f"similarity.move_words.{head}.up", low))
        return [one / max(float(np.linalg.norm(one)), EPS) for one in found]

    def _maps(self, seen: Seen, sentences: list[Floats]) -> Floats:
        """``SimilarityMaps``: (w, T, K)."""
        maps = []
        for head, (look, to) in enumerate(zip(seen.looks, sentences, strict=True), start=-1):
            dot = seen.windows @ to
            if look.low is not None:
                name = f"similarity.move_steps.{head}.up"
                dot = dot + look.low @ (to @ self._of[f"{name}.weight"])
                dot = dot + self._of[f"{name}.bias"] @ to
            raw = dot / np.maximum(look.length, EPS)
            centred = (dot - look.centre @ to) / np.maximum(look.spread, 1e-3)
            z = raw - raw.mean(axis=1, keepdims=True)
            z = z / np.sqrt((z**2).mean(axis=1, keepdims=True) + 1e-6)
            maps += [10 * raw, z, 5 * centred, *(_smooth(z, width) for width in SMOOTHING)]
        return np.stack([*maps, *seen.novelty], axis=2)

    def _linear(self, name: str, x: Floats) -> Floats:
        weight, bias = self._of[f"{name}.weight"], self._of.get(f"{name}.bias")
        y = x @ weight.reshape(weight.shape[:2]).T  # a pointwise convolution is one too
        return np.asarray(y if bias is None else y + bias)

    def _normalise(self, name: str, x: Floats) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + LAYER_EPS)
        return np.asarray(centred / spread * self._of[f"{name}.weight"] + self._of[f"{name}.bias"])


def _norm(x: Floats) -> Floats:
    return np.asarray(np.sqrt((x * x).sum(axis=2)))


def _softmax(x: Floats, axis: int) -> Floats:
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def _smooth(values: Floats, width: int) -> Floats:
    """Moving mean (w, T) over what there is of ``width`` steps."""
    T, half = values.shape[1], width // 2
    padded = np.pad(values, ((0, 0), (half, half)))
    total = sum(padded[:, k : k + T] for k in range(width))
    here = np.arange(T)
    count = np.minimum(here + half + 1, T) - np.maximum(here - half, 0)
    return np.asarray(total / count.astype(np.float32))


def _novelty(windows: Floats, steps: int) -> Floats:
    """Distance of the mean of the ``steps`` before a step and of those from it on; 0 at the rim."""
    T, here = windows.shape[1], np.arange(windows.shape[1])
    padded = np.pad(windows, ((0, 0), (steps, steps), (0, 0)))
    total = padded[:, : T + steps].copy()
    for k in range(1, steps):
        total += padded[:, k : k + T + steps]
    before = total[:, :T] / np.clip(here, 1, steps).astype(np.float32)[:, None]
    after = total[:, steps:] / np.clip(T - here, 1, steps).astype(np.float32)[:, None]
    return _norm(before - after) * (here > 0).astype(np.float32)
