"""How far joined clips have to be moved, without looking at a held-out clip.

python -m benchmarks.misalign --data DATA

The projection was trained on the clips that the localizer learns pixels from, and on pictures. How
much easier it finds pictures that it knows than pictures that it never saw tells how much easier
it finds those clips than a user's: the same step on the logit scale. `misalign` is right where a
training clip is found among eight as often as that says.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from iptnet.features.encoders import load_encoder
from iptnet.features.text import TextEncoder
from iptnet.training.clip_features import read_clips
from iptnet.training.moment_examples import moved_along, residuals_of
from iptnet.training.moment_sources import is_trained_on
from iptnet.training.pairs import picture_names, read_captions, read_pictures
from iptnet.training.partition import by_position
from iptnet.training.projection_config import load_config

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "projection.yaml"
AMONG = 8
DRAWS = 12
DISTANCES = (0.0, 0.8, 1.0, 1.2, 1.3, 1.4, 1.6, 1.8)

Vectors = dict[str, NDArray[np.float32]]


def found(vectors: Callable[[int], Vectors], sentences: Vectors, names: Iterable[str]) -> float:
    """Share of names that a sentence of theirs finds among eight, over several draws."""
    every, hits = sorted(names), list[bool]()
    for draw in range(DRAWS):
        rng, own = np.random.default_rng(draw), vectors(draw)
        order = rng.permutation(len(every))
        for at in range(0, len(every) - AMONG + 1, AMONG):
            group = [every[i] for i in order[at : at + AMONG]]
            asked = [sentences[n][rng.integers(len(sentences[n]))] for n in group]
            likeness = np.stack(asked) @ np.stack([own[n] for n in group]).T
            hits += (likeness.argmax(axis=1) == np.arange(AMONG)).tolist()
    return float(np.mean(hits))


def logit(share: float) -> float:
    return math.log(share / (1 - share))


def pictures(data: Path, count: int) -> tuple[float, float]:
    """What the projection finds of pictures that it knows, and of its validation pictures."""
    config = load_config(CONFIG, (data,))
    tar, said = data / config.pictures, read_captions(data / config.picture_captions)
    names = by_position(n for n in picture_names(tar) if len(said.get(n, ())) >= 5)
    encoder, text = load_encoder("lite"), TextEncoder()
    first = config.test + config.validation
    shares = []
    for own in (names[first : first + count], names[config.test : config.test + count]):
        seen = {n: encoder.encode(p[None])[0] for n, p in read_pictures(tar, (224, 224), set(own))}
        sentences = {n: text.encode(said[n]) for n in own}
        shares.append(found(lambda _, seen=seen: seen, sentences, own))
    return shares[0], shares[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=320)
    asked = parser.parse_args()
    known, unseen = pictures(asked.data, asked.pictures)
    step = logit(known) - logit(unseen)
    print(f"pictures found among {AMONG}: known {known:.1%}, never seen {unseen:.1%}")
    folder = asked.data / "clips"
    clips, features = read_clips(
        folder, folder / "captions.json.gz", load_encoder("lite"), is_trained_on
    )
    residuals, text = residuals_of(clips, features), TextEncoder()
    sentences = {c.name: text.encode(list(dict.fromkeys(c.captions))) for c in clips}

    def moved(distance: float) -> Callable[[int], Vectors]:
        def vectors(draw: int) -> Vectors:
            rng = np.random.default_rng([draw, 1])
            rows = {
                n: moved_along(v, distance, residuals, rng) if distance else v
                for n, (_, v) in features.items()
            }
            means = {n: v.mean(axis=0) for n, v in rows.items()}
            return {n: m / np.linalg.norm(m) for n, m in means.items()}

        return vectors

    shares = {d: found(moved(d), sentences, features) for d in DISTANCES}
    wanted = 1 / (1 + math.exp(step - logit(shares[0.0])))
    for distance, share in shares.items():
        print(f"misalign {distance}: a training clip is found among {AMONG} in {share:.1%}")
    falling = sorted(shares.items(), key=lambda pair: pair[1])
    chosen = np.interp(wanted, [s for _, s in falling], [d for d, _ in falling])
    print(f"unseen clips should be found in {wanted:.1%}: misalign {chosen:.2f}")


if __name__ == "__main__":
    main()
