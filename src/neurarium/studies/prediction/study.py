"""Prediction: raw new data in the original format, to a table of classes and probabilities, or values and intervals."""

from __future__ import annotations

from typing import Any

import polars
import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.core.errors import ArtifactError, OptionError, RefusalError
from neurarium.data.examples import Examples
from neurarium.data.sources.minibatches import Minibatches
from neurarium.data.specs import Classes, Horizon, Quantity, Targets, Text, Transcript
from neurarium.studies.decisions.conformal import ConformalIntervals
from neurarium.studies.decoding.ctc import transcribed
from neurarium.studies.prediction.decision_rule import DecisionRule, rule_of
from neurarium.studies.prediction.learner import evaluating, intervals_of, learner_of
from neurarium.studies.prediction.prediction_sets import named, sets_of
from neurarium.studies.prediction.predictors import predictor_of
from neurarium.training.method import Method
from neurarium.training.run import Run


def predict(
    run: Run, raw: Any, *, batch_size: int = 1024, beam: int = 1, components: bool = False
) -> polars.DataFrame:
    """Predict raw new data.

    Args:
        run: a trained run with its preparation.
        raw: data in the original format: a path, a frame, a dict of columns; for images a file, a folder, an array.
        batch_size: examples per batch.
        beam: of transcripts, how many beginnings are kept in the search; 1 reads the likeliest class of each frame.
        components: of forecasts, add a column for each part that they are the sum of, such as `trend` and `seasonality`.

    Returns:
        A row per example, in the order of the data. Classes: `prediction` and `probability_<class>`, with `prediction_set`
        where sets were calibrated; several labels:
        `prediction` with commas. Quantities: `prediction`, `low`, `high` (with the quantity's name before them where
        there are several), `std` where the network predicts a distribution. Images and sounds have their `file`
        first. Transcripts: `prediction` and its `probability`. Language models:
        as `studies.prediction.language_scores.score_texts` says, a row per text. Masks and
        boxes: as `studies.prediction.scenes.predict_scenes` says, a row per image or per box. Tags: a row per word, as
        `studies.predict_tags` says. Traces: a row per moment, as `studies.anomalies.study.detect` says. Series: what comes after their last rows, as `studies.prediction.future.predict_future` says.

    Raises:
        ArtifactError: the run is not finished, or a file of it is missing or altered.
        DataError: the data does not fit the one of the training.
        OptionError: a beam or components where there are none.

    >>> import neurarium as nr
    >>> run = nr.studies.train(nr.data.load("iris"), "mlp", epochs=5, progress=False)
    >>> measures = run.preparation.sources
    >>> nr.studies.predict(run, {name: [5.0, 6.0] for name in measures}).columns
    ['prediction', 'probability_setosa', 'probability_versicolor', 'probability_virginica']
    """
    return predict_with_notes(run, raw, batch_size=batch_size, beam=beam, components=components)[0]


def predict_with_notes(
    run: Run, raw: Any, *, batch_size: int = 1024, beam: int = 1, components: bool = False
) -> tuple[polars.DataFrame, dict[str, Any]]:
    """Predict raw new data, and say what the preparation noted: `unseen` categories, `unreadable` values,
    `quarantined` files, the `raw` frame of a table."""
    if run.preparation is None:
        raise ArtifactError(
            f"{run.folder or 'the run'} has no preparation: it cannot read raw data",
            expected="a folder 'preparation' in the run",
            fix="restore it from a copy; or give prepared inputs to run.network",
        )
    targets = getattr(run.method, "targets", None) or run.targets
    if beam != 1 and not isinstance(targets, Transcript):
        fix = "neurarium translate RUN --beam N" if isinstance(targets, Text) else "leave out --beam"
        raise OptionError("a beam is for runs that write down what is said", received=f"beam {beam}", fix=fix)
    if components and not isinstance(targets, Horizon):
        raise OptionError(
            "components are parts of a forecast", expected="a run that forecasts series", received="--components",
            fix="leave out --components",
        )  # fmt: skip
    predictor = predictor_of(run.targets)
    if predictor is not None:
        return predictor.load()(run, raw, **({"components": True} if components else {}))
    method = learner_of(run)
    batch, notes = run.preparation.apply(raw)
    outputs = outputs_of(method, batch["inputs"], batch_size=batch_size)
    frame = polars.DataFrame(columns_of(run, method, outputs, beam=beam))
    if "files" in notes:
        frame.insert_column(0, polars.Series("file", [str(each) for each in notes["files"]]))
    return frame, notes


def outputs_of(method: Method, inputs: Any, *, batch_size: int = 1024) -> Tensor:
    """Return a method's outputs for prepared inputs, on the CPU."""
    parts = []
    with evaluating(method) as device:
        source = Minibatches(
            Examples({"inputs": inputs}), batch_size, shuffle=False, device=device, rank=0, world=1
        )
        for batch in source:
            parts.append(batches.to(method.predict(batch["inputs"]), "cpu"))
    return batches.concatenate(parts)


def columns_of(run: Run, method: Method, outputs: Any, *, beam: int = 1) -> dict[str, Any]:
    """Turn a method's outputs into the columns of a table of predictions, by name; see `predict`.

    Raises:
        RefusalError: the method does not predict targets.
    """
    targets: Any = getattr(method, "targets", None) or run.targets
    make = next((COLUMNS[each] for each in type(targets).__mro__ if each in COLUMNS), None)
    if make is None:
        raise RefusalError(f"{type(method).__name__} does not predict targets", fix="use run.network")
    return make(run, method, targets, outputs.float(), beam)


def _of_classes(run: Run, method: Method, targets: Classes, outputs: Tensor, beam: int) -> dict[str, Any]:
    columns = _classes(targets, outputs, rule_of(run))
    if (sets := sets_of(run)) is not None:
        columns["prediction_set"] = named(sets, targets, targets.probabilities(outputs))
    return columns


def _of_quantities(run: Run, method: Method, targets: Quantity, outputs: Tensor, beam: int) -> dict[str, Any]:
    return _quantities(targets, getattr(method, "loss", None), outputs, intervals_of(run))


def _of_several(run: Run, method: Method, targets: Targets, outputs: Tensor, beam: int) -> dict[str, Any]:
    return _side_by_side(targets, method, outputs, intervals_of(run))


def _of_transcripts(
    run: Run, method: Method, targets: Transcript, outputs: Tensor, beam: int
) -> dict[str, Any]:
    said, likelihoods = transcribed(outputs, targets, beam=beam)
    return {"prediction": said, "probability": likelihoods}


COLUMNS: dict[type, Any] = {
    Classes: _of_classes,
    Quantity: _of_quantities,
    Targets: _of_several,
    Transcript: _of_transcripts,
}


def _classes(targets: Classes, outputs: Tensor, rule: DecisionRule | None = None) -> dict[str, Any]:
    probabilities = targets.probabilities(outputs)
    if targets.several:
        chosen = probabilities > 0.5 if rule is None else rule.decide(probabilities)
        labels = [
            ", ".join(n for n, on in zip(targets.names, row, strict=True) if on) for row in chosen.tolist()
        ]
    else:
        chosen = probabilities.argmax(dim=1) if rule is None else rule.decide(probabilities)
        labels = [targets.names[number] for number in chosen.tolist()]
    columns: dict[str, Any] = {"prediction": labels}
    for number, name in enumerate(targets.names):
        columns[f"probability_{name}"] = probabilities[:, number].double().numpy()
    return columns


def _side_by_side(
    targets: Targets, method: Method, outputs: Tensor, intervals: ConformalIntervals | None
) -> dict[str, Any]:
    """The columns of each target, with its name before them."""
    losses = getattr(getattr(method, "loss", None), "losses", None) or [None] * len(targets.parts)
    columns: dict[str, Any] = {}
    quantities = 0
    for (name, part, piece), loss in zip(targets.pieces(outputs), losses, strict=True):
        if isinstance(part, Classes):
            found = _classes(part, piece)
        else:
            own = None if intervals is None else intervals.of(quantities)
            quantities += 1
            found = _quantities(part, loss, piece, own)
        columns |= {f"{name}_{key}": value for key, value in found.items()}
    return columns


def _quantities(
    targets: Quantity, loss: Any, outputs: Tensor, intervals: ConformalIntervals | None
) -> dict[str, Any]:
    point = outputs if loss is None or not hasattr(loss, "point") else loss.point(outputs)
    values = targets.original(point)
    low, high = intervals.interval(values) if intervals is not None else (None, None)
    spread = loss.distribution(outputs).stddev if hasattr(loss, "distribution") else None  # type: ignore[union-attr]
    scale = torch.tensor(targets.scale or (1.0,) * len(targets.names), dtype=torch.float64)
    columns: dict[str, Any] = {}
    for number, name in enumerate(targets.names):
        start = "" if len(targets.names) == 1 else f"{name}_"
        columns[f"{start}prediction"] = values[:, number].numpy()
        if low is not None and high is not None:
            columns[f"{start}low"], columns[f"{start}high"] = low[:, number].numpy(), high[:, number].numpy()
        if spread is not None:
            columns[f"{start}std"] = (spread.double()[:, number] * scale[number]).numpy()
    return columns
