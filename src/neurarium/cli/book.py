"""The book: its 33 chapters, and what of each is built, read from the tables of members and from docs/chapters."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import neurarium
from neurarium.core.errors import unknown
from neurarium.core.members import KINDS, table

HEAD = Path(neurarium.__file__).parent
PLACES = (HEAD / "chapters", HEAD.parent.parent / "docs" / "chapters")  # installed, and in the repository


class Chapter(NamedTuple):
    """One chapter: its number, its title, the idea in one line, the numbers of its parts where it has some."""

    number: str
    title: str
    idea: str
    parts: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        return (self.number, *self.parts)


BOOK = (
    Chapter("00", "Shallow networks", "one layer: linear, logistic and softmax regression"),
    Chapter("01", "Deep networks", "layers of weights with activations between them"),
    Chapter("02", "Losses", "what is minimized"),
    Chapter("03", "Training", "from data to a trained, measured model"),
    Chapter("04", "Activations", "what makes a network more than a matrix"),
    Chapter("05", "Initialization", "where weights start"),
    Chapter("06", "Healthy early gradients", "whether signals survive the depth"),
    Chapter("07", "Hyperparameter tuning", "search over every option of every part"),
    Chapter("08", "Measuring", "metrics, intervals, calibration, comparison"),
    Chapter("09", "Regularization", "penalties, dropout, noise: less fit, more truth"),
    Chapter(
        "10",
        "Convolutional and recurrent networks",
        "a pattern everywhere, a state over time",
        ("10a", "10b"),
    ),
    Chapter("11", "LSTM and GRU", "gates that keep and forget"),
    Chapter("12", "Capsule networks", "vectors that agree on a pose"),
    Chapter("13", "Attention", "what to look at, learned"),
    Chapter("14", "Residual networks", "layers that add to what was there"),
    Chapter("15", "Transformers", "attention alone, from text to images"),
    Chapter("16", "Graph neural networks", "messages along edges"),
    Chapter("17", "Generative adversarial networks", "a forger and a judge"),
    Chapter("18", "Normalizing flows", "invertible steps with exact likelihood"),
    Chapter("19", "Transfer learning", "what was learned before, used again"),
    Chapter("20", "Variational autoencoders", "a code with a distribution"),
    Chapter("21", "Time series", "forecasts, anomalies, speech"),
    Chapter("22", "Diffusion", "from heat to images"),
    Chapter("23", "Deep reinforcement learning", "learning by acting"),
    Chapter("24", "Domain adaptation", "labels here, data there"),
    Chapter("25", "Federated learning", "the data stays where it is"),
    Chapter("26", "Meta-learning", "learning to learn"),
    Chapter("27", "Compression and quantization", "the same with fewer bits"),
    Chapter("28", "Architecture search", "networks found by search"),
    Chapter("29", "One-shot and few-shot", "a class from a handful of examples"),
    Chapter("30", "Distillation", "a small network taught by a large one"),
    Chapter("31", "Quantum machine learning", "circuits that learn"),
    Chapter("32", "Explaining", "why it said so, for whom it works"),
)


def chapter(number: str) -> Chapter:
    """Return a chapter by its number: `3`, `03`, `10`, `10a`.

    Raises:
        OptionError: there is none.

    >>> chapter("6").title, chapter("10b").number
    ('Healthy early gradients', '10')
    """
    for each in BOOK:
        if number.strip().lower().rjust(2, "0") in each.numbers:
            return each
    raise unknown("chapter", number, [name for each in BOOK for name in each.numbers])


def members(wanted: Chapter) -> list[dict[str, str]]:
    """Return what is built for a chapter: kind, name on the command line, summary. No torch is imported."""
    found = []
    for kind in KINDS:
        for name, (_, row) in table(kind).items():
            if row.chapter in wanted.numbers:
                found.append({"kind": kind, "name": name, "summary": row.summary})
    return found


def from_packages() -> list[dict[str, str]]:
    """Return what installed packages declare: kind, name, summary. None of them is imported."""
    return [
        {"kind": kind, "name": name, "summary": row.summary, "package": row.package}
        for kind in KINDS
        for name, (_, row) in table(kind).items()
        if row.package
    ]


def documents(wanted: Chapter) -> list[Path]:
    """Return the documents of a chapter that are written."""
    for place in PLACES:
        if place.is_dir():
            return [path for number in wanted.numbers for path in sorted(place.glob(f"{number}-*.md"))]
    return []


def content(wanted: Chapter) -> dict[str, Any]:
    """Return a chapter as plain values."""
    return {
        "number": wanted.number,
        "title": wanted.title,
        "idea": wanted.idea,
        "documents": [str(path) for path in documents(wanted)],
        "members": members(wanted),
    }
