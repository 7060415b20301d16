"""A video that the localizer has encoded: any number of sentences, each in milliseconds.

Answers come from the similarity of sentence and steps on the grid of the samples (the room
``moments``). I_Loc comes from the localization module, whose grid reaches over 128 steps: a longer
video is covered by half-overlapping windows whose maps are merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import UsageError
from iptnet.features.text import TextEncoder
from iptnet.model.grid import at_times
from iptnet.model.localization.video import GridVideo, coarsened
from iptnet.model.localization.words import Reading
from iptnet.model.vocabulary import known_share, words_of
from iptnet.moments.candidates import candidates
from iptnet.moments.confidence import Usual, figures, usual_in
from iptnet.moments.evidence import evidence
from iptnet.moments.similarity import PROPOSING, VideoVectors, similarity
from iptnet.selection.moments import (
    Overlap,
    merge_maps,
    rank_pairs,
    snap,
    span_scores,
    suppress,
    window_starts,
)
from iptnet.timeline import Moment

if TYPE_CHECKING:
    from iptnet.model.localizer import Localizer

LONGEST_QUERY = 64
"""Tokens that are read; about 45 English words."""

SUPPRESSION = 0.7
"""IoU from which on two windows are one answer to the benchmark."""

APART = 0.5
"""Share of the shorter of two answers to a person that they may have in common."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """Windows of one query, best first.

    Attributes:
        windows: (P, 2) seconds.
        scores: (P,) estimated IoU, or the probability of the span without a ranker.
    """

    windows: Floats
    scores: Floats


@dataclass(frozen=True)
class VideoIndex:
    """A video that the localizer has encoded.

    Attributes:
        localizer: what encoded it.
        video: on the grid of its samples.
        times: (N,) seconds of the samples, for :meth:`importance`.
    """

    localizer: Localizer
    video: GridVideo
    times: Floats
    _last: dict[str | None, tuple[Floats, Floats]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def find(self, queries: Sequence[str], top: int = 5) -> list[list[Moment]]:
        """Find the moments of each query, best first.

        Args:
            queries: sentences.
            top: how many moments of each at most.

        Raises:
            UsageError: a blank query, or ``top`` below 1.
        """
        if top < 1:
            raise UsageError(f"top {top}", "ask for one moment at least")
        return [self._moments(query, top) for query in queries]

    def importance(self, query: str | None) -> NDArray[np.float32]:
        """Compute I_Loc (N,) in [0, 1] at the samples; ``None`` asks the learned null query."""
        return at_times(self.coarse.edges, self.highlight(query), self.times).astype(np.float32)

    def highlight(self, query: str | None) -> Floats:
        """Compute I_Loc on the module's grid, in (0, 1)."""
        return np.asarray(1 / (1 + np.exp(-self._maps_of(query)[0])))

    def saliency(self, query: str) -> Floats:
        """Compute the annotators' saliency on the module's grid, on any scale."""
        return self._maps_of(query)[1]

    def learned_maps(self, query: str) -> Floats:
        """Compute the logits of I_Loc and saliency on the samples' grid, (2, T)."""
        edges = self.video.edges
        middles = (edges[1:] + edges[:-1]) / 2
        return np.stack([at_times(self.coarse.edges, m, middles) for m in self._maps_of(query)])

    def rank(
        self, query: str, top: int, threshold: float = SUPPRESSION, overlap: Overlap = "union"
    ) -> Ranked:
        """Rank windows of one query, as evaluation needs them; see ``suppress`` for the overlap."""
        if self.localizer.ranker is None:
            edges = self.coarse.edges
            pairs, scores = self._spans(self.localizer.read(query))
        else:
            edges = self.video.edges
            pairs, scores = self._scored(query)
        # Candidates keep to cuts already; this undoes the grid's rounding, before overlaps count.
        step = float(edges[1] - edges[0])
        windows = snap(edges[pairs], self.video.cuts, step / 2)
        kept = suppress(windows, scores, threshold, top, overlap)
        return Ranked(windows[kept], scores[kept])

    def presence(self, query: str) -> float | None:
        """Estimate the probability that the video shows it; None without what that needs."""
        background = self.localizer.background
        if background is None or self._usual is None:
            return None
        found = figures(self.vectors, _vector(query), len(words_of(query)), background, self._usual)
        return self.localizer.confidence.present(found)

    @cached_property
    def vectors(self) -> VideoVectors:
        """What ranking takes from the video alone."""
        return VideoVectors.of(self.video.edges, self.video.vectors, self.video.cuts)

    @cached_property
    def coarse(self) -> GridVideo:
        """The video on the module's grid."""
        return coarsened(self.video, self.localizer.steps)

    @cached_property
    def _usual(self) -> Usual | None:
        background = self.localizer.background
        if background is None:
            return None
        return usual_in(self.vectors, background)

    def _scored(self, query: str) -> tuple[NDArray[np.int64], Floats]:
        """Propose candidates (P, 2) and score them (P,)."""
        assert self.localizer.ranker is not None
        sentence = _vector(query)
        asked = similarity(self.vectors, sentence, read_tokens(query))
        learned = self.learned_maps(query) if self.localizer.ranker.reads_maps else None
        proposing = [asked.maps[:PROPOSING], *([] if learned is None else [learned])]
        pairs = candidates(self.vectors, np.concatenate(proposing))
        rows = evidence(self.vectors, asked, sentence, pairs, learned)
        return pairs, self.localizer.ranker.score(rows)

    def _spans(self, reading: Reading) -> tuple[NDArray[np.int64], Floats]:
        pairs, scores = [], []
        for at, window in zip(self._starts, self._logits(reading, spans=True), strict=True):
            start, end = _softmax(window[2]), _softmax(window[3])
            found, values = rank_pairs(span_scores(start, end))
            pairs.append(found + np.array([at, at + 1]))
            scores.append(values)
        return np.concatenate(pairs), np.concatenate(scores)

    def _moments(self, query: str, top: int) -> list[Moment]:
        lo = self.localizer
        if not query.strip():
            raise UsageError("an empty query", "describe the moment in a sentence")
        share, _ = known_share(lo.vocabulary, query)
        ranked = self.rank(query, top, APART, "shorter")
        shown = self.presence(query)
        present = None
        if shown is not None:
            present = share > 0 and shown >= lo.confidence.threshold
        return [
            Moment(
                start=round(max(float(start), 0.0), 3),
                end=round(float(end), 3),
                query=query,
                score=round(float(score), 6),
                confidence=None
                if shown is None
                else round(lo.confidence.confidence(float(score), shown, share), 4),
                present=present,
            )
            for (start, end), score in zip(ranked.windows, ranked.scores, strict=True)
        ]

    def _maps_of(self, query: str | None) -> tuple[Floats, Floats]:
        """Highlight and saliency logits (T,) on the module's grid; the last query's are kept."""
        found = self._last.get(query)
        if found is None:
            reading = None if query is None else self.localizer.read(query)
            logits = self._logits(reading, spans=False)
            steps = len(self.coarse.vectors)
            highlight = merge_maps([w[0] for w in logits], self._starts, steps)
            saliency = merge_maps([w[1] for w in logits], self._starts, steps)
            found = (highlight, saliency)
            self._last.clear()
            self._last[query] = found
        return found

    def _logits(self, reading: Reading | None, *, spans: bool) -> Floats:
        """Ask the module: (W, 4, T) highlight, saliency, start and end logits of each window."""
        logits = self.localizer.module.answer(self._encoded, reading, spans=spans)
        return logits.astype(np.float64)

    @cached_property
    def _starts(self) -> list[int]:
        return window_starts(len(self.coarse.vectors), self.localizer.steps)

    @cached_property
    def _encoded(self) -> Any:
        """The module's query-free half of all windows: made at the first question."""
        vectors, size = self.coarse.vectors, self.localizer.steps
        return self.localizer.module.see(np.stack([vectors[a : a + size] for a in self._starts]))


def read_tokens(query: str, most: int = LONGEST_QUERY) -> NDArray[np.float32]:
    """Read token vectors (L, 256), L ≥ 1: a text without any token is one zero vector."""
    (rows,) = TextEncoder().token_vectors([_head(query)], min(most, LONGEST_QUERY))
    return rows if len(rows) else np.zeros((1, TextEncoder.width), np.float32)


def _vector(query: str) -> NDArray[np.float32]:
    return np.asarray(TextEncoder().encode([_head(query)])[0])


def _head(query: str) -> str:
    # A hundred kilobytes cost the tokenizer a second; nothing beyond these characters is read.
    return query[: 40 * LONGEST_QUERY]


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())
