"""Encode a video once; summarize and query it as often as you like.

``iptnet.load().encode("talk.mp4").summarize(0.15)`` is the whole way: frames at true timestamps →
features → importance map → shots → keyshots, as a :class:`~iptnet.timeline.Timeline`;
``.find("she opens the door")`` asks the same features where a sentence happens.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iptnet.encoded import Encoded
from iptnet.errors import IptnetWarning
from iptnet.features.cache import FeatureCache
from iptnet.features.digests import known_sha256
from iptnet.features.extract import METADATA, extract
from iptnet.forking import native, native_property, without_native
from iptnet.timeline import Source

if TYPE_CHECKING:
    from iptnet.features.encoders import Encoder
    from iptnet.model.localizer import Localizer
    from iptnet.model.summarizer import Summarizer
    from iptnet.video.limits import Limits

OnProgress = Callable[[str, int, int | None], None]


def load(
    *,
    encoder: str = "lite",
    weights: Path | None = None,
    summarizer: Path | None = None,
    localizer: Path | None = None,
    cache: bool = True,
) -> Model:
    """The model that ships with the package, or parts of your own.

    Args:
        encoder: ``lite`` or ``googlenet-pool5``.
        weights: the encoder's weights, where the package carries none.
        summarizer: checkpoint of the summarization module; None for the one that ships.
        localizer: checkpoint of the localization module; None for the one that ships.
        cache: keep features between runs.

    Raises:
        IntegrityError: weights that are not what they claim to be.
        InputError: no such file.
    """
    with native():
        from iptnet.features.encoders import load_encoder

        frames = load_encoder(encoder, weights)
    return Model(
        encoder=frames,
        summarizer_path=summarizer,
        localizer_path=localizer,
        cache=FeatureCache() if cache else None,
    )


@dataclass(frozen=True)
class Model:
    """Named parts: frames → vectors (encoder), vectors → importance (summarizer, localizer)."""

    encoder: Encoder
    summarizer_path: Path | None = None
    localizer_path: Path | None = None
    cache: FeatureCache | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: it loads the modules itself."""
        return without_native(self)

    @native_property
    def summarizer(self) -> Summarizer:
        """The summarization module, loaded and verified at first use."""
        from iptnet.model.summarizer import load_summarizer

        return load_summarizer(self.summarizer_path)

    @native_property
    def localizer(self) -> Localizer:
        """The localization module, loaded and verified at first use."""
        from iptnet.model.localizer import load_localizer

        return load_localizer(self.localizer_path)

    def encode(
        self,
        path: str | Path,
        *,
        on_progress: OnProgress | None = None,
        limits: Limits | None = None,
        preview: bool = False,
    ) -> Encoded:
        """Decode, sample and embed a video; from the cache when it was seen before.

        Args:
            path: a video file.
            on_progress: called as ``(stage, done, total)``, in seconds of video.
            limits: sizes and times beyond which to refuse.
            preview: decode key frames only, for a first look at a long video; not kept in the
                cache, and without effect when the whole video is there.

        Raises:
            InputError: missing, no video, or nothing in it can be decoded.
            LimitError: beyond ``limits``.
        """
        path = Path(path)
        with native():
            from iptnet.video.child import check_file
            from iptnet.video.limits import Limits
            from iptnet.video.probe import probe

        def is_video(path: Path) -> None:
            probe(path, limits)

        check_file(path, limits or Limits())
        kept = self.cache.folder.parent / "digests" if self.cache else None
        digest = known_sha256(path, kept, is_video)
        features = self.cache.get(digest, self.encoder.recipe) if self.cache else None
        if features is None or features.metadata.get("version") != METADATA:
            features = extract(
                path,
                digest,
                self.encoder,
                limits=limits,
                on_progress=on_progress,
                preview=preview,
            )
            # A partial result is not worth remembering: the cause may be gone next time.
            complete = not features.metadata["warnings"]
            if self.cache and complete and not self.cache.put(digest, features):
                warnings.warn(
                    f"what was seen of {path} cannot be kept in {self.cache.folder}, so the next "
                    "call looks at the video again",
                    IptnetWarning,
                    stacklevel=2,
                )
        named = {"path": _text(path), "name": _text(path.name)}
        source = Source.of({**features.metadata["source"], **named})
        return Encoded(self, path, source, features)


def _text(path: str | Path) -> str:
    """A name as text that any JSON or page can carry; undecodable bytes become U+FFFD."""
    return os.fsencode(str(path)).decode("utf-8", "replace")
