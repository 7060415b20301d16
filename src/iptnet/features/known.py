"""Recipes of published features, and which one an undeclared file gets.

Files of ours declare their recipe as JSON. Published ones do not, so the rule is, in this order:

1. the recipe the caller names, unless the file declares another one;
2. the JSON in the file's attribute ``recipe``;
3. a free text there that begins with a known one's words, or a file name that holds its mark
   (``google_pool5``, ``blip_wordllama256``, ``dino768``) — with that recipe's width, else refused;
4. a recipe named ``undeclared``, whose space is that free text or the file's own name, so that it
   never equals another file's by accident. Widths alone decide nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

from iptnet.errors import IntegrityError
from iptnet.features.recipe import Recipe

#: The space that sentences, BLIP captions and the ``lite`` recipe's frames share.
WORDLLAMA_SPACE = "wordllama-l2-supercat-256"

GOOGLENET_POOL5 = Recipe(
    name="googlenet-pool5",
    backbone="BVLC GoogLeNet, pool5, as in the public eccv16 files",
    weights_sha256="unknown",
    rate="every 15th frame",
    preprocessing="unknown",
    projection="none",
    normalisation="l2",
    width=1024,
    space="bvlc-googlenet-pool5-1024",
)
BLIP_WORDLLAMA256 = Recipe(
    name="blip-wordllama256",
    backbone="BLIP caption of the frame, embedded with WordLlama l2_supercat",
    weights_sha256="unknown",
    rate="every 15th frame",
    preprocessing="unknown",
    projection="none",
    normalisation="l2",
    width=256,
    space=WORDLLAMA_SPACE,
)
DINO768 = Recipe(
    name="dino768",
    backbone="DINO ViT-B/16, CLS token",
    weights_sha256="unknown",
    rate="every 15th frame, nearest sampled frame",
    preprocessing="unknown",
    projection="none",
    normalisation="l2",
    width=768,
    space="dino-vitb16-cls-768",
)

KNOWN = {r.name: r for r in (GOOGLENET_POOL5, BLIP_WORDLLAMA256, DINO768)}
FILE_MARKS = {
    "google_pool5": GOOGLENET_POOL5,
    "googlenet_pool5": GOOGLENET_POOL5,
    "blip_wordllama256": BLIP_WORDLLAMA256,
    "dino768": DINO768,
}
TEXT_MARKS = {"dino-vitb16-cls": DINO768, **KNOWN}
UNDECLARED = "undeclared"


def recipe_of_file(
    path: Path, width: int, declared: str | None, chosen: Recipe | None = None
) -> Recipe:
    """The recipe of a feature file, by the rule above.

    Args:
        path: the file, for its name and for messages.
        width: D of its features.
        declared: its attribute ``recipe``, JSON or free text.
        chosen: what the caller says it is.

    Raises:
        IntegrityError: the width is not the recipe's, the JSON is broken, or the file declares
            another recipe than the caller.
    """
    own = _declared(path, declared)
    if own is not None and chosen is not None and own != chosen:
        raise IntegrityError(
            f"{path} declares another recipe than {chosen.name}: "
            f"{'; '.join(own.differences(chosen))}",
            "leave the recipe out to use the file's own",
        )
    recipe = own or chosen or _marked(path, declared)
    if recipe is None:
        text = (declared or "").strip() or path.name
        return Recipe(
            name=UNDECLARED,
            backbone="unknown",
            weights_sha256="unknown",
            rate="unknown",
            preprocessing="unknown",
            projection="unknown",
            normalisation="unknown",
            width=width,
            space=f"{UNDECLARED}: {text}",
        )
    if recipe.width != width:
        raise IntegrityError(
            f"{path} holds features of width {width}, but {recipe.name} has {recipe.width}",
            "name the recipe that made them",
        )
    return recipe


def _declared(path: Path, declared: str | None) -> Recipe | None:
    if declared is None or not declared.lstrip().startswith("{"):
        return None
    try:
        raw = json.loads(declared)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(
            f"{path} declares a recipe that is not JSON: {error}", "write it again"
        ) from error
    return Recipe.from_dict(raw)


def _marked(path: Path, declared: str | None) -> Recipe | None:
    for words, recipe in TEXT_MARKS.items():
        if declared is not None and declared.strip().lower().startswith(words):
            return recipe
    stem = path.stem.lower().replace("-", "_")
    return next((recipe for mark, recipe in FILE_MARKS.items() if mark in stem), None)
