"""What it gets right and wrong: confusion, classes, ROC and precision-recall, calibration, thresholds, residuals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neurarium.data.specs import Classes, Quantity, Tags
from neurarium.report import charts, scenes
from neurarium.report.confusion import MOST, confusion
from neurarium.report.parts import Html, card, grid, section, table
from neurarium.report.words import integer, number

if TYPE_CHECKING:
    from neurarium.studies.evaluation.report import EvaluationReport

Reports = Mapping[str, "EvaluationReport"]

BESIDE = ("naive: ", "seasonal naive: ")  # metrics of the naive forecasts


def outcome(reports: Reports, found: Mapping[str, Any]) -> str:
    """The confusion matrix, ROC and precision-recall, the classes; of quantities predictions against truth."""
    report = reports.get("test") or reports.get("validation")
    if report is None:
        return ""
    if isinstance(report.targets, Classes):
        cards = _classes_cards(report, found)
    elif isinstance(report.targets, Quantity):
        cards = _quantity_cards(report, found)
    elif isinstance(report.targets, Tags):
        cards = _tags_cards(report)
    elif scenes.is_scene(report.targets):
        cards = scenes.classes_card(report)
    else:
        return ""
    return section("quality", f"What it gets right and wrong ({report.split})", grid(*cards))


def _classes_cards(report: EvaluationReport, found: Mapping[str, Any]) -> list[str]:
    cards, names = [], report.targets.names  # type: ignore[attr-defined]
    wide = len(names) > 6
    if report.confusion is not None:
        note = "Rows are the truth, columns what was predicted; shades are shares of a row."
        cards.append(card("Confusion matrix", confusion(report.confusion, names), note, wide=wide))
    classes = found.get("curves") or []
    if not classes and "roc" in report.pairs:
        classes = [{"name": "", "roc": report.pairs["roc"], "auc": report.metrics.get("auc") or 0.0}]
    if classes:
        drawn = (
            ", ".join(f"“{each['name']}”" for each in classes[:1])
            if len(classes) == 1
            else "each class against the rest"
        )
        note = (
            f"For {drawn}; the dashed line is chance." if classes[0]["name"] else "The dashed line is chance."
        )
        cards.append(card("ROC curve", charts.rates(classes, "roc"), note))
        if "pr" in classes[0]:
            cards.append(card("Precision and recall", charts.rates(classes, "pr"), f"For {drawn}."))
    shown = card("Classes", _classes(report), wide=wide)
    return [*cards[:1], shown, *cards[1:]] if not wide else [*cards, shown]


def _tags_cards(report: EvaluationReport) -> list[str]:
    cards, wide = [], len(report.per_class) > 6
    if report.spans:
        rows = [
            [name, *(number(row[key]) for key in ("precision", "recall", "f1")), f"{row['spans']:,.0f}"]
            for name, row in report.spans.items()
        ]
        made = table(
            ["type", "precision", "recall", "F1", "spans"],
            rows,
            "metrics of each type of span",
            right=range(1, 5),
        )
        note = "A span counts as found where its first word, its last one and its type are right."
        cards.append(card("Spans", made, note, wide=wide))
    if report.confusion is not None:
        names = report.targets.names  # type: ignore[attr-defined]
        note = "Token by token: rows are the truth, columns what was predicted; shades are shares of a row."
        cards.append(card("Confusion of tags", confusion(report.confusion, names), note, wide=wide))
    return [*cards, card("Tags", _classes(report, count="tokens"), wide=wide)]


def _classes(report: EvaluationReport, most: int = 60, count: str = "examples") -> str:
    ordered = list(report.per_class.items())
    note = ""
    if len(ordered) > most:
        ordered = sorted(ordered, key=lambda each: each[1]["f1"] if each[1]["f1"] == each[1]["f1"] else -1.0)[
            :most
        ]
        note = f"<p class=note>The {most} worst of {len(report.per_class)} classes.</p>"
    rows = [
        [name, *(number(row[key]) for key in ("precision", "recall", "f1")), f"{row[count]:,.0f}"]
        for name, row in ordered
    ]
    heads = ["class", "precision", "recall", "F1", count]
    return note + table(
        heads, rows, "metrics of each class", right=(1, 2, 3, 4), class_="long" if len(rows) > MOST else ""
    )


def _quantity_cards(report: EvaluationReport, found: Mapping[str, Any]) -> list[str]:
    cards = []
    details = {each["name"]: each for each in found.get("residuals") or []}
    for name, pairs in report.pairs.items():
        note = (
            f"{integer(len(pairs))} of {integer(report.examples)} examples; on the dashed line the two agree."
        )
        cards.append(card(f"Predicted against true: {name}", charts.against_truth(pairs, name), note))
        cards.append(card(f"Errors: {name}", charts.residuals(pairs, name), note.partition(";")[0] + "."))
        if name in details:
            cards += _tenths(details[name])
    return cards


def _tenths(held: Mapping[str, Any]) -> list[str]:
    name, rows = held["name"], held["tenths"]
    cards = [
        card(
            f"Errors by what was predicted: {name}",
            charts.tenths(rows, name),
            "In groups of equally many examples.",
        )
    ]
    shown = []
    for each in rows:
        covered = f"{each['covered']:.1%}" if each.get("covered") is not None else "–"
        span = f"{number(each['low'])} to {number(each['high'])}"
        shown.append([span, f"{each['examples']:,}", number(each["bias"]), number(each["mae"]), covered])
    note = ""
    if held.get("level") is not None:
        note = (
            f"The {held['level']:.0%} intervals hold {held['covered']:.1%} of the true values; "
            f"they are {number(held['width'])} wide."
        )
    heads = ["predicted", "examples", "mean error", "mean absolute error", "in the interval"]
    made = table(heads, shown, f"errors of {name} by prediction", right=(1, 2, 3, 4))
    cards.append(card(f"Intervals and errors by prediction: {name}", made, note, wide=True))
    return cards


def calibration(found: Mapping[str, Any]) -> str:
    """Whether probabilities mean what they say, and what one temperature would change."""
    held = found.get("calibration")
    if not held:
        return ""
    what = (
        f"the probability of “{held['positive']}”"
        if held.get("positive")
        else "each label"
        if held.get("several")
        else "the probability of the predicted class"
    )
    note = f"Of {what}; grey bars show how many examples there are. On the dashed line it means what it says."
    drawn = charts.reliability(held["before"], held.get("after"))
    rows = [["calibration error (ECE)", f"{held['before']['error']:.4f}"]]
    said = ""
    if "temperature" in held:
        rows = [
            [rows[0][0], rows[0][1], f"{held['after']['error']:.4f}"],
            ["log loss", *(number(each) for each in held["log_loss"])],
            ["temperature", "1", f"{held['temperature']:.3f}"],
        ]
        hot = held["temperature"]
        said = (
            "The network is about as sure as it should be." if abs(hot - 1) < 0.1
            else "The network is surer than it should be." if hot > 1 else "The network is less sure than it could be."
        )  # fmt: skip
        if held.get("bounded"):
            said = "No finite temperature is best on the validation split: it is left as it is."
        said += " The temperature is fitted on validation; neurarium calibrate RUN makes predictions use it."
    heads = ["", "as trained", "with the temperature"][: len(rows[0])]
    right = card("In numbers", table(heads, rows, "calibration", right=(1, 2)), said)
    return section(
        "calibration",
        "Do the probabilities mean what they say",
        grid(card("Reliability", drawn, note), right),
    )


def thresholds(found: Mapping[str, Any]) -> str:
    """Where to cut: F1, precision and recall over the threshold, and the best cut for what errors cost."""
    held = found.get("thresholds")
    if not held:
        return ""
    curve, best = held["curve"], held["f1"]
    series = {
        key: list(zip(curve["threshold"], curve[key.lower()], strict=True))
        for key in ("F1", "precision", "recall")
    }
    drawn = charts.curves(
        series,
        x_label="threshold",
        y_label="F1, precision, recall",
        best=best["threshold"],
        log=False,
        best_name="best F1",
    )
    note = f"Of “{held['positive']}”, on validation: predicted where its probability is above the threshold."
    costs = {_cost(row): list(zip(curve["threshold"], row["curve"], strict=True)) for row in held["costs"]}
    cost = charts.curves(costs, x_label="threshold", y_label="mean cost per example", log=False, zero=True)
    rows = [
        [
            "best F1",
            f"{best['threshold']:.3f}",
            number(best["validation"]),
            number(best.get("test")),
            number(best.get("test_at_half")),
        ]
    ]
    rows += [
        [
            f"least cost, {_cost(row)}",
            f"{row['threshold']:.3f}",
            number(row["validation"]),
            number(row.get("test")),
            number(row.get("test_at_half")),
        ]
        for row in held["costs"]
    ]
    heads = ["goal", "threshold", "validation", "test", "test at 0.5"]
    chosen = table(heads, rows, "thresholds chosen on validation", right=(1, 2, 3, 4))
    lead = "Chosen on validation, told on test. The metrics above use 0.5."
    cards = grid(
        card("F1, precision and recall", drawn, note),
        card("What errors cost", cost, "Mean cost per example on validation, for three prices."),
        card("Chosen thresholds", chosen, "F1 is better high, a cost is better low.", wide=True),
    )
    return section("thresholds", "Where to cut", cards, lead)


def _cost(row: Mapping[str, Any]) -> str:
    missed, alarm = row["missed"], row["alarm"]
    if missed == alarm:
        return "all errors cost 1"
    return f"a miss costs {missed:g}" if missed > alarm else f"a false alarm costs {alarm:g}"


def metrics(reports: Reports, found: Mapping[str, Any]) -> str:
    """All metrics of all splits with intervals, and those of the baselines."""
    from neurarium.report.words import titled

    if not reports:
        return ""
    last = list(reports.values())[-1]
    compared = [each for each in found.get("baselines") or [] if each.get("metrics")]
    heads = ["metric", *(f"{split} ({integer(report.examples)})" for split, report in reports.items())]
    heads += [each["name"] for each in compared]
    rows: list[list[Any]] = []
    for name in last.metrics:
        if compared and name.startswith(BESIDE):
            continue  # they have columns of their own
        cells: list[Any] = [_cell(report, name) for report in reports.values()]
        rows.append([titled(name), *cells, *(number(each["metrics"].get(name)) for each in compared)])
    notes = []
    if any(report.intervals for report in reports.values()):
        notes.append(
            "Small print: 95 % intervals by bootstrap over the examples of the split; they hold the chance in the choice "
            "of examples, not in training."
        )
    notes += [f"Baselines were measured on {last.split}."] if compared else []
    note = " ".join(notes)
    shown = table(heads, rows, "all metrics", right=range(1, len(heads)))
    return section("metrics", "Metrics", f"<div class=card>{shown}<p class='note foot'>{note}</p></div>")


def _cell(report: EvaluationReport, name: str) -> Html:
    bounds = report.intervals.get(name)
    shown = f"<small>{number(bounds.low)} to {number(bounds.high)}</small>" if bounds else ""
    return Html(f"{number(report.metrics.get(name))}{shown}")
