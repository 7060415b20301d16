"""Checkpoints come back as they went, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from iptnet import checkpoint
from iptnet.checkpoint import Checkpoint
from iptnet.errors import InputError, IntegrityError, IptnetError
from iptnet.features.known import DINO768


def example(**changes: Any) -> Checkpoint:
    values: dict[str, Any] = {
        "kind": "summarization",
        "config": {"width": 4, "heads": [1, 2], "note": "é"},
        "recipes": (DINO768,),
        "tensors": {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2])},
        "provenance": {"f": 0.5},
    }
    return Checkpoint(**{**values, **changes})


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    saved = checkpoint.save(path, example())
    back = checkpoint.load(path, "summarization")
    assert back.kind == "summarization"
    assert back.config == {"width": 4, "heads": [1, 2], "note": "é"}
    assert back.recipes == (DINO768,)
    assert back.provenance == {"f": 0.5}
    assert back.digest == saved.digest
    assert len(back.digest) == 64
    assert back.describe() == {"kind": back.kind, "digest": back.digest, "config": back.config}
    for name, tensor in example().tensors.items():
        assert torch.equal(back.tensors[name], tensor)
        assert back.tensors[name].dtype == tensor.dtype


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(1.5),
        torch.empty(0, 3),
        torch.ones(3, dtype=torch.bfloat16),
        torch.ones(3, dtype=torch.float16),
        torch.tensor([True, False]),
        torch.arange(12).reshape(3, 4).T,
    ],
    ids=["scalar", "empty", "bfloat16", "float16", "bool", "transposed"],
)
def test_all_kinds_of_tensors(tmp_path: Path, tensor: torch.Tensor) -> None:
    checkpoint.save(tmp_path / "c", example(tensors={"x": tensor}))
    assert torch.equal(checkpoint.load(tmp_path / "c").tensors["x"], tensor)


def test_configurations_that_json_changes_still_load(tmp_path: Path) -> None:
    config = {"channels": (10, 20), "by_scale": {2: "b", 10: "a"}}
    saved = checkpoint.save(tmp_path / "c", example(config=config))
    back = checkpoint.load(tmp_path / "c")
    assert back.config == saved.config == {"channels": [10, 20], "by_scale": {"2": "b", "10": "a"}}


def test_tied_weights_are_kept_twice(tmp_path: Path) -> None:
    shared = torch.ones(2, 2)
    checkpoint.save(tmp_path / "c", example(tensors={"a": shared, "b": shared}))
    assert torch.equal(checkpoint.load(tmp_path / "c").tensors["b"], shared)


def test_the_digest_speaks_for_everything(tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"kind": "projection"},
        {"config": {}},
        {"recipes": ()},
        {"provenance": {}},
        {"tensors": {"a": torch.zeros(2)}},
        {"tensors": {"b": torch.zeros(2)}},
        {"tensors": {"a": torch.zeros(2, 1)}},
        {"tensors": {"a": torch.zeros(1, dtype=torch.float64)}},
    ]
    digests = {checkpoint.save(tmp_path / "c", example(**c)).digest for c in changes}
    assert len(digests) == len(changes)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_nan_is_not_kept(tmp_path: Path, bad: float) -> None:
    with pytest.raises(IntegrityError, match="x holds NaN"):
        checkpoint.save(tmp_path / "c", example(tensors={"x": torch.tensor([bad])}))
    assert not list(tmp_path.iterdir())


def test_missing_and_other_kinds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no checkpoint"):
        checkpoint.load(tmp_path / "none")
    with pytest.raises(InputError, match="no checkpoint"):
        checkpoint.load(tmp_path)
    checkpoint.save(tmp_path / "c", example())
    with pytest.raises(IntegrityError, match="a summarization checkpoint, not projection"):
        checkpoint.load(tmp_path / "c", "projection")


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_flipped_bit_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    path = tmp_path_factory.mktemp("c") / "c"
    checkpoint.save(path, example())
    whole = bytearray(path.read_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(whole)
    with pytest.raises(IntegrityError):
        checkpoint.load(path)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 0.999))
def test_a_truncated_file_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    path = tmp_path_factory.mktemp("c") / "c"
    checkpoint.save(path, example())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(IntegrityError):
        checkpoint.load(path)


def description(**changes: Any) -> dict[str, Any]:
    head = {
        "schema": checkpoint.SCHEMA,
        "kind": "k",
        "config": {},
        "recipes": [],
        "provenance": {},
        **changes,
    }
    return {k: v for k, v in head.items() if v is not ...}


@pytest.mark.parametrize(
    "head",
    [
        description(schema="iptnet/checkpoint/9"),
        description(kind=...),
        description(kind=3),
        description(recipes=...),
        description(recipes=[3]),
        description(recipes={}),
        description(config=[]),
        description(provenance="x"),
        [],
    ],
    ids=str,
)
def test_a_forged_description_with_a_right_digest_is_refused(tmp_path: Path, head: Any) -> None:
    tensors = {"x": torch.zeros(1)}
    if isinstance(head, dict):
        head = {**head, "digest": checkpoint.digest_of(head, tensors)}
    save_file(tensors, tmp_path / "c", metadata={checkpoint.KEY: json.dumps(head)})
    with pytest.raises(IntegrityError):
        checkpoint.load(tmp_path / "c", "k")


@pytest.mark.parametrize(
    "text", ["", "{", '{"schema": NaN}', '{"schema": "iptnet/checkpoint/1"', "[" * 100_000]
)
def test_a_broken_description_is_refused(tmp_path: Path, text: str) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "c", metadata={checkpoint.KEY: text})
    with pytest.raises(IntegrityError):
        checkpoint.load(tmp_path / "c")


def test_nan_in_the_description_is_refused(tmp_path: Path) -> None:
    text = json.dumps(description(config={"x": float("nan")}, digest="0"))
    save_file({"x": torch.zeros(1)}, tmp_path / "c", metadata={checkpoint.KEY: text})
    with pytest.raises(IntegrityError):
        checkpoint.load(tmp_path / "c")


def test_pickles_are_not_read(tmp_path: Path) -> None:
    torch.save({"x": torch.zeros(1)}, tmp_path / "c.pt")
    with pytest.raises(IntegrityError, match="not a whole safetensors"):
        checkpoint.load(tmp_path / "c.pt")


def test_absurd_sizes_are_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "c").open("wb") as file:
        file.truncate(checkpoint.MAX_BYTES + 1)  # sparse
    with pytest.raises(IptnetError, match="larger than any"):
        checkpoint.load(tmp_path / "c")


def test_restore_names_every_difference() -> None:
    module = torch.nn.Linear(3, 2)
    with pytest.raises(IntegrityError) as caught:
        checkpoint.restore(
            module, example(tensors={"weight": torch.zeros(1, 3), "x": torch.zeros(1)}), "c.st"
        )
    assert "c.st does not fit" in str(caught.value)
    for part in ("missing bias", "extra x", "weight is (1, 3), expected (2, 3)"):
        assert part in str(caught.value)


def test_restore_loads(tmp_path: Path) -> None:
    module, other = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    checkpoint.save(tmp_path / "c", replace(example(), tensors=module.state_dict()))
    checkpoint.restore(other, checkpoint.load(tmp_path / "c"), "c")
    x = torch.ones(1, 3)
    assert torch.equal(module(x), other(x))


def test_without_torch_it_reads_the_same(tmp_path: Path) -> None:
    kinds = (torch.float16, torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool)
    tensors = {f"{kind}": torch.arange(12).reshape(3, 4).to(kind) for kind in kinds}
    tensors |= {"none": torch.zeros(0, 3), "one": torch.tensor(2.5)}
    saved = checkpoint.save(tmp_path / "c", Checkpoint("k", {"a": 1}, (), tensors))
    plain = checkpoint.load_plain(tmp_path / "c", "k")
    assert plain is not None and plain.digest == saved.digest and plain.config == {"a": 1}
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(plain.tensors[name], tensor.numpy(), strict=True)
    again = checkpoint.save(tmp_path / "d", plain)
    assert (tmp_path / "d").read_bytes() == (tmp_path / "c").read_bytes()
    assert again.digest == saved.digest


def test_without_torch_it_refuses_the_same(tmp_path: Path) -> None:
    path = tmp_path / "c"
    checkpoint.save(path, Checkpoint("k", {}, (), {"x": torch.ones(5)}))
    whole = path.read_bytes()
    for data, word in (
        (whole[:-4] + b"\0\0\0\1", "digest"),
        (whole[:-4], "not a whole"),
        (b"", "not a whole"),
    ):
        path.write_bytes(data)
        with pytest.raises(IntegrityError, match=word):
            checkpoint.load_plain(path, "k")
    path.write_bytes(whole)
    with pytest.raises(IntegrityError, match="not projection"):
        checkpoint.load_plain(path, "projection")
    with pytest.raises(InputError):
        checkpoint.load_plain(tmp_path / "none")


def test_types_that_numpy_lacks_are_left_to_torch(tmp_path: Path) -> None:
    checkpoint.save(
        tmp_path / "c", Checkpoint("k", {}, (), {"x": torch.ones(5, dtype=torch.bfloat16)})
    )
    assert checkpoint.load_plain(tmp_path / "c") is None
    assert checkpoint.load(tmp_path / "c").tensors["x"].dtype == torch.bfloat16
