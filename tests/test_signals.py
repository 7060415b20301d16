"""Signals are delivered after a held block, never lost and never in the middle."""

from __future__ import annotations

import signal
import threading

import pytest

from iptnet.signals import HELD, held_signals

pytestmark = pytest.mark.fault(14)


@pytest.mark.parametrize("number", HELD)
def test_a_signal_waits_for_the_end_of_the_block(number: signal.Signals) -> None:
    came: list[int] = []
    before = signal.signal(number, lambda n, _: came.append(n))
    try:
        with held_signals():
            signal.raise_signal(number)
            assert came == []
        assert came == [number]
        signal.raise_signal(number)
        assert came == [number, number]
    finally:
        signal.signal(number, before)


def test_an_interruption_is_raised_where_the_block_ends() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), held_signals():
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert reached


def test_ignored_signals_stay_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held_signals():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_threads_hold_nothing_and_break_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with held_signals():
                pass
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failed and signal.getsignal(signal.SIGINT) is before
