"""Baselines: what a constant, a linear model and gradient boosting reach on the same examples."""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.errors import RefusalError
from neurarium.data.dataset import Dataset
from neurarium.data.specs import Classes, Image, Quantity, Spec
from neurarium.metrics.accuracy import Accuracy
from neurarium.metrics.choice import make_metric
from neurarium.metrics.intervals import drawn, percentile_interval
from neurarium.studies.evaluation.report import EvaluationReport
from neurarium.studies.evaluation.study import report_of
from neurarium.studies.prediction.learner import learner_of
from neurarium.studies.prediction.raw_columns import raw_columns, sampled
from neurarium.studies.prediction.seen import Seen, predictions_of
from neurarium.training.run import Run

WIDEST = 4096  # numbers of an example
POOLED, AT_ONCE, DECODED = (
    1024,
    256,
    2000,
)  # numbers that a large image becomes; images at once; decoded from files
TREES, ROUNDS, FEWEST = 400, 100, 10
NAMES = {
    "naive": "always saying the most frequent class",
    "linear": "logistic regression",
    "boosting": "gradient boosting",
}
OF_QUANTITIES = {"naive": "always saying the mean", "linear": "linear regression"}


@dataclasses.dataclass
class Baseline:
    """One simple model, measured as the run was.

    Args:
        kind: "naive", "linear" or "boosting".
        name: for people.
        note: what it learned from, and what was cut short.
        report: its metrics and intervals; None where it was skipped, and `note` says why.
        difference: the run's headline metric minus its own: estimate, low, high (95 %, paired bootstrap over the same
            examples); None where there is no run.
        seconds: how long it took.
    """

    kind: str
    name: str
    note: str
    report: EvaluationReport | None = None
    difference: tuple[float, float, float] | None = None
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain values, of the report the metrics and intervals alone."""
        bounds = {} if self.report is None else self.report.intervals
        return {
            **{key: getattr(self, key) for key in ("kind", "name", "note", "difference")},
            "seconds": round(self.seconds, 2),
            "metrics": None if self.report is None else self.report.metrics,
            "intervals": {key: [each.low, each.high] for key, each in bounds.items()},
        }


def fit_baselines(
    data: Dataset,
    run: Run | None = None,
    *,
    split: str = "test",
    kinds: tuple[str, ...] = ("naive", "linear", "boosting"),
    most: int = 20_000,
    full: bool = False,
    resamples: int = 1000,
    seen: Seen | None = None,
    seconds: float | None = None,
    seed: int = 0,
) -> list[Baseline]:
    """Fit simple models on the prepared training split, and measure them on the split that the run was measured on.

    `naive` predicts the class frequencies, or the mean. `linear` is logistic or ridge regression (categories one-hot).
    `boosting` is scikit-learn's histogram gradient boosting with its defaults: 100 rounds, fewer where there are many
    classes (at most 400 trees, never under 10 rounds), all of them with `full`. None of them is tuned. How much is
    learned from is a matter of sizes, never of the clock, so the figures are the same on every machine.

    Args:
        data: the dataset; categorical parts, numbers, images and series (up to 4,096 numbers, flattened) are learned from; larger
            images become means of patches, some 1,000 numbers; linear models read texts by tf-idf of their tokens.
        run: the trained run, for the differences; None for the baselines alone.
        split: "validation" or "test".
        kinds: which.
        most: training examples for the two that learn; more are sampled, and the note says so.
        full: all 100 rounds, and ten times the examples.
        resamples: of the bootstrap.
        seen: the run's predictions for the split, where they are there already.
        seconds: after this time no further baseline is begun, and it is noted as skipped; None for no limit.
        seed: of the sample and the trees.

    Raises:
        RefusalError: targets other than classes and quantities.

    >>> import neurarium as nr
    >>> found = fit_baselines(nr.data.load("iris"), kinds=("naive", "linear"), resamples=0)
    >>> [(each.kind, each.report.metrics["accuracy"] > 0.8) for each in found]
    [('naive', False), ('linear', True)]
    """
    targets = data.targets
    if not isinstance(targets, Classes | Quantity):
        raise RefusalError(
            f"there are no baselines for {type(targets).__name__} targets", expected="classes or quantities"
        )
    if run is not None and seen is None:
        seen = predictions_of(learner_of(run), data.splits[split])
    begun, found, said = time.thread_time(), [], {}
    for kind in kinds:
        made = Baseline(kind, _name(kind, targets), "")
        started = time.thread_time()
        if kind != "naive" and seconds is not None and started - begun > seconds:
            made.note = f"skipped: the {seconds:g} s for baselines were over; --report full fits it"
        else:
            predictions = _fit(made, data, split, most * (10 if full else 1), full, seed)
            if predictions is not None:
                said[kind] = predictions
        made.seconds = time.thread_time() - started
        found.append(made)
    truth = _truth(data.splits[split].targets, targets)
    measure([each for each in found if each.kind in said], said, truth, seen, data, split, resamples, seed)
    return found


def measure(
    found: list[Baseline],
    said: dict[str, Tensor],
    truth: Tensor,
    seen: Seen | None,
    data: Dataset,
    split: str,
    resamples: int,
    seed: int,
) -> None:
    """Fill in the metrics, and the headline's intervals: all models under the same resamples of the examples."""
    weights = None if seen is None else seen.weights
    for made in found:
        own = Seen(said[made.kind], truth, weights, None)
        made.report = report_of(own, data.targets, name=data.name, split=split, resamples=0)
    if not found or not resamples or found[0].report is None:
        return
    name = found[0].report.headline
    models = [said[made.kind] for made in found] + ([] if seen is None else [seen.predictions])
    named = {"names": data.targets.names} if found[0].report.spans else {}  # type: ignore[attr-defined]
    drawn_values = resampled(name, models, truth, weights, resamples=resamples, seed=seed, **named)
    for made, values in zip(found, drawn_values, strict=False):
        if made.report is not None:
            made.report.intervals[name] = percentile_interval(made.report.metrics[name], values[1:], 0.95)
        if seen is not None:
            gap = drawn_values[-1] - values
            bounds = percentile_interval(float(gap[0]), gap[1:], 0.95)
            made.difference = (bounds.estimate, bounds.low, bounds.high)


def resampled(
    name: str,
    models: list[Any],
    truth: Tensor,
    weights: Any,
    *,
    resamples: int,
    seed: int = 0,
    **options: Any,
) -> numpy.ndarray:
    """Return a metric of several predictions under the same bootstrap resamples.

    Returns:
        `(models, 1 + resamples)`: the metric over the examples as they are, then over each resample.
    """
    metric = make_metric(name, **options)
    checked = [metric.check(each, truth, weights) for each in models]
    found: list[list[Tensor]] = [[] for _ in models]
    alone = torch.ones(1, len(truth), dtype=torch.int64)
    for counts in [alone, *drawn(len(truth), resamples=resamples, level=0.95, seed=seed)]:
        share = counts.double()
        for place, each in enumerate(checked):
            if isinstance(metric, Accuracy):  # a mean over the examples: one product
                held = each.weights.double()
                found[place].append(share @ (metric.values(each).double() * held) / (share @ held))
            else:
                found[place].append(metric.many(each, counts))
    return torch.stack([torch.cat(each) for each in found]).numpy()


def _name(kind: str, targets: Spec) -> str:
    if kind == "naive" and getattr(targets, "several", False):
        return "saying how frequent each label is"
    return (OF_QUANTITIES if isinstance(targets, Quantity) else {}).get(kind, NAMES[kind])


def _fit(made: Baseline, data: Dataset, split: str, most: int, full: bool, seed: int) -> Tensor | None:
    """Fit one baseline and return its predictions for the split, or note why there are none."""
    targets: Any = data.targets
    if made.kind == "naive":
        made.note = f"from {len(data.train):,} training examples"
        return _naive(_truth(data.train.targets, targets), len(data.splits[split]), targets)
    first = data.train.take([0])["inputs"]
    pool = _pool(first) if isinstance(data.inputs, Image) else None
    why = _unsuited(first, made.kind) if pool is None else ""
    if why:
        made.note = f"skipped: {why}"
        return None
    if pool is not None and not getattr(data.train, "in_memory", True):
        most = min(most, DECODED)
    places = sampled(data.train, most, seed)
    train, test = _taken(data.train, places, pool), _taken(data.splits[split], None, pool)
    columns = Columns(made.kind, train["inputs"], data.preparation)
    learner = _linear if made.kind == "linear" else _boosting
    x, y = columns.matrix(train["inputs"]), _truth(train["targets"], targets).numpy()
    weights = train["weights"].numpy() if train.get("weights") is not None else None
    predict, extra = learner(x, y, targets, columns.categorical, weights, full, seed)
    size = (
        f"a sample of {len(places):,} of {len(data.train):,}"
        if len(places) < len(data.train)
        else f"{len(places):,}"
    )
    patches = "" if pool is None else f"of {pool[0]} x {pool[1]} mean colors"
    made.note = ", ".join(filter(None, [f"from {size} training examples", patches, extra, columns.note]))
    return torch.from_numpy(numpy.asarray(predict(columns.matrix(test["inputs"])), dtype=numpy.float64))


def _pool(images: Tensor) -> tuple[int, int] | None:
    """Return how many patches large images become, down and across; None for small ones.

    >>> _pool(torch.zeros(1, 3, 224, 224)), _pool(torch.zeros(1, 1, 28, 28))
    ((18, 18), None)
    """
    _, channels, height, width = images.shape
    if images[0].numel() <= WIDEST:
        return None
    side = math.sqrt(POOLED / (channels * height * width))
    return max(1, int(height * side)), max(1, int(width * side))


def _taken(split: Any, places: Tensor | None, pool: tuple[int, int] | None) -> dict[str, Any]:
    """Return examples; large images as means of patches, a few at a time."""
    if pool is None:
        return split.take(slice(None) if places is None else places)  # type: ignore[no-any-return]
    parts = []
    for some in (torch.arange(len(split)) if places is None else places).split(AT_ONCE):
        taken = split.take(some)
        small = torch.nn.functional.adaptive_avg_pool2d(taken["inputs"].float(), pool)
        parts.append({**taken, "inputs": small})
    return batches.concatenate(parts)  # type: ignore[no-any-return]


def _truth(targets: Tensor, spec: Any) -> Tensor:
    return spec.original(targets) if isinstance(spec, Quantity) else targets


def _naive(train: Tensor, length: int, spec: Any) -> Tensor:
    if isinstance(spec, Quantity) or spec.several:
        return train.double().mean(dim=0, keepdim=True).expand(length, -1)
    shares = torch.bincount(train.long(), minlength=len(spec.names)).double()
    return (shares / shares.sum()).expand(length, -1)


def _unsuited(inputs: Any, kind: str) -> str:
    """Why these inputs are nothing for a baseline; "" where they are."""
    if isinstance(inputs, dict):
        if "numeric" in inputs or "categorical" in inputs or (kind == "linear" and texts_in(inputs)):
            return ""
        if texts_in(inputs):
            return "trees learn from numbers and categories, and here are texts alone"
        if "series" in inputs:
            inputs = inputs["series"]
            width = inputs[0].numel()
            return (
                "" if width <= WIDEST else f"a series holds {width:,} numbers, and baselines take {WIDEST:,}"
            )
        return "baselines learn from numbers and categories, and these inputs are of another kind"
    width = inputs[0].numel()
    return (
        "" if width <= WIDEST else f"an example holds {width:,} numbers, and baselines take up to {WIDEST:,}"
    )


def texts_in(inputs: Mapping[str, Any]) -> list[str]:
    """Return which parts of a batch are tokens of texts.

    >>> texts_in({"numeric": 0, "text_review_tokens": 0, "text_review_mask": 0})
    ['text_review_tokens']
    """
    return [key for key in inputs if key.endswith("tokens") and f"{key.removesuffix('tokens')}mask" in inputs]


class Bag:
    """The tokens of texts as numbers, tf-idf: count log((1 + n) / (1 + texts with it)) + count, each text of length one."""

    def __init__(self, key: str, inputs: Mapping[str, Any]):
        from sklearn.feature_extraction.text import TfidfTransformer

        self.key, self.size = key, int(inputs[key].max()) + 1
        self.weigh = TfidfTransformer().fit(self._counts(inputs))

    def __call__(self, inputs: Mapping[str, Any]) -> Any:
        """Return `(texts, tokens)`, sparse."""
        return self.weigh.transform(self._counts(inputs))

    def _counts(self, inputs: Mapping[str, Any]) -> Any:
        from scipy.sparse import csr_matrix

        tokens, real = inputs[self.key], inputs[f"{self.key.removesuffix('tokens')}mask"]
        rows, places = torch.nonzero(real & (tokens < self.size), as_tuple=True)
        counted = numpy.ones(len(rows), dtype=numpy.float32)
        return csr_matrix(
            (counted, (rows.numpy(), tokens[rows, places].numpy())), shape=(len(tokens), self.size)
        )


class Columns:
    """Prepared inputs as a matrix; categories as codes for trees, one-hot for linear models, which read texts too."""

    def __init__(self, kind: str, inputs: Any, preparation: Any = None):
        self.spread = kind == "linear"
        self.categorical: list[int] = []
        self.sizes: list[int] = []
        self.bags: list[Bag]
        self.note, self.bags = "", []
        self.width = inputs["series"].shape[1] if isinstance(inputs, dict) and "series" in inputs else 0
        if self.width:
            self.note = "from all moments as columns; shorter series end in zeros"
        elif isinstance(inputs, dict):
            count = inputs["numeric"].shape[1] if "numeric" in inputs else 0
            codes = inputs.get("categorical")
            self.sizes = [] if codes is None else [int(each) + 1 for each in codes.amax(dim=0)]
            self.categorical = (
                [] if self.spread else [count + p for p, n in enumerate(self.sizes) if n <= 255]
            )
            self.bags = [Bag(key, inputs) for key in texts_in(inputs)] if self.spread else []
            read = {each.key for each in self.bags}
            raw = [each for each in raw_columns(preparation, inputs) if each.parts]
            others = [each.name for each in raw if not read & set(each.parts)]
            told = ["of tf-idf of tokens"] * bool(self.bags) + [f"without {', '.join(others)}"] * bool(others)
            self.note = ", ".join(told)

    def matrix(self, inputs: Any) -> Any:
        """Return `(examples, columns)` float32, sparse where there are texts; a code beyond the training's is 0, the unseen one."""
        if self.width:
            series = inputs["series"][:, : self.width].float()
            missing = self.width - series.shape[1]
            return torch.nn.functional.pad(series, (0, 0, 0, missing)).flatten(1).numpy()
        if not isinstance(inputs, dict):
            return inputs.reshape(len(inputs), -1).float().numpy()
        parts = [inputs["numeric"].float()] if "numeric" in inputs else []
        if self.sizes:
            codes = inputs["categorical"]
            codes = torch.where(codes < torch.tensor(self.sizes), codes, 0)
            if self.spread:
                parts += [
                    torch.nn.functional.one_hot(codes[:, p], n).float() for p, n in enumerate(self.sizes)
                ]
            else:
                parts.append(codes.float())
        dense = torch.cat(parts, dim=1).numpy() if parts else None
        if not self.bags:
            return dense
        from scipy.sparse import csr_matrix, hstack

        held = [] if dense is None else [csr_matrix(dense)]
        return hstack([*held, *(bag(inputs) for bag in self.bags)]).tocsr()


Predict = Callable[[numpy.ndarray], Any]


def _linear(
    x: Any, y: Any, spec: Any, categorical: Any, weights: Any, full: bool, seed: int
) -> tuple[Predict, str]:
    from sklearn.linear_model import LogisticRegression, Ridge

    if isinstance(spec, Quantity):
        model = Ridge().fit(x, y, sample_weight=weights)
        return (lambda new: model.predict(new).reshape(new.shape[0], -1)), ""
    return _classified(lambda: LogisticRegression(max_iter=200), x, y, spec, weights), ""


def _boosting(
    x: Any, y: Any, spec: Any, categorical: Any, weights: Any, full: bool, seed: int
) -> tuple[Predict, str]:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    outputs = (
        1 if isinstance(spec, Classes) and len(spec.names) == 2 and not spec.several else len(spec.names)
    )
    rounds = ROUNDS if full else min(ROUNDS, max(FEWEST, math.ceil(TREES / outputs)))
    options = {"max_iter": rounds, "categorical_features": categorical or None, "random_state": seed}
    note = "" if rounds == ROUNDS else f"{rounds} rounds instead of {ROUNDS}"
    if isinstance(spec, Quantity):
        models = [
            HistGradientBoostingRegressor(**options).fit(x, column, sample_weight=weights) for column in y.T
        ]
        return (lambda new: numpy.stack([each.predict(new) for each in models], axis=1)), note
    return _classified(lambda: HistGradientBoostingClassifier(**options), x, y, spec, weights), note


def _classified(make: Callable[[], Any], x: Any, y: Any, spec: Any, weights: Any) -> Predict:
    """Fit a classifier, or one for each label; a class that the training lacks has probability 0."""
    from sklearn.exceptions import ConvergenceWarning

    def fitted(truth: numpy.ndarray) -> Any:
        if len(numpy.unique(truth)) < 2:
            return float(truth[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the note says that nothing is tuned
            return make().fit(x, truth, sample_weight=weights)

    if spec.several:
        models = [fitted(column.astype(numpy.int64)) for column in y.T]
        return lambda new: numpy.stack(
            [
                numpy.full(new.shape[0], m) if isinstance(m, float) else m.predict_proba(new)[:, 1]
                for m in models
            ],
            axis=1,
        )
    model = fitted(y.astype(numpy.int64))

    def predict(new: numpy.ndarray) -> numpy.ndarray:
        shares = numpy.zeros((new.shape[0], len(spec.names)))
        if isinstance(model, float):
            shares[:, int(model)] = 1.0
        else:
            shares[:, model.classes_] = model.predict_proba(new)
        return shares

    return predict
