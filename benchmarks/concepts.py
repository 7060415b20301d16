"""Everyday concepts: does lite find what captioned pictures of people and dogs never show?

    python -m benchmarks.concepts --data DATA --projection RUN/projection.safetensors --clips all

Queries are everyday nouns; a clip is relevant to one when its annotators used one of the words
beside it (at least two of them, and 15 % of the distinct captions). The score is mean average
precision over the concepts. ``--clips all`` is fair only for a projection trained without clips
(``clips: ""`` in the configuration); the shipped one has seen all but the held-out sixty.
Photographs that scikit-image and scikit-learn carry are asked for by sentence besides.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from benchmarks.retrieval import RUN, load, pooled_of, ridge_heads
from iptnet.evaluation.retrieval import average_precision
from iptnet.features.backbone import load_backbone
from iptnet.features.projection import activations, load_projection, network_of
from iptnet.features.text import TextEncoder
from iptnet.training.captioned import Captioned
from iptnet.training.heads import vectors_of
from iptnet.training.pairs import read_captions

PROMPTS = ("a {}", "a video of a {}", "{}")
SHARE, AT_LEAST = 0.15, 2

CONCEPTS = {
    "food": "food dish",
    "water": "water",
    "car": "car cars",
    "computer": "computer laptop",
    "bowl": "bowl",
    "football": "football",
    "cartoon": "cartoon animated",
    "wrestling": "wrestling wrestlers",
    "baby": "baby",
    "dress": "dress",
    "stage": "stage",
    "fire": "fire",
    "guitar": "guitar",
    "bed": "bed",
    "cooking": "cooking chef",
    "dancing": "dancing dance",
    "dog": "dog dogs puppy",
    "soccer": "soccer",
    "race track": "race track",
    "boat": "boat boats",
    "street": "street",
    "gun": "gun guns",
    "beach": "beach",
    "phone": "phone texting blackberry",
    "runway": "runway catwalk",
    "parrot": "parrot",
    "bird": "bird birds parrot duck",
    "stairs": "stairs",
    "chair": "chair chairs",
    "swimming pool": "pool",
    "toy": "toy toys lego dolls doll",
    "mountain": "mountain hills hill",
    "cage": "cage",
    "door": "door",
    "laptop": "laptop",
    "glass": "glass",
    "microphone": "microphone mic",
    "grocery store": "grocery",
    "ball": "ball balls",
    "baseball": "baseball",
    "airplane": "airplane plane",
    "fence": "fence",
    "sword": "sword",
    "garlic": "garlic",
    "kitchen": "kitchen",
    "vegetables": "vegetables",
    "fish": "fish shark",
    "eyeglasses": "glasses",
    "monkey": "monkey",
    "trees": "trees",
    "horse": "horse horses",
    "cat": "cat kitten",
    "paper": "paper letters",
    "party": "party",
    "basketball": "basketball",
    "mixer": "mixer",
    "space": "space planet gravity",
    "frying pan": "pan",
    "mouse": "mouse rat",
    "ladder": "ladder",
    "cake": "cake cupcake",
    "knight": "knight",
    "washing": "washing",
    "bow and arrow": "arrow arrows",
    "trophy": "trophy",
    "clock": "clock",
    "ipod": "ipod",
    "dinosaur": "dinosaur",
    "boxing": "boxing",
    "camel": "camel",
    "church": "church",
    "eggs": "eggs",
    "chocolate": "chocolate",
    "train": "train subway",
    "classroom": "classroom",
    "beans": "beans",
    "snow": "snow ski",
    "lantern": "lantern",
    "shopping cart": "cart",
    "fishing net": "fishing net",
    "duck": "duck",
    "smoke": "smoke",
    "motorcycle": "motorcycle",
    "coffee": "coffee mug",
    "blanket": "blanket",
    "makeup": "makeup eyebrows",
    "kayak": "kayak kayaking raft rowing",
    "piano": "piano",
    "choir": "choir",
    "police": "police officer",
    "pot": "pot boiling stew",
    "volleyball": "volleyball",
    "buildings": "buildings",
    "nail polish": "nail nails",
    "bike": "bike",
    "house": "house houses",
    "flowers": "flowers roses",
    "lion": "lion",
    "tiger": "tiger",
    "swimming": "swimming dives",
    "cigarette": "cigarette smoking",
    "restaurant": "restaurant",
    "ship": "ship pirate",
    "truck": "truck",
    "faucet": "faucet",
    "barbie dolls": "dolls doll barbie",
    "museum": "museum",
    "garage": "garage",
    "dragon": "dragon dragonball",
    "grill": "grill grilling",
    "cheese": "cheese",
    "sand": "sand",
    "alpacas": "alpacas",
    "fruit": "fruit",
    "pipe": "pipe",
    "shark": "shark",
    "jeans": "jeans",
    "cow": "cow",
    "fireworks": "fireworks",
    "onion": "onion",
    "planet": "planet",
    "rugby": "rugby",
    "couch": "couch",
    "road": "road",
    "lake": "lake",
    "river": "river kayak",
    "snow skiing": "ski",
    "kangaroo": "kangaroo",
    "alligator": "alligators",
    "gopher": "gopher",
    "military": "military war",
    "rocket": "nasa rocket",
    "television": "tv television",
    "camera": "camera photos",
    "book": "book",
    "field": "field",
    "animal": "animal animals",
    "video game": "game minecraft",
    "news": "news",
    "fashion show": "fashion",
    "music band": "band",
}

PHOTOGRAPHS = {
    "cat": "a cat looking at the camera",
    "coffee": "a cup of coffee on a table",
    "astronaut": "a woman in an orange space suit smiling",
    "rocket": "a rocket launch",
    "china": "an old chinese temple building",
    "flower": "a flower in a garden",
    "camera": "a photographer with a camera on a tripod",
    "motorcycle": "a motorcycle in a garage",
    "moon": "the surface of the moon",
    "grass": "green grass",
    "coins": "old coins",
    "brick": "a brick wall",
}


def tags(captions: list[str]) -> set[str]:
    """Words that enough annotators of one clip used."""
    distinct = set(captions)
    used = Counter(w for c in distinct for w in set(re.findall("[a-z]+", c)))
    return {w for w, n in used.items() if n >= max(AT_LEAST, SHARE * len(distinct))}


def measure_concepts(
    vectors: np.ndarray, clips: Captioned, said: dict[str, list[str]], items: list[int]
) -> dict[str, float]:
    """Average precision of each concept that some clip of ``items`` shows.

    Args:
        vectors: (R, 256) of all rows of the clips.
        clips: where the rows belong.
        said: captions by clip.
        items: which clips are searched.
    """
    encoder = TextEncoder()
    means = np.stack([vectors[list(clips.rows[i])].mean(axis=0) for i in items])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    tagged = [tags(said[clips.items[i]]) for i in items]
    found = {}
    for concept, words in CONCEPTS.items():
        relevant = np.array([bool(set(words.split()) & t) for t in tagged])
        if relevant.any():
            query = encoder.encode([p.format(concept) for p in PROMPTS]).mean(axis=0)
            found[concept] = average_precision(means @ query, relevant)
    return found


def photographs() -> dict[str, np.ndarray]:
    """Free photographs, squashed to the encoder's size."""
    from PIL import Image
    from skimage import data
    from skimage.io import imread
    from sklearn.datasets import load_sample_images

    folder = Path(data.__file__).parent
    china, flower = load_sample_images().images
    found = {
        "cat": data.chelsea(),
        "coffee": data.coffee(),
        "astronaut": data.astronaut(),
        "rocket": data.rocket(),
        "china": china,
        "flower": flower,
        "camera": data.camera(),
        "motorcycle": imread(folder / "motorcycle_left.png"),
        "moon": data.moon(),
        "grass": data.grass(),
        "coins": data.coins(),
        "brick": data.brick(),
    }
    return {
        name: np.asarray(Image.fromarray(image).convert("RGB").resize((224, 224)))
        for name, image in found.items()
    }


def measure_photographs(gallery: np.ndarray) -> list[int]:
    """Rank of each photograph (P, 256) for its own sentence."""
    scores = TextEncoder().encode(list(PHOTOGRAPHS.values())) @ gallery.T
    return (scores >= np.diag(scores)[:, None]).sum(axis=1).tolist()


def main() -> None:
    """Print mean average precision and the photographs that are not found first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=RUN)
    parser.add_argument("--projection", type=Path)
    parser.add_argument("--clips", choices=("all", "held-out"), default="held-out")
    arguments = parser.parse_args()
    config, sources = load(arguments.data, arguments.run)
    clips = sources[-1]
    said = read_captions(arguments.data / config.clip_captions)
    items = list(range(len(clips.items))) if arguments.clips == "all" else clips.of("test")
    shots = torch.from_numpy(np.stack(list(photographs().values()))).permute(0, 3, 1, 2).float()
    published = load_backbone()
    before = pooled_of(published, sources, arguments.run)
    head, stored = load_projection(arguments.projection)
    heads = {n: (h, published) for n, h in ridge_heads(config, sources, before).items()}
    heads["projection"] = (head, network_of(stored))
    for label, (own, network) in heads.items():
        (rows,) = pooled_of(network, [clips], arguments.run)
        found = measure_concepts(vectors_of(own, network, rows[0]).numpy(), clips, said, items)
        values = np.array(list(found.values()))
        print(
            f"{label}: mAP {100 * values.mean():.1f} over {len(found)} concepts, {len(items)} clips"
        )
        with torch.inference_mode():
            places = measure_photographs(own(*activations(network, shots)).numpy())
        wrong = [f"{n} {r}" for n, r in zip(PHOTOGRAPHS, places, strict=True) if r > 1]
        right = len(places) - len(wrong)
        print(f"  photographs found first: {right} of {len(places)}; ranks of the rest: {wrong}")


if __name__ == "__main__":
    main()
