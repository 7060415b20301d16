"""What a localizer's configuration names, read and turned into examples."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from iptnet.data.feature_folder import FeatureFolder
from iptnet.data.qvhighlights import fold_of, load_clip_captions, load_qvhighlights
from iptnet.features.encoders import load_encoder
from iptnet.features.known import BLIP_WORDLLAMA256, WORDLLAMA_SPACE
from iptnet.features.recipe import Recipe
from iptnet.model.localization.words import WordTable, read_words
from iptnet.training.clip_features import read_clips
from iptnet.training.folder_examples import folder_examples, read_moments
from iptnet.training.localization_arguments import LocalizationArguments, SourceArguments
from iptnet.training.moment_examples import (
    Example,
    caption_examples,
    clip_examples,
    residuals_of,
    text_examples,
)
from iptnet.training.pairs import read_captions
from iptnet.training.partition import CLIPS_HELD_OUT, held_out
from iptnet.training.short_moments import piece_examples, trimmed_examples

OnProgress = Callable[[str, int, int | None], None]

FOLDS = 5
"""Folds of the QVHighlights queries, by source video, that evaluation reports."""

STEPS = 128
"""Reach of the modules."""

TRIMMED_SEED = 11
"""Of the windows that are trimmed."""

CAPTIONS = Recipe(
    name="captions-wordllama256",
    backbone="one caption a two-second clip, embedded with WordLlama l2_supercat",
    weights_sha256="unknown",
    rate="every 2 s",
    preprocessing="unknown",
    projection="none",
    normalisation="l2",
    width=256,
    space=WORDLLAMA_SPACE,
)
"""How QVHighlights' clip captions stand for frames."""


@dataclass(frozen=True)
class MomentSources:
    """All examples of a configuration.

    Attributes:
        captions: of QVHighlights.
        others: joined clips, on pixels and on text.
        texts: every other sentence that training reads, for the vocabulary.
        recipes: what the examples' features are.
        digest: of the files' contents.
        words: word vectors, where sentences are read with them.
        pieces: pieces of clips joined, for the ranker alone.
        trimmed: share of the captions' examples that come trimmed, too.
    """

    captions: tuple[Example, ...]
    others: tuple[Example, ...]
    texts: tuple[str, ...]
    recipes: tuple[Recipe, ...]
    digest: str
    words: WordTable | None = None
    pieces: tuple[Example, ...] = ()
    trimmed: float = 0.0

    def short_examples(self, without_fold: int | None = None) -> list[Example]:
        """Short moments, for the ranker alone."""
        return [
            *trimmed_examples(self._of_other_folds(without_fold), self.trimmed, TRIMMED_SEED),
            *self.pieces,
        ]

    def examples(self, without_fold: int | None = None) -> list[Example]:
        """Everything but the queries of one fold."""
        return [*self._of_other_folds(without_fold), *self.others]

    def sentences(self, without_fold: int | None = None) -> list[str]:
        """The sentences of :meth:`examples`, and what else was read."""
        return [e.query for e in self.examples(without_fold)] + list(self.texts)

    def _of_other_folds(self, fold: int | None) -> list[Example]:
        if fold is None:
            return list(self.captions)
        return [e for e in self.captions if e.source and fold_of(e.source.video, FOLDS) != fold]


def load_sources(
    arguments: LocalizationArguments, on_progress: OnProgress | None = None
) -> MomentSources:
    """Read what the configuration names; held-out clips are left out here and nowhere else.

    Raises:
        InputError: a file that is missing or unfit.
    """
    names, how = arguments.sources, arguments.mixture
    ranked = arguments.decode == "ranked"
    root, seed = Path(names.root), arguments.seed
    parts = arguments.ranking.heads if ranked else 1
    # A ranker reads the grid of the samples, the span predictor the module's.
    steps = None if ranked else STEPS
    pieces: list[Example] = []
    captions: list[Example] = []
    others: list[Example] = []
    texts: list[str] = []
    recipes: list[Recipe] = []
    residuals = None
    if names.queries:
        captions = read_caption_examples(names, parts)
        recipes += [CAPTIONS, BLIP_WORDLLAMA256]
    if names.clips:
        encoder = load_encoder("lite")
        clips, features = read_clips(
            root / names.clips,
            root / names.captions,
            encoder,
            is_trained_on,
            vectors=Path(names.clip_vectors) if names.clip_vectors else None,
            on_progress=on_progress,
        )
        residuals = residuals_of(clips, features)
        others += clip_examples(
            clips,
            features,
            steps,
            parts,
            rounds=how.rounds,
            seed=seed,
            misalign=how.misalign,
            residuals=residuals,
        )
        if ranked and how.piece_videos:
            pieces = piece_examples(
                clips,
                features,
                parts,
                videos=how.piece_videos,
                seed=seed,
                misalign=how.misalign,
                residuals=residuals,
            )
        texts += [c for clip in clips for c in clip.captions]
        recipes.append(encoder.recipe)
    if names.sentences and how.text_videos:
        spoken = read_captions(root / names.sentences)
        sentences = {n: c for n, c in spoken.items() if is_trained_on(n)}
        others += text_examples(
            sentences,
            steps,
            parts,
            videos=how.text_videos,
            noise=how.noise,
            residuals=residuals,
            seed=seed,
        )
        texts += [c for own in sentences.values() for c in own]
    words = None
    if names.moments:
        folder = FeatureFolder(root / names.features)
        own = read_own_examples(names, names.moments, folder, parts)
        others += own.examples
        words = own.words
        recipes.append(folder.recipe)
    files = [
        *(names.queries, names.clip_captions, names.captions, names.sentences),
        *(names.moments, names.durations, names.words),
    ]
    own_vectors = [Path(names.clip_vectors)] if names.clip_vectors else []
    digest = _digest([*(root / f for f in files if f), *own_vectors], recipes)
    return MomentSources(
        tuple(captions),
        tuple(others),
        tuple(texts),
        tuple(recipes),
        digest,
        words,
        tuple(pieces),
        how.trimmed if ranked else 0.0,
    )


@dataclass(frozen=True)
class OwnMoments:
    """Examples on a folder of features, and the word vectors that read their sentences."""

    examples: list[Example]
    words: WordTable | None


def read_own_examples(
    names: SourceArguments,
    moments: str,
    folder: FeatureFolder,
    parts: int,
    *,
    words: WordTable | None = None,
    whole: bool = False,
) -> OwnMoments:
    """The queries of ``moments`` or of its test file, on the folder's features.

    Args:
        names: the sources.
        moments: which of their files.
        folder: of the features.
        parts: how many parts the data has.
        words: those of a trained localizer; without them what the sources name is read.
        whole: leave long videos whole.

    Raises:
        InputError, IntegrityError: a file that is missing or unfit.
    """
    root = Path(names.root)
    durations = root / names.durations if names.durations else None
    queries = read_moments(root / moments, folder, durations)
    if words is None and names.words:
        words = read_words(root / names.words).kept(q.query for q in queries)
    return OwnMoments(folder_examples(queries, folder, STEPS, parts, words, whole=whole), words)


def read_caption_examples(names: SourceArguments, parts: int) -> list[Example]:
    """The QVHighlights queries on their captions.

    Raises:
        InputError: a file that is missing or unfit.
    """
    root = Path(names.root)
    spoken = load_clip_captions(root / names.clip_captions)
    queries = load_qvhighlights(root / names.queries, known_videos=spoken).queries
    return caption_examples(queries, spoken, STEPS, parts)


def held_out_examples(
    names: SourceArguments, joinings: int, on_progress: OnProgress | None = None
) -> list[list[Example]]:
    """The clips that nobody trains on, joined several times over, with other captions asking."""
    root = Path(names.root)
    clips, features = read_clips(
        root / names.clips,
        root / names.captions,
        load_encoder("lite"),
        lambda name: not is_trained_on(name),
        on_progress=on_progress,
    )
    return [
        clip_examples(clips, features, None, 1, rounds=1, seed=seed) for seed in range(joinings)
    ]


def is_trained_on(name: str) -> bool:
    """Whether a clip may be trained on."""
    return not held_out(name, CLIPS_HELD_OUT)


def _digest(paths: Sequence[Path], recipes: Sequence[Recipe]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    for recipe in recipes:
        total.update(recipe.fingerprint.encode())
    return total.hexdigest()
