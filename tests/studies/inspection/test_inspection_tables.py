"""Planted faults of tables are found with their numbers; clean tables give no warning."""

from __future__ import annotations

import datetime

import numpy
import polars
import pytest

import neurarium as nr
from neurarium.core.errors import DataError
from neurarium.studies.inspection.finding import Finding
from neurarium.studies.inspection.result import Inspection


def check(*source, **options) -> Inspection:
    return nr.studies.check_data(*source, timing=False, **options)


def one(found: Inspection, kind: str, subject: str) -> Finding:
    rows = found.of(kind, subject)
    assert len(rows) == 1, f"{kind} of {subject}: {found}"
    return rows[0]


@pytest.fixture(scope="module")
def found(faulty_table):
    """Return what is found in the faulty table, all rows in training but those of a test table drawn alike."""
    return check(faulty_table(), "sick", test=faulty_table(400, 1), validation=0.0)


@pytest.mark.parametrize(
    ("kind", "subject", "severity", "numbers"),
    [
        ("constant", "column country", "warning", {"rows": 1000}),
        ("nearly constant", "column flag", "note", {"most": 998, "rows": 1000}),
        ("identifier", "column key", "note", {"rows": 1000}),
        ("zeros for missing", "column glucose", "warning", {"zeros": 30, "rows": 1000}),
        ("sentinel", "column income", "warning", {"value": -999.0, "count": 20}),
        ("outlier", "column dose", "warning", {"count": 1}),
        ("mixed types", "column age", "warning", {"numbers": 990, "others": 10}),
        ("spellings", "column town", "warning", {"values": 1}),
        ("leak", "column outcome", "error", {"score": 1.0}),
        ("leak", "column after", "error", {}),
        ("missing", "column gaps", "warning", {"missing": 700, "rows": 1000}),
        ("equal columns", "columns weight, weight again", "warning", {"rows": 1000}),
        ("correlation", "columns weight, grams", "note", {"correlation": 1.0}),
        ("group candidate", "column patient", "note", {"values": 200}),
    ],
)
def test_planted_faults_are_found_with_their_numbers(found, kind, subject, severity, numbers):
    each = one(found, kind, subject)
    assert each.severity == severity
    assert {name: each.numbers[name] for name in numbers} == numbers
    assert each.seen and each.matters


def test_the_sound_columns_of_the_faulty_table_are_not_blamed(found):
    blamed = {each.subject for each in found.findings if each.severity != "note"}
    assert not blamed & {
        "column height",
        "column weight",
        "column city",
        "column patient",
        "train rows",
        "classes",
    }


@pytest.mark.parametrize("name", ["iris", "wine", "breast-cancer", "diabetes"])
def test_clean_sets_give_no_warning(name):
    assert not check(name).grave


@pytest.mark.parametrize(
    ("name", "folder"), [("adult", "adult"), ("california-housing", "california_housing")]
)
def test_real_sets_give_no_warning(name, folder, shared_data):
    shared_data(folder)
    found = check(name, rows=5000)
    assert not found.grave, found
    if name == "adult":
        assert one(found, "missing", "column occupation").numbers == {"missing": 1579, "rows": 27677}
        assert one(found, "sentinel", "column capital-gain").numbers["value"] == 99999
        assert found.facts["drift"]["auc"] < 0.53
    else:
        assert one(found, "capped", "target median_house_value").numbers["value"] == 500001


def test_clean_tables_give_no_warning(clean_table):
    for seed in range(3):
        found = check(clean_table(seed=seed), "sick", test=clean_table(300, seed + 10))
        assert not found.grave, found


def test_row_order_does_not_change_the_findings(faulty_table):
    train, test = faulty_table(), faulty_table(400, 1)
    order = numpy.random.default_rng(5).permutation(train.height)
    first, second = (check(each, "sick", test=test, validation=0.0) for each in (train, train[order]))

    def told(inspection):
        return [
            (each.severity, each.kind, each.subject, each.seen, each.numbers) for each in inspection.findings
        ]

    assert told(first) == told(second)
    assert first.facts["leakage"] == second.facts["leakage"]
    assert first.facts["drift"] == second.facts["drift"]


def test_duplicates_within_and_across_splits(clean_table):
    train, test = clean_table(400, 1), clean_table(100, 2)
    doubled, leaked = polars.concat([train, train[:20]]), polars.concat([test, train[50:90]])
    found = check(doubled, "sick", test=leaked, validation=0.0)
    within, across = (
        one(found, "duplicates", "train rows"),
        one(found, "duplicates across splits", "test rows"),
    )
    assert (within.severity, within.numbers) == ("warning", {"repeated": 20, "rows": 420})
    assert within.where == (401, 402, 403, 404, 405)
    assert (across.severity, across.numbers) == ("error", {"repeated": 40, "rows": 140})
    assert across.where == (101, 102, 103, 104, 105)


def test_equal_rows_are_no_wonder_where_few_different_ones_are_possible():
    chance = numpy.random.default_rng(0)
    coarse = polars.DataFrame({"sex": chance.choice(["f", "m"], 400), "age": chance.integers(20, 60, 400),
                               "kind": chance.choice(["a", "b"], 400)})  # fmt: skip
    found = check(coarse, "kind")
    each = one(found, "duplicates across splits", "test rows")
    assert each.severity == "note"
    assert each.numbers["repeated"] > 30
    assert "no wonder" in each.seen


def test_conflicting_duplicates_bound_the_accuracy(clean_table):
    train = clean_table(400, 1)
    turned = train[:30].with_columns(sick=polars.col("sick").replace({"yes": "no", "no": "yes"}))
    each = one(check(polars.concat([train, turned]), "sick", test=clean_table(50, 2), validation=0.0),
               "conflicting duplicates", "train rows")  # fmt: skip
    assert each.numbers["rows"] == 60
    assert each.numbers["best_accuracy"] == pytest.approx(400 / 430)


def test_conflicting_quantities_bound_the_error():
    frame = polars.DataFrame({"x": [1.0, 1.0, 2.0, 3.5] * 1, "y": [0.0, 2.0, 5.5, 9.0]})
    frame = polars.concat(
        [frame, polars.DataFrame({"x": numpy.arange(10, 46.0), "y": numpy.arange(10, 46.0) * 1.5})]
    )
    found = check(frame, "y", validation=0.0, options={"test_fraction": 0.0})
    assert one(found, "conflicting duplicates", "train rows").numbers["least_rmse"] == pytest.approx(
        (2 / 40) ** 0.5
    )


def test_group_leak(clean_table):
    train = clean_table(300, 1).with_columns(patient=polars.Series([f"p{row // 3}" for row in range(300)]))
    test = clean_table(90, 2).with_columns(patient=polars.Series([f"p{row // 3 + 90}" for row in range(90)]))
    found = check(train, "sick", test=test, group="patient", validation=0.0)
    assert one(found, "group leak", "column patient").numbers == {"groups": 10, "rows": 30}
    own = check(train, "sick", group="patient")
    assert not own.of("group leak")


def test_a_group_that_shares_its_target_is_a_warning():
    chance = numpy.random.default_rng(0)
    people = numpy.repeat(numpy.arange(100), 6)
    kind = numpy.where(chance.random(100) < 0.5, "a", "b")[people]
    frame = polars.DataFrame(
        {"patient": people, "level": chance.normal(0, 1, 600).round(3), "kind": kind.tolist()}
    )
    each = one(check(frame, "kind"), "group candidate", "column patient")
    assert each.severity == "warning"
    assert each.numbers["alike"] == 1.0


def test_time_leak(clean_table):
    day = datetime.date(2024, 1, 1)
    train = clean_table(100, 1).with_columns(
        day=polars.Series([day + datetime.timedelta(row) for row in range(100)])
    )
    test = clean_table(40, 2).with_columns(
        day=polars.Series([day + datetime.timedelta(row + 80) for row in range(40)])
    )
    found = check(train, "sick", test=test, time="day", validation=0.0)
    assert one(found, "time leak", "column day").numbers == {"late": 20, "rows": 100}
    assert not check(train, "sick", time="day").of("time leak")
    assert one(check(train, "sick"), "time candidate", "column day").severity == "note"


def test_drift_names_the_column_and_the_rest_stays(clean_table):
    test = clean_table(400, 2).with_columns(height=polars.col("height") + 12)
    found = check(clean_table(), "sick", test=test)
    each = one(found, "drift", "column height")
    assert each.severity == "warning"
    assert each.numbers["statistic"] == pytest.approx(0.45, abs=0.08)
    assert not found.of("drift", "column weight")
    assert one(found, "domain", "test rows").numbers["auc"] > 0.75


def test_a_regression_target_is_given_away():
    chance = numpy.random.default_rng(0)
    price, other = chance.gamma(3, 100, 500).round(1), chance.normal(0, 1, 500).round(3)
    frame = polars.DataFrame(
        {"cents": price * 100, "other": other, "about": price + chance.normal(0, 1, 500), "price": price}
    )
    found = check(frame, "price")
    assert "linear" in one(found, "leak", "column cents").seen
    assert one(found, "leak", "column about").severity in ("error", "warning")
    assert not found.of("leak", "column other")


def test_missing_values_that_give_the_target_away():
    chance = numpy.random.default_rng(0)
    sick = chance.random(400) < 0.5
    dose = [float(value) if ill else None for ill, value in zip(sick, chance.normal(5, 1, 400), strict=True)]
    frame = polars.DataFrame({"dose": dose, "age": chance.normal(50, 10, 400), "sick": sick})
    assert one(check(frame, "sick"), "leak", "column dose").numbers["score"] == 1.0


def test_imbalance_and_rare_classes(clean_table):
    frame = clean_table(1000, 0)
    labels = ["usual"] * 960 + ["odd"] * 35 + ["rare"] * 5
    found = check(
        frame.with_columns(sick=polars.Series(labels)), "sick", validation=0.0, options={"test_fraction": 0.0}
    )
    assert one(found, "imbalance", "classes").numbers == {
        "largest": 960,
        "smallest": 5,
        "total": 1000,
        "ratio": 192.0,
    }
    assert one(found, "rare classes", "classes").numbers == {"classes": 1, "fewest": 5}


def test_labels_that_differ_by_case_alone(clean_table):
    frame = clean_table().with_columns(sick=polars.when(polars.int_range(polars.len()) < 40).then(
        polars.col("sick").str.to_uppercase()).otherwise("sick"))  # fmt: skip
    each = one(check(frame, "sick"), "spellings", "target sick")
    assert (each.severity, each.numbers) == ("warning", {"values": 2})


def test_blanks_around_values_are_noted(tmp_path, clean_table):
    rows = clean_table(200).with_columns(
        city=polars.when(polars.int_range(polars.len()) < 9).then(polars.col("city") + " ").otherwise("city")
    )
    rows.write_csv(tmp_path / "cities.csv")
    each = one(check(tmp_path / "cities.csv", "sick"), "blanks", "column city")
    assert each.severity == "note"
    assert each.numbers["values"] >= 3


def test_what_training_would_refuse_is_a_finding_and_the_rest_is_looked_at(clean_table):
    test = clean_table(60, 1).with_columns(sick=polars.lit("perhaps"))
    found = check(clean_table().with_columns(country=polars.lit("CH")), "sick", test=test)
    assert "labels that the training rows do not have" in one(found, "training", "the table").seen
    assert one(found, "constant", "column country").severity == "warning"


def test_an_unknown_target_is_an_error_of_the_user(clean_table, tmp_path):
    clean_table().write_csv(tmp_path / "x.csv")
    with pytest.raises(DataError, match="did you mean 'sick'"):
        check(tmp_path / "x.csv", "sik")


def test_without_a_target_the_columns_are_looked_at(faulty_table):
    found = check(faulty_table())
    assert one(found, "sentinel", "column income").numbers["count"] == 20
    assert not found.of("leak")
    assert "target" not in found.facts


def test_large_tables_are_sampled_and_say_so(clean_table):
    found = check(clean_table(3000), "sick", rows=500, validation=0.0)
    assert found.facts["looked_at"]["train"] == 500
    assert found.facts["columns"][0]["rows"] == found.facts["splits"]["train"] == 2550


def test_the_data_is_not_changed(tmp_path, faulty_table):
    path = tmp_path / "t.csv"
    faulty_table().write_csv(path)
    before = path.read_bytes()
    check(path, "sick")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["t.csv"]


def test_several_targets_are_looked_at_one_by_one(clean_table):
    frame = clean_table()
    found = check(frame.with_columns(inches=polars.col("height") / 2.54), ("sick", "height", "weight"))
    assert found.facts["target"]["task"] == "classification"
    assert found.facts["targets"]["height"]["target"]["task"] == "regression"
    assert {each["name"] for each in found.facts["columns"]} == {"city", "inches"}
    leaks = [each.subject for each in found.of("leak")]
    assert leaks and all("inches" in each and "for height" in each for each in leaks)


def test_time_and_memory_are_measured(clean_table):
    cost = nr.studies.check_data(clean_table(200), "sick").facts["cost"]
    assert cost["steps"] == cost["epochs"] * cost["steps_per_epoch"]
    assert cost["seconds"] == pytest.approx(cost["milliseconds_per_step"] * cost["steps"] / 1000, rel=0.01)
    assert cost["bytes"] > 4 * cost["parameters"]


def test_repr_and_json_hold_the_findings(found):
    text, value = repr(found), found.to_json()
    assert "error: column outcome: it alone predicts the target" in text
    assert value["counts"] == found.counts
    assert {each["kind"] for each in value["findings"]} == {each.kind for each in found.findings}
