"""Estimators: any network as a classifier or a regressor of scikit-learn."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy
import polars
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import UserError
from neurarium.core.seeds import random_state, set_random_state
from neurarium.data.assembly.tables import table
from neurarium.data.dataset import Dataset
from neurarium.data.splits import Rows, random, stratified
from neurarium.sklearn import state, targets
from neurarium.sklearn.inputs import frame_of, kinds_of
from neurarium.studies.prediction.study import outputs_of
from neurarium.studies.training import train
from neurarium.training.callbacks.callback import Callback
from neurarium.training.method import Method
from neurarium.training.run import Run

AUTOMATIC_VALIDATION, FEWEST_FOR_VALIDATION = 0.15, 200
Precision = Literal["float32", "bfloat16", "float16", "float64"] | None


class Estimator(BaseEstimator):
    """What the two estimators have in common; see `Classifier`."""

    def __init__(
        self,
        network: str | nn.Module | None = None,
        *,
        method: str | None = None,
        options: Mapping[str, Any] | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        patience: int | None = None,
        validation_fraction: float | Literal["auto"] = "auto",
        ensemble: int = 1,
        scaling: Literal["quantile", "robust", "standard", "none"] = "quantile",
        precision: Precision = None,
        device: str | None = None,
        warm_start: bool = False,
        random_state: Any = 0,
        verbose: bool = False,
    ):
        self.network, self.method, self.options = network, method, options
        self.epochs, self.batch_size, self.learning_rate = epochs, batch_size, learning_rate
        self.patience, self.validation_fraction = patience, validation_fraction
        self.ensemble, self.scaling, self.precision, self.device = ensemble, scaling, precision, device
        self.warm_start, self.random_state, self.verbose = warm_start, random_state, verbose

    @property
    def network_(self) -> nn.Module:
        """The trained network."""
        check_is_fitted(self)
        return self._learner.deployed

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return state.packed(super().__getstate__())

    def __setstate__(self, held: dict[str, Any]) -> None:
        super().__setstate__(state.unpacked(held))

    # ------------------------------------------------------------------------------------------------ fitting

    def _train(
        self, inputs: Any, frame: polars.DataFrame, encode: Any, labels: numpy.ndarray | None, weights: Any
    ) -> None:
        """Train on all rows of positive weight; `encode(train rows, weights)` gives the targets of all rows."""
        count = frame.height
        if weights is not None:
            weights = _check_sample_weight(weights, numpy.empty((count, 1)), dtype=numpy.float64)
            if (weights < 0).any():
                raise ValueError("sample_weight holds negative weights")
            if not weights.any():
                raise ValueError("Sample weights must contain at least one non-zero number.")
        usable = numpy.arange(count) if weights is None else numpy.flatnonzero(weights)
        if len(usable) < 2:
            raise ValueError(f"n_samples = {len(usable)} is too few to learn from; give 2 rows or more")
        with _own_chance(), _value_errors():
            seed = _seed(self.random_state)
            rows = self._rows(usable, labels, seed)
            encoded = encode(rows["train"], weights)
            data = self._dataset(inputs, frame, rows, encoded, weights)
            self._fit(data, seed)

    def _rows(self, usable: numpy.ndarray, labels: numpy.ndarray | None, seed: int) -> Rows:
        """Set validation rows aside where there are enough."""
        share: Any = self.validation_fraction
        if share == "auto":
            share = AUTOMATIC_VALIDATION if len(usable) >= FEWEST_FOR_VALIDATION else 0
        if not share:
            return {"train": usable}
        parts = (
            random(len(usable), {"validation": share}, seed)
            if labels is None
            else stratified(labels[usable], {"validation": share}, seed)
        )
        return {name: usable[part] for name, part in parts.items()}

    def _dataset(
        self, inputs: Any, frame: polars.DataFrame, rows: Rows, encoded: targets.Encoded, weights: Any
    ) -> Dataset:
        """Prepare the columns by the house's reader of tables, beside a target of its own that is then replaced."""
        place = "row"
        while place in frame.columns:
            place += "_"
        kinds = kinds_of(inputs, frame)
        numbered = frame.with_columns(**{place: numpy.arange(frame.height, dtype=numpy.float64)})
        data = table(
            numbered, place, task="regression", split=rows, types=kinds, scaling=self.scaling, name="table"
        )
        double = self.precision == "float64"
        for name, split in data.splits.items():
            chosen = torch.from_numpy(rows[name])
            values = encoded.values[chosen]
            batch = {"inputs": split.batch["inputs"], "targets": values if double else _single(values)}  # type: ignore[union-attr]
            if weights is not None:
                batch["weights"] = torch.from_numpy(weights)[chosen]
                batch["weights"] = batch["weights"] if double else batch["weights"].float()
            split.batch = _double(batch) if double else batch  # type: ignore[union-attr]
        data.targets = encoded.spec
        if encoded.plan is not None:
            data.preparation = dataclasses.replace(data.preparation, target=encoded.plan)  # type: ignore[type-var]
        return data

    def _fit(self, data: Dataset, seed: int) -> None:
        double = self.precision == "float64"
        asked = dict(self.options or {})
        if self.learning_rate is not None:
            asked["descent.learning_rate"] = self.learning_rate
        started = self.warm_start and hasattr(self, "_learner")
        network = copy.deepcopy(self.network) if isinstance(self.network, nn.Module) else self.network
        run = train(
            data,
            network,
            self.method,
            options=asked,
            epochs=self.epochs,
            batch_size=self.batch_size,
            patience=self.patience,
            precision=None if double else self.precision,
            device=self.device,
            ensemble=self.ensemble,
            start=_run_of(self._learner) if started else None,
            seed=seed,
            progress=self.verbose,
            evaluate=False,
            callbacks=[Doubling()] if double else (),
        )
        self.history_ = run.history
        self.decisions_ = [decision.to_json() for decision in run.decisions]
        self.n_iter_ = run.history[-1]["epoch"] if run.history else 0
        self._preparation: Any = data.preparation
        self._specs: tuple[Any, Any] = (data.inputs, data.targets)
        # predictions in float64: those of a row then do not depend on which rows stand beside it
        self._learner: Method = run.method.to("cpu").double()
        self._learner.eval()

    # --------------------------------------------------------------------------------------------- prediction

    def _outputs(self, inputs: Any) -> Tensor:
        """Return the network's outputs `(rows, outputs)` in float64."""
        check_is_fitted(self)
        frame = frame_of(self, inputs, reset=False)
        with _value_errors():
            self._preparation.require(frame.columns, "the table")
            prepared, _ = self._preparation.transform(frame, "the table")
            return outputs_of(self._learner, _double(prepared)).double()


class Classifier(ClassifierMixin, Estimator):
    """Any network as a classifier of scikit-learn: one class of several, or several labels at once.

    It takes arrays and frames with numbers, text, categories, dates and gaps; they are prepared as `nr.data.table`
    does, by the training rows alone. All parameters are stored as they are given, and checked when it is fitted.

    Args:
        network: a name (`mlp`, `tabm`, ...), a module (copied before it is trained), or None for the best untuned one.
        method: a name; None for supervised learning.
        options: of the network, the method and the descent, by name, as `--set` takes them: `{"widths": (64, 64)}`.
        epochs, batch_size, learning_rate: chosen by the data where None.
        patience: epochs without improvement after which training stops; needs validation rows.
        validation_fraction: of the rows, which pick the best weights; "auto" is 0.15 from 200 rows on, else 0.
        ensemble: how many networks are trained and averaged.
        scaling: of numeric columns: "quantile" (normal scores), "robust" (by quartiles, cut smoothly), "standard" or "none".
        precision: of training: "float32", "bfloat16", "float16" or "float64"; predictions are float64.
        device: where it is trained; predictions are made on the CPU.
        warm_start: begin with the weights of the last fit where they fit.
        random_state: an integer, a `RandomState`, or None for another training each time.
        verbose: show progress.
        class_weight: None, "balanced" or `{class: weight}`; several labels take sample weights alone.

    Attributes:
        classes_: the classes, sorted; for several labels their numbers.
        n_features_in_, feature_names_in_: of the training data; the names where all are text.
        network_: the trained network.
        history_, decisions_: the rows of metrics, and every automatic decision with its reason.

    Raises:
        ValueError: data or options that do not fit; the message says what was expected and what to do.

    >>> from sklearn.datasets import load_iris
    >>> inputs, classes = load_iris(return_X_y=True)
    >>> model = Classifier("mlp", options={"widths": (32,)}, epochs=20, learning_rate=1e-2).fit(inputs, classes)
    >>> bool(model.score(inputs, classes) > 0.9), model.predict_proba(inputs[:2]).shape
    (True, (2, 3))
    """

    def __init__(
        self,
        network: str | nn.Module | None = None,
        *,
        method: str | None = None,
        options: Mapping[str, Any] | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        patience: int | None = None,
        validation_fraction: float | Literal["auto"] = "auto",
        ensemble: int = 1,
        scaling: Literal["quantile", "robust", "standard", "none"] = "quantile",
        precision: Precision = None,
        device: str | None = None,
        warm_start: bool = False,
        random_state: Any = 0,
        verbose: bool = False,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
    ):
        super().__init__(
            network, method=method, options=options, epochs=epochs, batch_size=batch_size,
            learning_rate=learning_rate, patience=patience, validation_fraction=validation_fraction,
            ensemble=ensemble, scaling=scaling, precision=precision, device=device, warm_start=warm_start,
            random_state=random_state, verbose=verbose,
        )  # fmt: skip
        self.class_weight = class_weight

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Classifier:
        """Train on rows `X` and their classes `y` `(rows,)`, or indicators `(rows, labels)` of several labels."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        frame = frame_of(self, X, reset=True)
        check_consistent_length(X, y)
        if type_of_target(y).startswith("multilabel"):
            codes = check_array(y, accept_sparse=True, dtype=None)
            codes = codes.toarray() if hasattr(codes, "toarray") else codes
            self.classes_, strata = numpy.arange(codes.shape[1]), None
        else:
            y = column_or_1d(y, warn=True)
            check_classification_targets(y)
            self.classes_, codes = numpy.unique(targets.plain(y), return_inverse=True)
            strata = codes
            if len(self.classes_) < 2:
                raise ValueError(
                    f"y holds one class only, {self.classes_[0]!r}; a classifier needs 2 or more"
                )
            if self.class_weight is not None:
                own = compute_sample_weight(self.class_weight, y)
                sample_weight = own if sample_weight is None else own * numpy.asarray(sample_weight)
        self._train(X, frame, lambda *_: targets.classes(codes, self.classes_), strata, sample_weight)
        return self

    def predict_proba(self, X: Any) -> numpy.ndarray:
        """Return probabilities `(rows, classes)`; of several labels, the probability of each."""
        outputs = self._outputs(X)
        return self._specs[1].probabilities(outputs).numpy()

    def predict(self, X: Any) -> numpy.ndarray:
        """Return the most probable class of each row `(rows,)`, or indicators `(rows, labels)`."""
        probabilities = self.predict_proba(X)
        if self._specs[1].several:
            return (probabilities > 0.5).astype(numpy.int64)
        return self.classes_[probabilities.argmax(axis=1)]


class Regressor(MultiOutputMixin, RegressorMixin, Estimator):
    """Any network as a regressor of scikit-learn, of one quantity or of several.

    Parameters and attributes are those of `Classifier`, but for the classes.

    Raises:
        ValueError: data or options that do not fit; the message says what was expected and what to do.

    >>> from sklearn.datasets import load_diabetes
    >>> inputs, values = load_diabetes(return_X_y=True)
    >>> model = Regressor("mlp", options={"widths": (32,)}, epochs=20).fit(inputs, values)
    >>> bool(model.score(inputs, values) > 0.4)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:
        """Train on rows `X` and their quantities `y` `(rows,)` or `(rows, k)`."""
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        frame = frame_of(self, X, reset=True)
        values = check_array(y, ensure_2d=False, dtype=numpy.float64, input_name="y")
        check_consistent_length(X, values)
        self._flat = values.ndim == 1
        matrix = values.reshape(len(values), -1)
        self._train(
            X, frame, lambda rows, shares: targets.quantities(matrix, rows, shares), None, sample_weight
        )
        return self

    def predict(self, X: Any) -> numpy.ndarray:
        """Return the predicted quantities in the units of `y`, in its shape."""
        outputs = self._outputs(X)
        loss: Any = getattr(self._learner, "loss", None)
        point = loss.point(outputs) if hasattr(loss, "point") else outputs
        values = self._specs[1].original(point).numpy()
        return values[:, 0] if self._flat else values


class Doubling(Callback):
    """Let a method compute in float64: its weights change their type in place, before the first step."""

    def start(self, loop: Any) -> None:
        loop.method.double()


def _seed(random_state: Any) -> int:
    if isinstance(random_state, int | numpy.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _run_of(learner: Method) -> Run:
    run = Run()
    run.method = learner
    return run


def _single(values: Tensor) -> Tensor:
    return values.float() if values.is_floating_point() else values


def _double(nest: Any) -> Any:
    return batches.map_tensors(lambda each: each.double() if each.is_floating_point() else each, nest)


@contextlib.contextmanager
def _value_errors() -> Iterator[None]:
    """Say mistakes of the user the way scikit-learn's tools expect them."""
    try:
        yield
    except UserError as error:
        raise ValueError(str(error)) from error


@contextlib.contextmanager
def _own_chance() -> Iterator[None]:
    """Leave the global generators of Python, NumPy and torch as they were."""
    before = random_state()
    try:
        yield
    finally:
        set_random_state(before)
