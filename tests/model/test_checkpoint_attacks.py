"""A checkpoint that lies is refused by its loader, with the difference; nothing of it runs."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from iptnet import checkpoint
from iptnet.errors import InputError, IntegrityError
from tests.model.attacks import KINDS, VALUES, places, with_value

pytestmark = pytest.mark.fault(10)


@pytest.fixture(params=list(KINDS))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Callable[[Path], object]]:
    torch.manual_seed(0)
    write, load = KINDS[request.param]
    path = write(tmp_path / "good.safetensors")
    load(path)
    return path, load


Made = tuple[Path, Callable[[Path], object]]


def test_any_value_of_the_configuration_loads_or_is_refused(made: Made, tmp_path: Path) -> None:
    path, load = made
    good = checkpoint.load(path)
    config = dict(good.config)
    refused, other = 0, tmp_path / "forged"
    for place in places(config):
        for value in VALUES:
            changed = with_value(config, place, value)
            checkpoint.save(other, replace(good, config=changed))
            try:
                load(other)
            except IntegrityError as error:
                refused += 1
                assert str(other) in str(error) and len(str(error)) < 1000
            else:
                assert isinstance(value, int | float), (place, value)
    assert refused > len(places(config)) * len(VALUES) * 0.6
    assert not Path("pwned").exists()


def test_no_configuration_makes_room_for_what_is_not_there(made: Made, tmp_path: Path) -> None:
    """A width of a million asks for terabytes: refused by comparison, before any is taken."""
    path, load = made
    good = checkpoint.load(path)
    place = next(p for p in places(dict(good.config)) if p[-1] in ("width", "hidden"))
    changed = with_value(dict(good.config), place, 2**20)
    checkpoint.save(tmp_path / "forged", replace(good, config=changed))
    with pytest.raises(IntegrityError, match=r"does not fit|no model"):
        load(tmp_path / "forged")


def without_first(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return dict(list(tensors.items())[1:])


def with_one_more(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**tensors, "module.9.extra": torch.zeros(1)}


def reshaped(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    name = next(k for k, v in tensors.items() if v.ndim == 2)
    return {**tensors, name: tensors[name].T.contiguous()}


def overflowing(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    name = next(k for k, v in tensors.items() if v.is_floating_point())
    return {**tensors, name: torch.full(tensors[name].shape, 1e300, dtype=torch.float64)}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (without_first, r"missing|its vocabulary|KeyError"),
        (with_one_more, r"extra (module\.)?9\.extra"),
        (reshaped, "expected"),
        (overflowing, r"overflows|vocabulary"),
    ],
)
def test_other_tensors_are_refused_with_the_difference(
    made: Made, tmp_path: Path, change: Callable[[Any], Any], word: str
) -> None:
    path, load = made
    good = checkpoint.load(path)
    checkpoint.save(tmp_path / "forged", replace(good, tensors=change(dict(good.tensors))))
    with pytest.raises(IntegrityError, match=word):
        load(tmp_path / "forged")


def test_every_kind_is_refused_where_another_is_due(tmp_path: Path) -> None:
    paths = {kind: write(tmp_path / kind) for kind, (write, _) in KINDS.items()}
    for kind, (_, load) in KINDS.items():
        for other in paths.keys() - {kind}:
            with pytest.raises(IntegrityError, match=r"checkpoint, not"):
                load(paths[other])


def test_one_byte_of_every_region_is_noticed(made: Made, tmp_path: Path) -> None:
    """Header length, header, description, first and last of every tensor, and some in between."""
    path, load = made
    whole = path.read_bytes()
    size = 8 + struct.unpack("<Q", whole[:8])[0]
    places_ = {*range(8), *range(8, size, 97), size - 1, size, len(whole) - 1}
    for name, entry in json.loads(whole[8:size]).items():
        if name != "__metadata__":
            first, last = entry["data_offsets"]
            places_ |= {size + first, size + last - 1}
    other = tmp_path / "flipped"
    for at in sorted(places_):
        changed = bytearray(whole)
        changed[at] ^= 0x10
        other.write_bytes(changed)
        with pytest.raises((IntegrityError, InputError)):
            load(other)


def raw(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(first: int, last: int, shape: list[int], kind: str = "F32") -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [first, last]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        raw({}, length=2**63 - 1),
        raw({}, length=2**64 - 1),
        raw(b"{" + b" " * 2**20, length=100_000_001),
        raw({"a": entry(0, 8, [2]), "b": entry(4, 12, [2])}, bytes(12)),
        raw({"a": entry(0, 8, [2]), "b": entry(0, 8, [2])}, bytes(8)),
        raw({"a": entry(0, 8, [2**62])}, bytes(8)),
        raw({"a": entry(0, 8, [2**32, 2**32])}, bytes(8)),
        raw({"a": entry(8, 0, [2])}, bytes(8)),
        raw({"a": entry(0, 8, [-2])}, bytes(8)),
        raw({"a": entry(0, 8, [2], "F7")}, bytes(8)),
        raw({"a": entry(0, 2**40, [2**38])}, bytes(8)),
        raw({"a": entry(0, 8, [2])}, bytes(800)),
        raw(b"[" * 200_000),
        raw(b'{"a": 1, "a": 2}'),
        raw({"__metadata__": {"iptnet": 3}}),
        raw({"__metadata__": {}}),
    ],
    ids=range(17),
)
def test_headers_that_lie(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(IntegrityError, match=r"not a whole safetensors|no iptnet description"):
        checkpoint.load(tmp_path / "c")


def test_a_pickle_under_our_name_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    code = f"cposix\nsystem\n(S'touch {mark}'\ntR.".encode()
    for kind, (_, load) in KINDS.items():
        path = tmp_path / f"{kind}.safetensors"
        path.write_bytes(code)
        with pytest.raises(IntegrityError):
            load(path)
    assert not mark.exists()
