"""Encoded videos at hand: what makes the slider and the second query immediate.

A few stay in memory. Others come back from the features in their folder within milliseconds,
without the video being read; only where those are gone (another version of the model) is it
decoded again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from iptnet.features.cache import FeatureCache
from iptnet.results import merge
from iptnet.serving.folders import Folders
from iptnet.timeline import Timeline

if TYPE_CHECKING:
    from iptnet.api import Model
    from iptnet.encoded import Encoded

AT_HAND = 8
OnProgress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Opened:
    """An encoded video, and the lock that whoever asks it holds: it computes parts when asked."""

    encoded: Encoded
    lock: threading.Lock = field(default_factory=threading.Lock)


class Library:
    """The model, loaded once, and the videos it has seen.

    Args:
        load: makes the model; called once, by whoever comes first.
        folders: where features and results lie.
    """

    def __init__(self, load: Callable[[], Model], folders: Folders) -> None:
        self._load, self._folders = load, folders
        self._lock = threading.RLock()
        self._model: Model | None = None
        self._open: OrderedDict[str, Opened] = OrderedDict()

    def model(self) -> Model:
        """The model; the first call takes seconds."""
        with self._lock:
            if self._model is None:
                self._model = self._load()
            return self._model

    def warm(self) -> None:
        """Load all parts now, so that nobody waits for them later."""
        model = self.model()
        _ = model.summarizer, model.localizer

    def encode(self, id_: str, name: str, on_progress: OnProgress) -> Timeline:
        """Encode an upload, keep it at hand, and write its features and first result.

        Raises:
            IptnetError: the video cannot be used, or the disk does not take the result.
        """
        from iptnet.outputs.json import write_json
        from iptnet.serving.records import RATIO

        on_progress("model", 0, None)
        encoded = self.model().encode(self._folders.source(id_), on_progress=on_progress)
        on_progress("select", 0, None)
        # Results speak of the video as its owner calls it, not of our folder.
        encoded = replace(encoded, source=replace(encoded.source, path=name, name=name))
        timeline = encoded.summarize(RATIO)
        cache = FeatureCache(self._folders.of(id_))
        cache.put(encoded.source.sha256, encoded.features)
        write_json(timeline, self._folders.timeline(id_))
        self._remember(id_, encoded)
        return timeline

    def rehearse(self, id_: str) -> None:
        """Ask something, so that the first who asks waits no longer than the second."""
        self.ask(id_, "something happens", 1)

    def forget(self, id_: str) -> None:
        """Let go of a deleted video."""
        with self._lock:
            self._open.pop(id_, None)

    def _remember(self, id_: str, encoded: Encoded) -> Opened:
        with self._lock:
            opened = self._open[id_] = Opened(encoded)
            self._open.move_to_end(id_)
            while len(self._open) > AT_HAND:
                self._open.popitem(last=False)
            return opened

    def _opened(self, id_: str) -> Opened:
        with self._lock:
            if id_ in self._open:
                self._open.move_to_end(id_)
                return self._open[id_]
            return self._remember(id_, self._reopen(id_))

    def _reopen(self, id_: str) -> Encoded:
        from iptnet.encoded import Encoded
        from iptnet.features.extract import METADATA

        model, video = self.model(), self._folders.source(id_)
        source = self.first(id_).source
        features = FeatureCache(self._folders.of(id_)).get(source.sha256, model.encoder.recipe)
        if features is None or features.metadata.get("version") != METADATA:
            return replace(model.encode(video), source=source)
        return Encoded(model, video, source, features)

    def first(self, id_: str) -> Timeline:
        """The result as first computed, from its file."""
        return Timeline.from_json(self._folders.timeline(id_).read_text(encoding="utf-8"))

    def summarize(self, id_: str, ratio: float) -> Timeline:
        """Choose keyshots for another length.

        Raises:
            UsageError: ``ratio`` is not in (0, 1].
        """
        opened = self._opened(id_)
        with opened.lock:
            return opened.encoded.summarize(ratio)

    def ask(self, id_: str, query: str, top: int) -> Timeline:
        """Moments of a sentence; the curve is how well each instant fits it.

        Raises:
            UsageError: an empty sentence.
        """
        opened = self._opened(id_)
        with opened.lock:
            return opened.encoded.ask([query], top)

    def result(self, id_: str, ratio: float, queries: Sequence[str], top: int) -> Timeline:
        """A summary of a length together with the moments of sentences.

        Raises:
            UsageError: as above.
        """
        timeline = self.summarize(id_, ratio)
        for query in queries:
            asked = self.ask(id_, query, top)
            timeline = replace(
                timeline,
                moments=(*timeline.moments, *asked.moments),
                warnings=merge(timeline.warnings, asked.warnings),
            )
        return timeline
