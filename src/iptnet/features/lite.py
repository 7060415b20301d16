"""The ``lite`` recipe: EfficientNet-Lite0 frames in WordLlama's sentence space, offline, on a CPU.

Frames, captions and queries share one 256-d space, so the summarizer learns from captioned videos,
the localizer from captioned moments, and both run on raw pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from iptnet.errors import InputError, is_shortage
from iptnet.features.lite_recipe import SIZE, centres_of, lite_recipe, read_projection
from iptnet.features.lite_recipe import WIDTH as POOLED_TOP
from iptnet.features.text import WIDTH
from iptnet.forking import (
    native,
    native_property,
    threaded_property,
    without_native,
)

if TYPE_CHECKING:
    from iptnet.features.projection import FrameNetwork

# Larger batches fall out of the second-level cache: measured, 1 to 4 frames at a time are fastest.
FRAMES_AT_ONCE = 4

Engine = Literal["auto", "onnxruntime", "torch"]
"""What runs the backbone; ``auto`` is onnxruntime where it works. Both are single precision and
agree to rounding (cosine above .99999), so their vectors are of one recipe and share the cache."""


class LiteEncoder:
    """Turns 224×224 RGB frames into unit vectors that compare with sentences by dot product.

    Args:
        projection: another projection checkpoint than the shipped one.
        engine: what runs the backbone. Both networks, and torch, are loaded at the first frame:
            what is in the cache needs neither.

    Attributes:
        recipe: backbone, weights, preprocessing and projection, down to the digests.
        size: (height, width) of the frames it takes; squash, do not crop.
        centres: mean picture vector and mean caption vector, (2, 256), of the training pairs; both
            modalities sit in narrow, different cones, and whoever mixes them may subtract these.

    Raises:
        InputError, IntegrityError: as :func:`~iptnet.features.lite_recipe.read_projection` says;
            at the first frame also MachineError, as the backbone's loader says.
    """

    size = (SIZE, SIZE)

    def __init__(self, projection: Path | None = None, engine: Engine = "auto") -> None:
        self._path, self._engine = projection, engine
        self._shape, self._stored = read_projection(projection)
        self.centres: NDArray[np.float32] = centres_of(self._stored)
        self.recipe = lite_recipe(self._stored.digest)

    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode frames; each row depends on its own frame alone.

        Args:
            images: (N, 224, 224, 3) uint8, RGB; N may be 0.

        Returns:
            (N, 256) float32, rows of length one.

        Raises:
            InputError: another shape or type.
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (*self.size, 3):
            raise InputError(
                f"the lite encoder takes (N, {SIZE}, {SIZE}, 3) uint8 frames, "
                f"not {images.shape} {images.dtype}",
                "resize the frames first",
            )
        result = np.empty((len(images), WIDTH), np.float32)
        for at in range(0, len(images), FRAMES_AT_ONCE):
            few = np.ascontiguousarray(images[at : at + FRAMES_AT_ONCE])
            with native():
                result[at : at + FRAMES_AT_ONCE] = self._vectors(few)
        return result

    def _vectors(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        from iptnet.features.projection import pool

        with torch.inference_mode():
            if (session := self._session) is None:
                vectors = self._network(torch.from_numpy(images).permute(0, 3, 1, 2).float())
            else:
                maps = session.run(None, {"pixels": images})
                pooled = pool(*map(torch.from_numpy, maps))
                logits = self._network.backbone.classifier(pooled[:, :POOLED_TOP])
                vectors = self._network.head(pooled, logits)
            return np.asarray(vectors.numpy())

    @native_property
    def _network(self) -> FrameNetwork:
        from iptnet.features.projection import FrameNetwork, made, network_of

        head = made(self._shape, self._stored, self._path)
        return FrameNetwork(network_of(self._stored), head).eval()

    @threaded_property
    def _session(self) -> Any:
        """The backbone in onnxruntime; None where torch is to run it."""
        if self._engine == "torch":
            return None
        import torch

        from iptnet.features.onnx import session

        try:
            # The decoder works at the same time: half of the processors are its.
            return session(self._network.backbone, max(1, torch.get_num_threads() // 2))
        except ImportError as error:
            if self._engine == "onnxruntime" or is_shortage(error):
                raise
            return None

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: not the networks, which are loaded there when needed."""
        return without_native(self)
