"""Cross-validation: every example predicted by a model that has never seen it."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import torch

from neurarium.core import batches
from neurarium.core.display import Displayed
from neurarium.core.errors import OptionError, RefusalError, unknown
from neurarium.core.seeds import derive, seed_everything
from neurarium.data import folds as folding
from neurarium.data import splits
from neurarium.data.assembly.streaming import StreamedExamples
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.readers.values import times as as_times
from neurarium.data.specs import (
    ABSENT,
    Classes,
    Horizon,
    NextToken,
    Spec,
    Tags,
    Targets,
    Text,
    Transcript,
)
from neurarium.metrics.intervals import Interval
from neurarium.studies.evaluation.report import EvaluationReport
from neurarium.studies.evaluation.study import report_of
from neurarium.studies.prediction.seen import Seen, predictions_of
from neurarium.training.fitting import fit
from neurarium.training.method import Method
from neurarium.training.run import Run

if TYPE_CHECKING:
    import polars

HOW = ("stratified", "random", "grouped", "time")


@dataclasses.dataclass
class CrossValidation(Displayed):
    """What cross-validation found; `print` shows it.

    Args:
        how: how the folds were cut.
        folds: the metrics of each fold's own test rows.
        report: metrics over all out-of-fold predictions together, with bootstrap intervals.
        rows: the places in the source of the examples that were predicted, rising.
        predictions, targets: of these rows, as metrics take them.
        fold: which fold predicted each of them.
        runs: one per fold.
    """

    how: str
    folds: list[dict[str, float]]
    report: EvaluationReport
    rows: numpy.ndarray
    predictions: Any
    targets: Any
    fold: numpy.ndarray
    runs: list[Run]

    def mean(self, metric: str) -> float:
        """Return the mean of a metric over the folds."""
        return statistics.fmean(self._values(metric))

    def interval(self, metric: str, level: float = 0.95) -> Interval:
        """Return the mean over the folds with its t-interval: `mean +- t s / sqrt(folds)`.

        The folds' models share most of their training rows, so it is too narrow rather than too wide (Bengio and
        Grandvalet, 2004); the interval of all predictions together stands in `report`.
        """
        from scipy.stats import t

        half = (
            float(t.ppf((1 + level) / 2, len(self.folds) - 1))
            * self.deviation(metric)
            / len(self.folds) ** 0.5
        )
        mean = self.mean(metric)
        return Interval(mean - half, mean + half, mean, level)

    def frame(self) -> polars.DataFrame:
        """Return a table with a row per predicted example: `row` in the source, `fold`, `target`, `prediction`, and the
        probabilities of classes (of transcripts the edits and lengths); of several targets the name of each before them."""
        import polars

        spec = self.report.targets
        held: dict[str, Any] = {"row": self.rows, "fold": self.fold + 1}
        if isinstance(spec, Targets):
            for name, part in zip(spec.names, spec.parts, strict=True):
                own = _columns_of(part, self.predictions[name], self.targets[name])
                held |= {f"{name}_{key}": values for key, values in own.items()}
        elif not isinstance(
            spec, Text
        ):  # of a text each token was predicted after the true ones: no row says that
            held |= _columns_of(spec, self.predictions, self.targets)
        return polars.DataFrame(held)

    def deviation(self, metric: str) -> float:
        """Return the standard deviation of a metric over the folds."""
        return statistics.stdev(self._values(metric))

    def _values(self, metric: str) -> list[float]:
        if metric not in self.folds[0]:
            raise unknown("metric", metric, self.folds[0])
        return [each[metric] for each in self.folds]

    def to_json(self) -> dict[str, Any]:
        """Return the metrics as plain values, without the predictions."""
        return {"how": self.how, "folds": self.folds, "report": self.report.to_json()}

    def __str__(self) -> str:
        shown = [name for name in self.report.intervals if name in self.folds[0]]
        lines = [
            f"{self.report.name}: {len(self.folds)} folds, {self.how}; {len(self.rows):,} examples predicted"
        ]
        width = max(map(len, shown), default=0)
        lines.append(f"  {'':<{width}}  all together                over the folds")
        for name in shown:
            interval = self.report.intervals[name]
            together = f"{interval.estimate:.4g} [{interval.low:.4g}, {interval.high:.4g}]"
            lines.append(
                f"  {name:<{width}}  {together:<26}  {self.mean(name):.4g} +- {self.deviation(name):.2g}"
            )
        return "\n".join(lines)


def cross_validate(
    make_method: Callable[[Dataset], Method],
    dataset: Dataset,
    *,
    folds: int = 5,
    how: str | None = None,
    groups: Any = None,
    times: Any = None,
    validation: float = 0.15,
    resamples: int = 1000,
    seed: int = 0,
    out: str | Path | None = None,
    **fitting: Any,
) -> CrossValidation:
    """Train one model per fold, and predict the examples of the fold that it has not seen.

    The rows of the training and the validation split are cut into folds; the test split stays untouched. For each fold
    the source is read again, so that the preparation (means, quantiles, categories) is fitted on the rows that train
    that fold; the rows that pick its best weights are cut from these too. A fold's own rows meet neither.

    Args:
        make_method: `make_method(dataset) -> Method` for the dataset of a fold, whose specs size the network.
        dataset: from one of our readers; or in memory without a preparation.
        folds: how many, at least 2.
        how: "stratified" (default for classes), "random" (default for quantities), "grouped", "time".
        groups, times: a column's name, or one value per row of the source; by default the columns that the dataset
            was read with. Groups are kept together; with times each fold is predicted from earlier rows alone.
        validation: share of a fold's training rows that picks the best weights; 0 keeps the last weights.
        resamples: of the bootstrap of the intervals.
        seed: of folds, weights and training.
        out: a folder that gets one run per fold; None writes nothing.
        **fitting: further arguments of `fit` (`epochs`, `patience`, `batch_size`, ...).

    Raises:
        OptionError: folds that cannot be cut.
        RefusalError: the dataset does not say how it was read, or has splits of its own.

    >>> import neurarium as nr
    >>> found = nr.studies.cross_validate(
    ...     lambda data: nr.methods.Supervised(nr.networks.MLP.for_data(data.inputs, data.targets)),
    ...     nr.data.load("iris"), folds=3, epochs=20, progress=False,
    ... )
    >>> len(found.rows), found.report.metrics["accuracy"] > 0.8
    (128, True)
    """
    rows, labels = _pool(dataset)
    how, keys = _keys(dataset, rows, how, groups, times)
    parts = _folds(how, len(rows), folds, seed, labels, keys)
    runs: list[Run] = []
    seen: list[Seen] = []
    metrics: list[dict[str, float]] = []
    for number, part in enumerate(parts):
        train, held = _inner(how, part["train"], labels, keys, validation, seed)
        data = _read(dataset, {"train": rows[train], "validation": rows[held], "test": rows[part["test"]]})
        seed_everything(derive(seed, "fold", number))
        method = make_method(data)
        folder = None if out is None else Path(out) / f"fold-{number + 1}"
        run = fit(method, data, seed=seed, out=folder, **fitting)
        found = predictions_of(run.method, data.test)
        report = report_of(found, data.targets, name=data.name, split="test", resamples=0)
        runs.append(run)
        seen.append(found)
        metrics.append(report.metrics)
        if run.interrupted:
            raise KeyboardInterrupt
    return _joined(dataset, how, rows, parts, runs, seen, metrics, resamples, seed)


def _columns_of(spec: Spec, predictions: torch.Tensor, targets: torch.Tensor) -> dict[str, Any]:
    """The columns of one target: what is true, what was predicted."""
    held: dict[str, Any] = {}
    if isinstance(spec, Tags):  # a sentence's tags as one text
        real = targets != ABSENT
        for key, codes in (("target", targets), ("prediction", predictions)):
            held[key] = [
                " ".join(spec.names[code] for code in row[own].tolist())
                for row, own in zip(codes, real, strict=True)
            ]
        return held
    if isinstance(spec, Transcript):  # what was wrong, as `metrics.error_rate.counted` has it
        counts = ("character_edits", "characters", "word_edits", "words")
        return {name: predictions[:, place].long().numpy() for place, name in enumerate(counts)}
    if isinstance(spec, Classes) and not spec.several:
        held["target"] = [spec.names[each] for each in targets.tolist()]
        held["prediction"] = [spec.names[each] for each in predictions.argmax(dim=1).tolist()]
    names = getattr(spec, "names", ("",))
    single = len(names) == 1
    if not isinstance(spec, Classes) or spec.several:
        for number, name in enumerate(names):
            held["target" if single else f"target_{name}"] = targets.reshape(-1, len(names))[
                :, number
            ].numpy()
    head = "probability" if isinstance(spec, Classes) else "prediction"
    for number, name in enumerate(names):
        values = predictions.reshape(-1, len(names))[:, number].double().numpy()
        held[head if single and head == "prediction" else f"{head}_{name}"] = values
    return held


def _pool(dataset: Dataset) -> tuple[numpy.ndarray, numpy.ndarray | None]:
    """Return the rows that take part, rising, and their classes (None for quantities)."""
    names = ["train"]
    own = dataset.rereading is not None and dataset.rereading.separate("validation")
    if dataset.validation is not None and not own:
        names.append("validation")
    if dataset.rereading is None:
        return _without_source(dataset, names)
    rows = numpy.concatenate([numpy.asarray(dataset.rows[name]) for name in names])
    order = numpy.argsort(rows, kind="stable")
    return rows[order], _labels(dataset, names, order)


def _without_source(dataset: Dataset, names: list[str]) -> tuple[numpy.ndarray, numpy.ndarray | None]:
    """The rows of examples in memory are their places in the joined splits."""
    if isinstance(dataset.train, StreamedExamples):
        raise RefusalError(
            f"{dataset.name} is streamed, and cross-validation needs all rows at once",
            expected="a table that is held in memory",
            fix="--set stream=false; or train once: streamed tables are large enough for a test split",
        )
    if isinstance(dataset.targets, NextToken):
        raise RefusalError(
            f"{dataset.name} is read in its order: a fold from its middle would be predicted from what comes later",
            expected="examples without an order",
            fix="train once: the end of the text is held out (neurarium train)",
        )
    if dataset.preparation is not None or not all(dataset.splits[name].in_memory for name in names):
        raise RefusalError(
            f"{dataset.name} does not say how it was read, and its preparation must be fitted anew for each fold",
            expected="a dataset of nr.data.table, nr.data.arrays, nr.data.images or nr.data.load",
            fix="set dataset.rereading to a function of {'train': rows, 'validation': rows, 'test': rows}",
        )
    count = sum(len(dataset.splits[name]) for name in names)
    return numpy.arange(count), _labels(dataset, names, numpy.arange(count))


def _labels(dataset: Dataset, names: list[str], order: numpy.ndarray) -> numpy.ndarray | None:
    if not isinstance(dataset.targets, Classes) or dataset.targets.several:
        return None
    return torch.cat([torch.as_tensor(dataset.splits[name].targets) for name in names]).numpy()[order]


def _keys(
    dataset: Dataset, rows: numpy.ndarray, how: str | None, groups: Any, times: Any
) -> tuple[str, numpy.ndarray | None]:
    """Settle how folds are cut, and by which value per row."""
    options = {} if dataset.rereading is None else getattr(dataset.rereading, "options", {})
    if isinstance(dataset.targets, Horizon):
        raise RefusalError(
            f"the windows of {dataset.name} overlap: those of one fold would hold the answers of another",
            expected="examples that can be set aside one by one",
            fix="use studies.roll_origin, which learns from what lies before each origin (neurarium cross-validate does)",
        )
    if how not in (None, *HOW):
        raise unknown("way to cut folds", str(how), HOW)
    if groups is None and times is None and how in (None, "grouped", "time"):
        groups = options.get("group") if how in (None, "grouped") else None
        times = options.get("time") if how in (None, "time") else None
    if groups is not None and times is not None:
        raise OptionError(
            "folds are either grouped or by time", received="groups= and times=", fix="give one of them"
        )
    how = how or ("grouped" if groups is not None else "time" if times is not None else None)
    how = how or (
        "stratified" if isinstance(dataset.targets, Classes) and not dataset.targets.several else "random"
    )
    given = {"grouped": groups, "time": times}.get(how)
    if how in ("grouped", "time") and given is None:
        option = "groups" if how == "grouped" else "times"
        raise OptionError(f"how='{how}' needs a value per row", fix=f"give {option}=COLUMN")
    return how, None if given is None else _values(dataset, given, how)[rows]


def _values(dataset: Dataset, given: Any, how: str) -> numpy.ndarray:
    """One number per row of the source, from a column's name or from values."""
    import polars

    column = (
        dataset.rereading.column(given)
        if isinstance(given, str)
        else polars.Series("values", numpy.asarray(given))
    )
    if how == "time":
        return as_times(column)
    codes = column.cast(polars.String).rank("dense").cast(polars.Float64).to_numpy().copy()
    gaps = numpy.isnan(codes)
    codes[gaps] = -1 - numpy.arange(gaps.sum())  # a row without a group is a group of its own
    return codes


def _folds(
    how: str, count: int, parts: int, seed: int, labels: numpy.ndarray | None, keys: numpy.ndarray | None
) -> list[dict[str, numpy.ndarray]]:
    if how == "grouped":
        return folding.folds(count, parts, seed, groups=keys)
    if how == "time":
        return folding.folds(count, parts, seed, times=keys)
    return splits.folds(count, parts, seed, labels=labels if how == "stratified" else None)


def _inner(
    how: str,
    train: numpy.ndarray,
    labels: numpy.ndarray | None,
    keys: numpy.ndarray | None,
    share: float,
    seed: int,
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Cut the rows that pick the best weights from a fold's training rows, in the way of the folds."""
    if not share:
        return train, train[:0]
    wanted = {"validation": share}
    if how == "grouped":
        found = splits.grouped(keys[train], wanted, seed)  # type: ignore[index]
    elif how == "time":
        found = splits.by_time(keys[train], wanted)  # type: ignore[index]
    elif how == "stratified" and labels is not None:
        found = splits.stratified(labels[train], wanted, seed)
    else:
        found = splits.random(len(train), wanted, seed)
    return train[found["train"]], train[found["validation"]]


def _read(dataset: Dataset, rows: Mapping[str, numpy.ndarray]) -> Dataset:
    rows = {name: part for name, part in rows.items() if len(part)}
    if dataset.rereading is not None:
        return dataset.rereading(rows)
    whole = [dataset.train.batch, *([dataset.validation.batch] if dataset.validation is not None else [])]  # type: ignore[union-attr]
    examples = Examples(batches.concatenate(whole), finish=dataset.train.finish)
    parts = {name: examples.subset(torch.from_numpy(part)) for name, part in rows.items()}
    return Dataset(dataset.name, dataset.inputs, dataset.targets, **parts)  # type: ignore[arg-type]


def _joined(
    dataset: Dataset,
    how: str,
    rows: numpy.ndarray,
    parts: list[dict[str, numpy.ndarray]],
    runs: list[Run],
    seen: list[Seen],
    metrics: list[dict[str, float]],
    resamples: int,
    seed: int,
) -> CrossValidation:
    """Put the predictions of all folds into the order of the rows."""
    places = numpy.concatenate([part["test"] for part in parts])
    order = numpy.argsort(places, kind="stable")
    fold = numpy.repeat(numpy.arange(len(parts)), [len(part["test"]) for part in parts])[order]
    predictions, targets = (
        batches.take(batches.concatenate([getattr(each, name) for each in seen]), torch.from_numpy(order))
        for name in ("predictions", "targets")
    )
    weighted = all(each.weights is not None for each in seen)
    weights = torch.cat([each.weights for each in seen])[torch.from_numpy(order)] if weighted else None  # type: ignore[misc]
    whole = Seen(predictions, targets, weights, _mean_loss(seen))
    report = report_of(
        whole, dataset.targets, name=dataset.name, split="out of fold", resamples=resamples, seed=seed
    )
    return CrossValidation(how, metrics, report, rows[places[order]], predictions, targets, fold, runs)


def _mean_loss(seen: list[Seen]) -> float | None:
    losses = [(each.loss, batches.size(each.targets)) for each in seen if each.loss is not None]
    return sum(loss * count for loss, count in losses) / sum(count for _, count in losses) if losses else None
