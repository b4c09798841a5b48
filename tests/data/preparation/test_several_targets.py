import numpy
import torch

import neurarium as nr
from neurarium.data.preparation.several_targets import SeveralTargets
from neurarium.data.specs import Classes, Quantity, Targets, spec_from_json

ROWS = 120
X = numpy.random.default_rng(3).normal(size=ROWS)
TABLE = {
    "x": X,
    "sold": ["yes" if each > 0 else "no" for each in X],
    "price": [None if n == 5 else float(each) * 3 + 10 for n, each in enumerate(X)],
    "tags": [("a;b", "a", "b", "c", "c;a")[n % 5] for n in range(ROWS)],
}
COLUMNS = ("sold", "price", "tags")


def test_each_target_is_encoded_by_its_own_rules():
    data = nr.data.table(TABLE, COLUMNS)
    kinds = [type(part).__name__ for part in data.targets.parts]
    assert kinds == ["Classes", "Quantity", "Classes"]
    assert data.targets.parts[2].several
    assert data.targets.names == COLUMNS
    assert data.targets.outputs == 1 + 1 + 3
    batch = data.train[:]["targets"]
    assert {name: each.dtype for name, each in batch.items()} == {
        "sold": torch.int64, "price": torch.float32, "tags": torch.float32,
    }  # fmt: skip
    assert abs(float(batch["price"].mean())) < 1e-6
    assert sum(map(len, data.splits.values())) == ROWS - 1  # the row without a price
    assert data.summary["classes"]["tags: c"] == 48


def test_the_spec_survives_json_and_cuts_outputs():
    spec = Targets((Classes(("a", "b", "c"), column="k"), Quantity(("q",), (1.0,), (2.0,))))
    assert spec_from_json(spec.to_json()) == spec
    pieces = spec.pieces(torch.arange(8.0).reshape(2, 4))
    assert [(name, each.shape[1]) for name, _, each in pieces] == [("k", 3), ("q", 1)]


def test_the_saved_preparation_gives_the_very_same_targets(tmp_path):
    data = nr.data.table(TABLE, COLUMNS)
    data.preparation.save(tmp_path)
    again = nr.data.load_preparation(tmp_path)
    assert isinstance(again.target, SeveralTargets)
    complete = {name: [each for n, each in enumerate(values) if n != 5] for name, values in TABLE.items()}
    batch, _ = again.apply(complete)
    rows = torch.tensor([row - (row > 5) for row in data.rows["test"]])
    for name in COLUMNS:
        assert torch.equal(batch["targets"][name][rows], data.test[:]["targets"][name])


def test_numbers_are_quantities_unless_said_otherwise():
    rows = {"x": X, "a": numpy.arange(ROWS) % 3, "b": X * 2}
    assert nr.data.table(rows, ("a", "b")).targets.names == ("a", "b")
    mixed = nr.data.table(rows, ("a", "b"), types={"a": "categorical"}).targets
    assert [type(part).__name__ for part in mixed.parts] == ["Classes", "Quantity"]
