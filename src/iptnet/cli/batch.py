"""``iptnet batch MANIFEST_OR_DIR --out DIR``: an archive, resumable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from iptnet.cli.console import Progress, printable, say, say_error, say_warning
from iptnet.cli.inputs import asked_length
from iptnet.cli.summarize import SummaryOptions, seconds
from iptnet.errors import UsageError

if TYPE_CHECKING:
    from iptnet.scale.ledger import Status
    from iptnet.scale.run import Tally


@dataclass(frozen=True, kw_only=True)
class Batch(SummaryOptions):
    """Summarize an archive; run again, it goes on where it stopped (docs/scale.md)."""

    archive: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MANIFEST_OR_DIR")]
    """A folder of videos, or a list of them: one path a line (or NUL between them), or .jsonl."""

    out: Path
    """Folder for the results, as the archive is arranged, and for batch.jsonl."""

    engine: Literal["local", "ray"] = "local"
    """Processes of this machine, or Ray (pip install 'iptnet[ray]')."""

    shard: str = "1/1"
    """The share to work on, as 2/4; other machines take the others."""

    workers: int | None = None
    """Videos at a time; by default what cores and memory bear."""

    retry: bool = False
    """Try again what failed before; otherwise only when the file or the options change."""

    def run(self) -> int:
        """Summarize what is left to do; the code is that of the worst video."""
        ratio, length = asked_length(self.ratio, self.length)
        if self.workers is not None and not 1 <= self.workers <= 4096:
            raise UsageError(f"--workers {self.workers} is no number of them", "give 1 or more")
        from iptnet.scale.run import run_batch, weights_digest
        from iptnet.scale.shards import parse_shard
        from iptnet.scale.work import Options

        shard = parse_shard(self.shard)
        if self.engine == "ray":
            from iptnet.scale.cluster import run_ray as engine
        else:
            from iptnet.scale.local import run_local as engine
        checkpoint = str(self.checkpoint) if self.checkpoint else None
        options = Options(
            out=str(self.out),
            ratio=ratio,
            length=length,
            query=self.query,
            cut=not self.no_video,
            preview=self.preview,
            cache=not self.no_cache,
            checkpoint=checkpoint,
            weights=weights_digest(checkpoint, self.query),
            retry=self.retry,
        )
        with Progress() as progress:
            tally = run_batch(
                self.archive,
                options,
                engine,
                shard=shard,
                workers=self.workers,
                on_status=self._tell,
                on_progress=progress,
            )
        say(_line(tally))
        return tally.code

    def _tell(self, status: Status) -> None:
        if status.state != "done":
            say_error(
                status.reason
                if status.state == "failed"
                else f"{status.key}: skipped, {status.reason}"
            )
            return
        for warning in status.warnings:
            say_warning(f"{status.key}: {warning}")
        say(
            f"{printable(status.key)}: {seconds(status.summary)} of {seconds(status.duration)} "
            f"-> {printable(self.out / status.folder)}"
        )


def _line(tally: Tally) -> str:
    before = f" ({tally.before} before)" if tally.before else ""
    known = f" ({tally.known_bad} before; --retry tries again)" if tally.known_bad else ""
    return (
        f"{tally.done} done{before}, {tally.bad} bad{known}, {tally.skipped} skipped "
        f"-> {printable(tally.ledger)}"
    )
