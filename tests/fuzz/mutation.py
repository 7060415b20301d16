"""Bytes changed as a broken disk, a careless program or an attacker would change them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

NUMBERS = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1)
WIDE = (2**62, 2**63 - 1, 2**63, 2**64 - 1)
WORDS = (
    *(b"null", b"true", b"NaN", b"Infinity", b"-1", b"1e999", b"1e-400", b"[", b"{", b'"', b"\\"),
    *(b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xe2\x80\xa8", b"\r", b"\n", b",", b";", b"\t"),
    *(b"9" * 400, b"[" * 5000, b"../../etc/passwd", b"!!python/object/apply:os.system", b"&a [*a]"),
)


def mutated(data: bytes, others: Sequence[bytes], draw: random.Random) -> bytes:
    """One to six changes of random kinds."""
    out = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 2, 3, 6))):
        draw.choice(KINDS)(out, others, draw)
    return bytes(out)


def _at(out: bytearray, draw: random.Random) -> int:
    return (
        draw.randrange(len(out) + 1) if draw.random() < 0.7 else draw.randrange(len(out) // 8 + 1)
    )


def _flip(out: bytearray, _: Sequence[bytes], draw: random.Random) -> None:
    if out:
        out[min(_at(out, draw), len(out) - 1)] ^= 1 << draw.randrange(8)


def _overwrite(out: bytearray, _: Sequence[bytes], draw: random.Random) -> None:
    at, length = _at(out, draw), draw.choice((1, 2, 4, 8, 16))
    out[at : at + length] = draw.randbytes(length)


def _number(out: bytearray, _: Sequence[bytes], draw: random.Random) -> None:
    value = draw.choice((*NUMBERS, *WIDE))
    width = draw.choice([w for w in (1, 2, 4, 8) if value < 256**w])
    at = _at(out, draw)
    out[at : at + width] = value.to_bytes(width, draw.choice(("little", "big")))


def _cut(out: bytearray, _: Sequence[bytes], draw: random.Random) -> None:
    at = _at(out, draw)
    del out[at : at + draw.choice((1, 2, 8, 64, 1024, len(out)))]


def _repeat(out: bytearray, _: Sequence[bytes], draw: random.Random) -> None:
    at, length = _at(out, draw), draw.choice((1, 8, 64, 512))
    out[at:at] = bytes(out[at : at + length]) * draw.choice((1, 1, 2, 50))


def _word(out: bytearray, _: Sequence[bytes], draw: random.Random) -> None:
    at, word = _at(out, draw), draw.choice(WORDS)
    out[at : at + draw.choice((0, 0, 1, len(word)))] = word


def _splice(out: bytearray, others: Sequence[bytes], draw: random.Random) -> None:
    other = draw.choice(others)
    at, begin, length = _at(out, draw), draw.randrange(len(other) + 1), draw.choice((8, 64, 4096))
    out[at : at + length] = other[begin : begin + length]


KINDS: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    *(_flip, _flip, _overwrite, _number, _number, _cut, _repeat, _word, _word, _splice),
)
