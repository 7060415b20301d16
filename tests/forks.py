"""What users write around the library: pools, forks, threads; ``python -m tests.forks NAME VIDEO``.

Each is a program of its own, so that one that hangs is ended by its time limit. The first use comes
before any child, with more threads than one in PyTorch and in onnxruntime, however few cores there
are: that is what used to hang.
"""

from __future__ import annotations

import asyncio
import faulthandler
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

import iptnet
from iptnet import forking
from iptnet.errors import MachineError

THREADS = 4
HANGS = 120
"""Seconds after which a child counts as hanging, and shows where."""
FORK = multiprocessing.get_context("fork")
Answer = tuple[Any, ...]


def everything(video: str, model: iptnet.Model | None = None) -> Answer:
    """Each entry of the library once; what they came to."""
    model = model or iptnet.load(cache=False)
    encoded = model.encode(video)
    timeline = encoded.summarize(0.3, query="colour bars")
    with tempfile.TemporaryDirectory() as folder:
        written = iptnet.write_summary(timeline, folder, video=video)
        sizes = [path.stat().st_size > 0 for path in written]
    found = encoded.find("a red picture")
    return encoded.summarize(0.3).keyshots, timeline.moments, found, tuple(sizes)


def fork_pool(video: str, before: Answer) -> None:
    """multiprocessing's default on Linux up to Python 3.13."""
    with FORK.Pool(2) as pool:
        assert pool.map(everything, [video] * 2) == [before] * 2


def executor_with_a_model(video: str, before: Answer) -> None:
    """The parent's model goes to the children, and what it has seen comes back."""
    model = iptnet.load(cache=False)
    model.encode(video)
    with ProcessPoolExecutor(2, mp_context=FORK) as pool:
        (encoded,) = pool.map(model.encode, [video])
    assert encoded.summarize(0.3).keyshots == before[0]


def fork_by_hand(video: str, before: Answer) -> None:
    """A child that uses the parent's model, one that ends at once, and the parent afterwards."""
    model = iptnet.load(cache=False)
    encoded = model.encode(video)
    for use in (True, False):
        if (child := os.fork()) == 0:
            faulthandler.dump_traceback_later(HANGS, exit=True)
            if use:
                assert everything(video, model) == before
                assert encoded.find("a red picture") == before[2]
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
    assert everything(video, model) == before


def loader_workers(video: str, before: Answer) -> None:
    """A user's data set, whose items come out of the model."""

    class Videos(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Any:
            return len(iptnet.load(cache=False).encode(video).summarize(0.3).keyshots)

    loader = torch.utils.data.DataLoader(Videos(), num_workers=2, multiprocessing_context="fork")
    assert [int(n) for n in loader] == [len(before[0])] * 2


def fork_beside_threads(video: str, before: Answer) -> None:
    """Forks at any moment of what other threads compute: no lock stays behind."""
    model, over = iptnet.load(cache=False), threading.Event()
    frames = np.zeros((4, 224, 224, 3), np.uint8)
    expected = model.encoder.encode(frames)

    def work() -> None:
        while not over.is_set():
            fresh = iptnet.load(cache=False)
            fresh.encoder.encode(frames)
            assert fresh.summarizer and fresh.localizer

    threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for k in range(5):
        time.sleep(0.05 * k)
        began = time.monotonic()
        if (child := os.fork()) == 0:
            faulthandler.dump_traceback_later(HANGS, exit=True)
            fresh = iptnet.load(cache=False)
            assert fresh.summarizer and fresh.localizer
            same = np.allclose(fresh.encoder.encode(frames), expected, atol=1e-5)
            os._exit(0 if same else 7)
        _, status = os.waitpid(child, 0)
        assert status == 0, (k, status, time.monotonic() - began)
    over.set()
    for thread in threads:
        thread.join()


def fork_in_the_middle(video: str, before: Answer) -> None:
    """A fork that cannot wait: the child is told what to do instead of hanging."""
    forking.PATIENCE = 0.1
    inside, over = threading.Event(), threading.Event()

    def work() -> None:
        with forking.native():
            inside.set()
            over.wait()

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait()
    if (child := os.fork()) == 0:
        try:
            iptnet.load(cache=False)
        except MachineError as error:
            os._exit(0 if "spawn" in str(error) and error.exit_code == 6 else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    over.set()
    thread.join()
    assert everything(video) == before


def threads(video: str, before: Answer) -> None:
    """Several threads, one model, which all find not yet loaded."""
    model = iptnet.load(cache=False)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: everything(video, model), range(4))) == [before] * 4


def asyncio_tasks(video: str, before: Answer) -> None:
    """What a web service does."""
    model = iptnet.load(cache=False)

    async def all_of_them() -> list[Answer]:
        return await asyncio.gather(
            *(asyncio.to_thread(everything, video, model) for _ in range(2))
        )

    assert asyncio.run(all_of_them()) == [before] * 2


def spawn_pool(video: str, before: Answer) -> None:
    """Fresh interpreters."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(everything, [video]) == [before]


PROGRAMS: dict[str, Callable[[str, Answer], None]] = {
    work.__name__: work
    for work in (
        fork_pool,
        executor_with_a_model,
        fork_by_hand,
        loader_workers,
        fork_beside_threads,
        fork_in_the_middle,
        threads,
        asyncio_tasks,
        spawn_pool,
    )
}


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    first = everything(sys.argv[2])
    assert len(first[0]) > 0 and len(first[2]) > 0 and Path(sys.argv[2]).is_file()
    PROGRAMS[sys.argv[1]](sys.argv[2], first)
