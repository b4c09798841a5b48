"""The study: everything that a careful person checks in data before anything is trained on it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurarium.core.errors import DataError, UserError, unknown_option
from neurarium.data.dataset import Dataset
from neurarium.studies.inspection import (
    balance,
    boxes,
    columns,
    copies,
    correlation,
    cost,
    drift,
    duplicates,
    groups,
    histories,
    images,
    leakage,
    masks,
    oddities,
    pairs,
    scenes,
    similar,
    sounds,
    tables,
    watching,
)
from neurarium.studies.inspection.finding import Finding, ordered
from neurarium.studies.inspection.pictures import Pictures
from neurarium.studies.inspection.pictures import of_dataset as pictures_of
from neurarium.studies.inspection.result import Inspection
from neurarium.studies.planning.reading import ASKED, read_data
from neurarium.studies.planning.source_kinds import kind_of

ROWS, PICTURES = 20_000, 20_000


def check_data(
    source: Any,
    target: Any = None,
    *,
    options: Mapping[str, Any] | None = None,
    rows: int = ROWS,
    timing: bool = True,
    **reading: Any,
) -> Inspection:
    """Check data before anything is trained on it; nothing is changed, and nothing is written.

    Args:
        source: a name of the catalogue, a path, a frame, a dict of columns, an array, or a `Dataset`.
        target: the column to predict, several with commas; without it the columns alone are looked at.
        options: further options of the reader, as for `read_data`.
        rows: at most so many rows (and images) are looked at where all would take too long: leaks, drift,
            correlations, near duplicates. They are drawn by a hash of their values, so that their order is no matter.
        timing: whether to take a few training steps, for an estimate of time and memory.
        **reading: how the data is read: `test`, `validation`, `split`, `group`, `time`, `text`, ... as for `read_data`.

    Returns:
        An `Inspection` with `findings`, the gravest first, and `facts`.

    Raises:
        DataError: there is no such data, or it cannot be read at all.
        OptionError: an option that such data does not have.

    >>> frame = {"size": range(80), "made": [7] * 80, "code": ["x", "y"] * 40, "kind": ["a", "b"] * 40}
    >>> found = check_data(frame, "kind", timing=False)
    >>> [each.subject for each in found.of("constant")], found.of("leak")[0].subject
    (['column made'], 'column code')
    """
    for name in reading:
        if name not in ASKED:
            raise unknown_option("check_data", name, ASKED)
    asked = {name: value for name, value in reading.items() if value is not None}
    dataset, refused = _read(source, target, asked, options or {})
    facts: dict[str, Any] = {}
    streamed = dataset is not None and dataset.rereading is None and not isinstance(source, Dataset)
    marked = scenes.asked_for(source, asked)
    if marked is not None:
        kind = "images"
        given = {**asked, **(options or {})}
        found = [*_of_scenes(scenes.scenes_of(source, marked, given, dataset, rows), facts, rows)]
    elif dataset is None or _is_table(dataset) or (streamed and type(dataset.inputs).__name__ == "Table"):
        kind = "table"
        table = _table(source, target, asked, options or {}, dataset)
        found = [*_of_table(table, facts, rows)]
    else:
        pictures = pictures_of(dataset, rows) if type(dataset.inputs).__name__ == "Image" else None
        kind = "images" if pictures is not None else "other"
        found = [
            *(_of_pictures(pictures, facts) if pictures is not None else _of_others(dataset, facts, rows))
        ]
    if refused is not None:
        found.append(refused)
    if dataset is not None:
        facts["decisions"] = [each.to_json() for each in dataset.decisions]
        if timing:
            facts["cost"] = cost.estimate(dataset)
            found += [each for each in [cost.finding(facts["cost"])] if each is not None]
    name = dataset.name if dataset is not None else _called(source)
    return Inspection(name, kind, ordered(found), facts)


def _read(
    source: Any, target: Any, asked: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[Dataset | None, Finding | None]:
    """Read the data as training would; where it would refuse, say why."""
    if isinstance(source, Dataset):
        return source, None
    path = isinstance(source, str | os.PathLike)
    kind = kind_of(source, {**asked, "set": options})[0] if path else "table"
    scened = scenes.asked_for(source, asked) is not None
    if kind == "table" and target is None:
        return None, None
    try:
        if path:
            return read_data(source, target=target, options=options, **asked), None
        from neurarium.data.assembly.tables import table

        return table(source, target, **_for_reader(asked, options)), None
    except UserError as error:
        if kind != "table" and not (scened and isinstance(error, DataError)):
            raise
        action = error.fix or "mend the data"
        said = f" (expected {error.expected}, received {error.received})" if error.expected else ""
        return None, Finding(
            "error",
            "training",
            "the table" if kind == "table" else "the images",
            error.problem + said,
            "training stops with this message",
            action,
        )


def _for_reader(asked: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `nr.data.table`."""
    found = {**asked, **options}
    if "split_seed" in found:
        found["seed"] = found.pop("split_seed")
    if isinstance(found.get("test"), float):
        found["test_fraction"] = found.pop("test")
    return found


def _is_table(dataset: Dataset) -> bool:
    reader = getattr(dataset.rereading, "reader", None)
    return getattr(reader, "__name__", "") == "table"


def _table(
    source: Any, target: Any, asked: Mapping[str, Any], options: Mapping[str, Any], dataset: Dataset | None
) -> tables.Table:
    if dataset is not None and dataset.rereading is not None:
        return tables.of_dataset(dataset)
    named = (
        [each.strip() for each in target.split(",")] if isinstance(target, str) and "," in target else target
    )
    given = {
        name: value for name, value in {**asked, **options}.items()
        if not (name in ("test", "validation") and _is_fraction(value))
    }  # fmt: skip
    return tables.of_source(source, named, given, name=_called(source))


def _is_fraction(value: Any) -> bool:
    try:
        return 0 <= float(value) < 1
    except (TypeError, ValueError):
        return False


def _of_table(table: tables.Table, facts: dict[str, Any], rows: int) -> Iterator[Finding]:
    whole = {key: frame.height for key, frame in table.frames.items()}
    facts |= {
        "splits": whole, "way": table.way, "own": list(table.own), "columns": columns.facts(table),
        "looked_at": {key: min(count, rows) for key, count in whole.items()}, "sampled": table.sampled,
    }  # fmt: skip
    yield from columns.findings(table)
    yield from oddities.findings(table)
    yield from duplicates.findings(table)
    yield from groups.findings(table)
    yield from correlation.findings(table, rows)
    yield from _of_targets(table, facts, rows)
    facts["drift"] = drift.facts(table, rows)
    yield from drift.findings(facts["drift"])


def _of_targets(table: tables.Table, facts: dict[str, Any], rows: int) -> Iterator[Finding]:
    """Look at each target by itself: several with their names, the first one's facts as those of the table."""
    aims = tables.aims(table)
    for aim in aims:
        name = aim.targets[0]
        scores = leakage.scores(aim, rows)
        found = {"target": balance.facts(aim), "leakage": scores}
        facts |= found if aim is aims[0] else {}
        if len(aims) > 1:
            facts.setdefault("targets", {})[name] = found
        findings = [
            *balance.missing(aim),
            *(balance.of_classes(balance.counts(aim)) if aim.classes else balance.of_quantity(aim)),
            *leakage.findings(aim, scores),
        ]
        for each in findings:
            known = len(aims) == 1 or name in each.subject
            yield each if known else dataclasses.replace(each, subject=f"{each.subject}, for {name}")


def _of_pictures(pictures: Pictures, facts: dict[str, Any]) -> Iterator[Finding]:
    facts |= {
        "splits": {key: sum(counts.values()) for key, counts in pictures.counts.items()},
        "way": pictures.way,
        "images": images.facts(pictures),
    }
    yield from images.findings(pictures)
    yield from images.uneven(pictures)
    yield from similar.findings(pictures)
    if any(name for counts in pictures.counts.values() for name in counts):
        facts["target"] = {"task": "classification", "classes": pictures.counts}
        yield from balance.of_classes(pictures.counts, "images")


def _of_scenes(held: scenes.Scenes, facts: dict[str, Any], rows: int) -> Iterator[Finding]:
    yield from _of_pictures(held.pictures, facts)
    yield from masks.findings(held, facts, rows) if held.what == "masks" else boxes.findings(held, facts)


def _of_others(dataset: Dataset, facts: dict[str, Any], rows: int) -> Iterator[Finding]:
    facts["splits"] = {key: len(split) for key, split in dataset.splits.items()}
    inputs, targets = type(dataset.inputs).__name__, type(dataset.targets).__name__
    if inputs == "Waveform":
        yield from sounds.findings(dataset, facts, rows)
    elif targets == "Horizon":
        yield from histories.findings(dataset, facts)
    elif targets == "Text":
        yield from pairs.findings(dataset, facts)
    elif targets == "Expectation":
        yield from watching.findings(dataset, facts)
    else:
        yield from copies.findings(dataset, facts, rows)
    yield from _of_classes(dataset, facts)


def _of_classes(dataset: Dataset, facts: dict[str, Any]) -> Iterator[Finding]:
    names = getattr(dataset.targets, "names", None)
    if getattr(dataset.targets, "kind", "") != "classification" or not names:
        return
    counts = {}
    for key, split in dataset.splits.items():
        codes = getattr(split, "targets", None)
        if codes is None or getattr(codes, "ndim", 0) != 1:
            return
        counts[key] = {name: int((codes == code).sum()) for code, name in enumerate(names)}
    facts["target"] = {"task": "classification", "classes": counts}
    yield from balance.of_classes(counts, "examples")


def _called(source: Any) -> str:
    return Path(source).name if isinstance(source, str | os.PathLike) else "table"
