"""Small tables for the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import numpy


def write_flowers(path: Path, rows: int = 90) -> Path:
    """Write a table of two measures, a color and three species that the measures tell apart."""
    chance = numpy.random.default_rng(0)
    lines = ["length,width,color,species"]
    for number in range(rows):
        kind = number % 3
        length, width = chance.normal([kind, 2 - kind], 0.2)
        color = ("red", "blue")[number % 2] if number % 11 else "?"
        lines.append(f"{length:.3f},{width:.3f},{color},{('setosa', 'virginica', 'lily')[kind]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_houses(path: Path, rows: int = 120) -> Path:
    """Write a table of a quantity that is linear in two columns, with noise."""
    chance = numpy.random.default_rng(1)
    rooms, age = chance.uniform(1, 6, rows), chance.uniform(0, 50, rows)
    price = 1000 * rooms - 20 * age + chance.normal(0, 50, rows)
    lines = [
        "rooms,age,price",
        *(f"{r:.2f},{a:.1f},{p:.2f}" for r, a, p in zip(rooms, age, price, strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
