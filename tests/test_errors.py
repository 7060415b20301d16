"""Refusals name cause and remedy, carry their exit code, and come home from worker processes."""

from __future__ import annotations

import copy

import pytest

from iptnet import errors

CODES = {
    errors.IptnetError: 1,
    errors.UsageError: 2,
    errors.InputError: 3,
    errors.LimitError: 4,
    errors.IntegrityError: 5,
    errors.MachineError: 6,
}


@pytest.mark.parametrize(("kind", "code"), CODES.items(), ids=lambda x: getattr(x, "__name__", x))
def test_exit_codes_are_the_published_ones(kind: type[errors.IptnetError], code: int) -> None:
    assert kind("a", "b").exit_code == code
    assert issubclass(kind, errors.IptnetError)


def test_every_class_is_covered() -> None:
    own = {v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, Exception)}
    assert own - {errors.IptnetWarning} == set(CODES)  # a warning ends nothing


def test_message_joins_cause_and_remedy() -> None:
    assert str(errors.InputError("x.mp4 is a folder", "name a file")) == (
        "x.mp4 is a folder; name a file"
    )
    assert str(errors.InputError("x.mp4 is a folder")) == "x.mp4 is a folder"


def test_survives_the_way_between_processes() -> None:
    back = copy.copy(errors.LimitError("too big", "cut it"))  # by the protocol that processes use
    assert (type(back), back.cause, back.remedy) == (errors.LimitError, "too big", "cut it")


def test_a_cause_of_any_length_stays_readable_and_keeps_both_ends() -> None:
    error = errors.InputError("file, line 3: " + "[" * 100_000 + " is no number", "correct it")
    assert len(str(error)) < 2000 and str(error).startswith("file, line 3: [")
    assert str(error).endswith(" is no number; correct it") and "…" in error.cause
    assert copy.copy(error).cause == error.cause
    whole = "x" * errors.LONGEST
    assert errors.InputError(whole).cause == whole
