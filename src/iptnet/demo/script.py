"""What the demo video shows: photographs that two packages carry, and how the camera moves.

Pictures and their licences, as the packages state them:

- scikit-image: ``astronaut`` (NASA, public domain), ``chelsea`` (the cat; CC0, Stefan van der
  Walt), ``coffee`` (CC0, Rachel Michetti), ``rocket`` (SpaceX, public domain),
  ``hubble_deep_field`` (NASA, public domain), ``camera`` (the man with the film camera; CC0, Lav
  Varshney), ``brick``, ``gravel`` and ``grass`` (CC0 textures).
- scikit-learn: ``china`` and ``flower``, both CC BY 2.0, by danielbuechele and vultilion on Flickr.

Textures stand still and say little: they are there to be left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

View = tuple[float, float, float]
"""Centre x, centre y and width of what the camera sees, as shares of the picture's size."""


@dataclass(frozen=True, slots=True)
class Take:
    """One scene of the script.

    Attributes:
        name: what to call it.
        package: who carries the picture.
        picture: the file's name there.
        seconds: how long it lasts.
        first: the view at its start.
        last: the view at its end; equal to ``first`` when the camera stands still.
        note: pitch of its tone in hertz.
        query: a sentence that finds it; ``None`` for filler.
    """

    name: str
    package: Literal["skimage", "sklearn"]
    picture: str
    seconds: float
    first: View
    last: View
    note: float
    query: str | None = None


ASTRONAUT = "a woman in an orange space suit"
CAT = "a cat looking at the camera"

SCRIPT: tuple[Take, ...] = (
    Take("gravel", "skimage", "gravel.png", 4, (0.5, 0.5, 0.9), (0.5, 0.5, 0.9), 110.00),
    Take("astronaut", "skimage", "astronaut.png", 7,
         (0.5, 0.60, 1.0), (0.42, 0.31, 0.66), 261.63, ASTRONAUT),
    Take("brick", "skimage", "brick.png", 5, (0.5, 0.4, 0.8), (0.5, 0.4, 0.8), 116.54),
    Take("cat", "skimage", "chelsea.png", 6,
         (0.5, 0.5, 1.0), (0.48, 0.44, 0.74), 293.66, CAT),
    Take("coffee", "skimage", "coffee.png", 6,
         (0.40, 0.45, 0.78), (0.56, 0.52, 0.86), 329.63, "a cup of coffee on a table"),
    Take("grass", "skimage", "grass.png", 6, (0.5, 0.5, 0.85), (0.5, 0.5, 0.85), 123.47),
    Take("rocket", "skimage", "rocket.jpg", 7,
         (0.5, 0.66, 0.92), (0.52, 0.36, 0.70), 349.23, "a rocket on the launch pad"),
    Take("gravel again", "skimage", "gravel.png", 6, (0.4, 0.5, 0.8), (0.4, 0.5, 0.8), 110.00),
    Take("temple", "sklearn", "china.jpg", 7,
         (0.62, 0.55, 0.72), (0.38, 0.45, 0.72), 392.00, "an old Chinese temple above a lake"),
    Take("flower", "sklearn", "flower.jpg", 6,
         (0.50, 0.5, 1.0), (0.55, 0.50, 0.62), 440.00, "an orange flower"),
    Take("brick again", "skimage", "brick.png", 5, (0.5, 0.6, 0.8), (0.5, 0.6, 0.8), 116.54),
    Take("galaxies", "skimage", "hubble_deep_field.jpg", 7,
         (0.35, 0.40, 0.55), (0.62, 0.58, 0.75), 493.88, "stars and galaxies in the night sky"),
    Take("cat again", "skimage", "chelsea.png", 4,
         (0.40, 0.40, 0.70), (0.52, 0.40, 0.70), 293.66, CAT),
    Take("grass again", "skimage", "grass.png", 5, (0.6, 0.4, 0.8), (0.6, 0.4, 0.8), 123.47),
    Take("cameraman", "skimage", "camera.png", 6,
         (0.5, 0.42, 1.0), (0.40, 0.32, 0.68), 523.25, "a man filming with a camera on a tripod"),
)  # fmt: skip
