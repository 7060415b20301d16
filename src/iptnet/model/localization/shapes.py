"""What a localizer's tensors are called and how large they are, by its configuration alone.

A trained localizer is asked without torch where its tensors are exactly these (:mod:`.plain`);
everything else is torch's to load, or to refuse by name. The tests hold the table to the module.
"""

from __future__ import annotations

from iptnet.model.localization.config import LocalizationConfig

Shapes = dict[str, tuple[int, ...]]

KERNEL, LAYERS = 7, 4
WEIGHING = 32
MAPS_PER_HEAD, NOVELTY_MAPS = 5, 2


def understands(config: LocalizationConfig, ranked: bool) -> bool:
    """Whether NumPy can take the place of PyTorch: tokens are read, and a ranker decodes."""
    whole = config.heads > 0 and config.hidden % config.heads == 0 and 0 <= config.dropout <= 1
    alike = not config.similarity or config.width == config.word_width
    return config.text == "wordllama" and ranked and whole and alike


def module_shapes(config: LocalizationConfig) -> Shapes:
    """Of a module that :func:`understands` accepts."""
    D, E, H = config.width, config.word_width, config.hidden
    maps = (1 + config.similarity) * MAPS_PER_HEAD + NOVELTY_MAPS if config.similarity else 0
    shapes: Shapes = {
        "null_query": (1, E),
        "shared.positions": (config.steps, H),
        **{f"attention.for_{part}": (H,) for part in ("video", "words", "both")},
        "concatenation.weight.weight": (1, H),
        "highlighting.convolution.weight": (1, H, 1),
        "highlighting.convolution.bias": (1,),
        **_linear("words.linear", E, H),
        **_linear("video.linear", D, H),
        **_linear("attention.linear", 4 * H, H),
        **_linear("concatenation.linear", 2 * H, H),
        **_linear("shared.attention.qkv", H, 3 * H),
        **_linear("shared.attention.out", H, H),
        **_linear("shared.attention.feed", H, H),
        **_norm("shared.attention.norm", H),
        **_norm("shared.attention.feed_norm", H),
    }
    names = [f"shared.convolutions.{k}" for k in range(LAYERS)]
    for name in [*names, *(f"refine.{k}" for k in range(config.refine))]:
        shapes |= _norm(f"{name}.norm", H)
        shapes |= {f"{name}.depthwise.weight": (H, 1, KERNEL)}
        shapes |= {f"{name}.pointwise.weight": (H, H, 1), f"{name}.pointwise.bias": (H,)}
    for bound in ("start", "end"):
        lstm = f"predictor.{bound}_state"
        shapes |= {f"{lstm}.weight_{side}_l0": (4 * H, H) for side in ("ih", "hh")}
        shapes |= {f"{lstm}.bias_{side}_l0": (4 * H,) for side in ("ih", "hh")}
        shapes |= _linear(f"predictor.{bound}.0", 2 * H, H) | _linear(f"predictor.{bound}.2", H, 1)
    if config.similarity:
        shapes |= _linear("join", maps, H) | {"shortcut.weight": (1, maps)}
        shapes |= _linear("similarity.weight.0", D, WEIGHING)
        shapes |= _linear("similarity.weight.3", WEIGHING, config.similarity)
    for k in range(config.similarity):
        for side in ("steps", "words"):
            move = f"similarity.move_{side}.{k}"
            shapes |= {f"{move}.down.weight": (config.rank, D)}
            shapes |= _linear(f"{move}.up", config.rank, D)
    return shapes | (_linear("saliency", H + maps, 1) if config.saliency else {})


def _linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
