"""A table with known faults, and a clean one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import polars
import pytest


def clean(rows: int, seed: int) -> dict[str, Any]:
    """Return columns without any fault: numbers, categories, and a target that depends on them with noise."""
    chance = numpy.random.default_rng(seed)
    height, weight = chance.normal(170, 10, rows).round(2), chance.normal(70, 12, rows).round(2)
    city = chance.choice(["Bern", "Oslo", "Rome", "Lima"], rows)
    score = (height - 170) / 10 + (weight - 70) / 12 + (city == "Rome") + chance.normal(0, 1.5, rows)
    return {
        "height": height, "weight": weight, "city": city.tolist(),
        "sick": numpy.where(score > 0.3, "yes", "no").tolist(),
    }  # fmt: skip


def faulty(rows: int, seed: int) -> dict[str, Any]:
    """Return the clean columns with one fault each."""
    chance = numpy.random.default_rng(seed + 1000)
    table = clean(rows, seed)
    sick = numpy.array(table["sick"])
    glucose = chance.normal(120, 12, rows).round(1)
    glucose[:30] = 0.0
    income = chance.normal(3000, 400, rows).round()
    income[40:60] = -999
    dose = chance.normal(5, 1, rows).round(3)
    dose[7] = 4.0e6
    ages = chance.integers(20, 80, rows).astype(str).tolist()
    ages[3:13] = ["old"] * 5 + ["about 40"] * 5
    answer = sick.copy()
    answer[:2] = ["no", "no"]
    noisy = (sick == "yes") * 3.0 + chance.normal(0, 0.2, rows)
    gaps: list[float | None] = chance.normal(0, 1, rows).round(4).tolist()
    gaps[: int(0.7 * rows)] = [None] * int(0.7 * rows)
    return {
        **table, "country": ["CH"] * rows, "flag": ["a"] * (rows - 2) + ["b"] * 2, "key": [f"K{place:05d}" for place in
        chance.permutation(rows)], "glucose": glucose, "income": income, "dose": dose, "age": ages,
        "town": [("bern" if place % 50 == 0 else "Bern") if city == "Bern" else city
                 for place, city in enumerate(table["city"])],
        "outcome": [f"code {each}" for each in sick], "after": noisy, "gaps": gaps,
        "weight again": table["weight"], "grams": (numpy.asarray(table["weight"]) * 1000).round(),
        "patient": chance.integers(0, 200, rows),
    }  # fmt: skip


@pytest.fixture(scope="session")
def clean_table() -> Callable[..., polars.DataFrame]:
    """Return `make(rows, seed) -> frame` without faults."""
    return lambda rows=600, seed=0: polars.DataFrame(clean(rows, seed))


@pytest.fixture(scope="session")
def faulty_table() -> Callable[..., polars.DataFrame]:
    """Return `make(rows, seed) -> frame` with known faults."""
    return lambda rows=1000, seed=0: polars.DataFrame(faulty(rows, seed))
