"""The moment localization module (METHOD.md, LM): named parts in one forward pass.

Everything beyond the paper's network — similarity maps, refining layers, the saliency head — hangs
on a configuration value of 0 or False, so the literal module and the shipped one are the same code.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from iptnet.model.localization.config import LocalizationConfig
from iptnet.model.localization.fusion import ContextQueryAttention, QueryConcatenation
from iptnet.model.localization.predictor import Highlighting, SpanPredictor
from iptnet.model.localization.query import TokenProjection, WordsAndCharacters
from iptnet.model.localization.shared import SeparableConv, SharedEncoder
from iptnet.model.localization.similarity import Looks, SimilarityMaps
from iptnet.model.localization.words import Reading


class LocalizationOutput(NamedTuple):
    """What the LM says about B videos of T steps; padding holds 0 in maps and −inf in logits.

    Attributes:
        importance: (B, T) I_Loc, in (0, 1) on valid steps.
        highlight: (B, T) its logits.
        start: (B, T) logits of the first step.
        end: (B, T) logits of the last step.
        hidden: (B, T, H) features before highlighting.
        saliency: (B, T) logits, or None.
    """

    importance: torch.Tensor
    highlight: torch.Tensor
    start: torch.Tensor
    end: torch.Tensor
    hidden: torch.Tensor
    saliency: torch.Tensor | None = None


class Seen(NamedTuple):
    """What a video's W windows are to a module before anything is asked.

    Attributes:
        rows: (W, T, D).
        mask: (W, T), all true: windows are cut to be full.
        encoded: (W, T, H) of :meth:`LocalizationModule.encode_video`.
        looks: of :meth:`LocalizationModule.look`.
    """

    rows: torch.Tensor
    mask: torch.Tensor
    encoded: torch.Tensor
    looks: Looks | None


class LocalizationModule(nn.Module):
    """Video and query → importance map and spans.

    Shapes:
        video (B, T, D), video_mask (B, T) bool, T ≤ config.steps, valid steps first;
        query (B, L, E), query_mask (B, L) bool, at least one valid word a row — or None for the
        learned null query of METHOD.md, ambiguity 13, with which summarization data pass through.
    """

    def __init__(self, config: LocalizationConfig) -> None:
        super().__init__()
        self.config = config
        H, drop = config.hidden, config.dropout
        self.words: TokenProjection | WordsAndCharacters
        if config.text == "glove":
            self.words = WordsAndCharacters(config.word_width, config.characters, H, drop)
        else:
            self.words = TokenProjection(config.word_width, H, drop)
        self.null_query = nn.Parameter(torch.empty(1, config.word_width))
        nn.init.normal_(self.null_query, std=0.05)
        self.video = TokenProjection(config.width, H, drop)
        self.shared = SharedEncoder(H, config.steps, config.heads, drop)
        self.attention = ContextQueryAttention(H, drop)
        self.concatenation = QueryConcatenation(H)
        self.highlighting = Highlighting(H)
        self.predictor = SpanPredictor(H)
        self.similarity: SimilarityMaps | None = None
        maps = 0
        if config.similarity:
            if config.text != "wordllama" or config.width != config.word_width:
                raise ValueError("similarity maps need steps and words in one space")
            self.similarity = SimilarityMaps(config.width, config.similarity, config.rank, drop)
            maps = self.similarity.channels
            self.join = nn.Linear(maps, H)
            self.shortcut = nn.Linear(maps, 1, bias=False)
            nn.init.zeros_(self.shortcut.weight)
        self.refine = nn.ModuleList(SeparableConv(H, drop) for _ in range(config.refine))
        self.saliency = nn.Linear(H + maps, 1) if config.saliency else None

    def forward(
        self,
        video: torch.Tensor,
        video_mask: torch.Tensor,
        query: torch.Tensor | None,
        query_mask: torch.Tensor | None = None,
        *,
        unknown: torch.Tensor | None = None,
        characters: torch.Tensor | None = None,
        encoded: torch.Tensor | None = None,
        looks: Looks | None = None,
        spans: bool = True,
        cross: bool = True,
    ) -> LocalizationOutput:
        """Localize.

        Args:
            video: (B, T, D).
            video_mask: (B, T) bool.
            query: (B, L, E) or None; one row asks all videos the same.
            query_mask: (B, L) bool; None only with a None query.
            unknown: (B, L) bool, words without a vector; ``glove`` only.
            characters: (B, L, C) indices; ``glove`` only.
            encoded: (B, T, H) of :meth:`encode_video`, where the video was asked before.
            looks: of :meth:`look`, likewise.
            spans: False skips the span predictor; its logits are then the highlight's.
            cross: False skips context-query attention: the steps pass as they are (METHOD.md,
                ambiguity 13, for samples without a query).
        """
        words, raw, mask = self._read(video, query, query_mask, unknown, characters)
        steps = self.encode_video(video, video_mask) if encoded is None else encoded
        features = steps
        if cross:
            words = self.shared(words, mask)
            features = self.attention(steps, words, video_mask, mask)
            features = self.concatenation(features, words, mask)
        shortcut: torch.Tensor | float = 0.0
        maps: torch.Tensor | None = None
        if self.similarity is not None:
            looks = self.similarity.look(video, video_mask) if looks is None else looks
            maps = self.similarity(looks, raw, mask)
            features = features + self.join(maps)
            shortcut = self.shortcut(maps)[..., 0]
        for layer in self.refine:
            features = layer(features, video_mask)
        highlight = self.highlighting(features) + shortcut
        importance = torch.sigmoid(highlight) * video_mask
        start = end = highlight.masked_fill(~video_mask, -torch.inf)
        if spans:
            start, end = self.predictor(features * importance[..., None], video_mask)
        saliency = None
        if self.saliency is not None:
            wide = features if maps is None else torch.cat([features, maps], dim=2)
            saliency = self.saliency(wide)[..., 0] + shortcut
        return LocalizationOutput(importance, highlight, start, end, features, saliency)

    def see(self, windows: NDArray[np.float32]) -> Seen:
        """The query-free half of full windows (W, T, D), for :meth:`answer`."""
        rows = torch.from_numpy(windows)
        mask = torch.ones(rows.shape[:2], dtype=torch.bool)
        with torch.inference_mode():
            return Seen(rows, mask, self.encode_video(rows, mask), self.look(rows, mask))

    def answer(self, seen: Seen, reading: Reading | None, *, spans: bool) -> NDArray[np.float32]:
        """What a sentence, or the null query, finds in windows.

        Args:
            seen: of :meth:`see`.
            reading: the sentence; its one row of words serves all windows.
            spans: False skips the span predictor.

        Returns:
            (W, 4, T) logits: highlight, saliency (the highlight where no head is), start and end.
        """
        query, unknown, characters = (
            None if rows is None else torch.from_numpy(rows)[None]
            for rows in (reading or (None, None, None))
        )
        words = None if query is None else torch.ones(query.shape[:2], dtype=torch.bool)
        more = {} if unknown is None else {"unknown": unknown, "characters": characters}
        given = {"encoded": seen.encoded, "looks": seen.looks, "spans": spans, **more}
        with torch.inference_mode():
            out = self(seen.rows, seen.mask, query, words, **given)
            saliency = out.highlight if out.saliency is None else out.saliency
            maps = torch.stack([out.highlight, saliency, out.start, out.end], dim=1)
        return np.asarray(maps.numpy())

    def encode_video(self, video: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The query-free half: (B, T, D) → (B, T, H)."""
        result: torch.Tensor = self.shared(self.video(video), mask)
        return result

    def look(self, video: torch.Tensor, mask: torch.Tensor) -> Looks | None:
        """The query-free half of the similarity maps, where there are any."""
        return None if self.similarity is None else self.similarity.look(video, mask)

    def _read(
        self,
        video: torch.Tensor,
        query: torch.Tensor | None,
        mask: torch.Tensor | None,
        unknown: torch.Tensor | None,
        characters: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Words (B, L, H), their vectors as given (B, L, E), and the mask (B, L)."""
        B = len(video)
        if query is None:
            raw = self.null_query.expand(B, 1, -1)
            mask = torch.ones(B, 1, dtype=torch.bool, device=video.device)
            if isinstance(self.words, WordsAndCharacters):
                unknown = torch.zeros_like(mask)
                characters = torch.zeros(B, 1, 4, dtype=torch.long, device=video.device)
        else:
            if mask is None:
                raise ValueError("a query needs its mask")
            raw = query
        if isinstance(self.words, WordsAndCharacters):
            if unknown is None or characters is None:
                raise ValueError("word vectors need their unknown flags and characters")
            return self.words(raw, unknown, characters), raw, mask
        return self.words(raw), raw, mask
