"""Cases: a file with something odd in it, and what is to become of it."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator

READ, REFUSED, EITHER = "read", "refused", "either"


@dataclasses.dataclass(frozen=True)
class Case:
    """An odd file.

    Args:
        name: what is odd.
        file: the name of the file.
        content: its bytes.
        verdict: "read" (accepted by a rule), "refused" (a typed error that names the file), or "either".
        options: of `read_data`.
    """

    name: str
    file: str
    content: bytes
    verdict: str = EITHER
    options: tuple[tuple[str, str], ...] = (("target", "kind"),)

    def __str__(self) -> str:
        return f"{self.file.rpartition('.')[2]}: {self.name}"


def cuts(content: bytes, shares: tuple[float, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield a file cut off after each share of its length."""
    for share in shares:
        yield f"cut off after {share:.0%}", content[: int(share * len(content))]


def flips(content: bytes, times: int, seed: int, bits: int = 3) -> Iterator[tuple[str, bytes]]:
    """Yield a file with a few bits flipped, at places that depend on the seed alone."""
    chance = random.Random(seed)
    for number in range(times):
        changed = bytearray(content)
        for _ in range(bits):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        yield f"bits flipped {number}", bytes(changed)


def noise(length: int, seed: int) -> bytes:
    """Return random bytes."""
    return random.Random(seed).randbytes(length)
