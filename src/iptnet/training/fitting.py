"""Where and how one localizer is fitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from iptnet.training.localization_arguments import LocalizationArguments
from iptnet.training.loop import Stop

OnProgress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class Fit:
    """What all parts of one localizer share while it is trained."""

    arguments: LocalizationArguments
    folder: Path
    identity: str
    stop: Stop
    on_progress: OnProgress | None = None
    where: str = ""

    def told(self, stage: str, epochs: int) -> Callable[[int], None]:
        """A callback for the loop."""

        def tell(done: int) -> None:
            if self.on_progress:
                self.on_progress(f"{self.where}{stage}", done, epochs)

        return tell

    def made(self, name: str) -> Path:
        """A folder of this run, made if needed."""
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path
