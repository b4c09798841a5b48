"""Loading a public data set by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from neurarium.core.options import coerce
from neurarium.data.catalogue.entries import entry as entry_named
from neurarium.data.catalogue.fetching import located
from neurarium.data.dataset import Dataset, Decision


def load(name: str, *, log: Callable[[str], None] | None = None, **options: Any) -> Dataset:
    """Load a public data set with its published split; embedded ones have a fixed split of their own.

    Args:
        name: in the catalogue (`neurarium datasets`).
        log: called with one line per download.
        options: of its reader: `validation`, `seed`, for the UCI sets `split` (the number of the published split).

    Raises:
        OptionError: no such set or option.
        DataError: the files are not there, and cannot be downloaded.

    >>> load("iris")
    Dataset(iris: Table -> Classes; train 106, validation 22, test 22)
    """
    entry = entry_named(name)
    module, _, function = (entry.variants[0].read).partition(":")
    if entry.embedded:
        reader = getattr(importlib.import_module(f"neurarium.data.catalogue.{module}"), function)
        dataset = reader(**coerce(reader, options, what=f"data set '{entry.name}'"))
    else:
        folder, variant = located(entry, log=log)
        module, _, function = variant.read.partition(":")
        reader = getattr(importlib.import_module(f"neurarium.data.catalogue.{module}"), function)
        chosen = coerce(reader, options, what=f"data set '{entry.name}'")
        dataset = reader(folder=folder, **entry.options, **chosen)
        if variant.note:
            dataset.decisions.insert(
                0, Decision("source", variant.files[0].name, variant.note, "NEURARIUM_DATA")
            )
    dataset.name = entry.name
    dataset.summary.update(licence=entry.licence, citation=entry.citation, home=entry.home)
    return dataset
