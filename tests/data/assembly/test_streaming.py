"""Streamed tables: the values of the table in memory, bounded memory, an order that threads and resuming leave alone."""

import numpy
import polars
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import DataError, OptionError
from neurarium.data.assembly.streamed import streamed_table
from neurarium.data.assembly.streaming import HashSplit, uniform
from neurarium.data.readers.parquet import ParquetTable
from neurarium.data.sources.minibatches import Minibatches
from neurarium.data.sources.prefetching import prefetched
from neurarium.data.sources.streamed import streamed_batches

ROWS, GROUP = 3000, 250


def frame(rows=ROWS):
    chance = numpy.random.default_rng(0)
    a, b = chance.standard_normal(rows), chance.integers(0, 300, rows).astype(float)
    b[::17] = numpy.nan
    c = chance.choice(["x", "y", "z", ""], rows)
    label = numpy.where(a + (c == "x") + 0.1 * chance.standard_normal(rows) > 0.3, "yes", "no")
    return polars.DataFrame(
        {
            "a": a,
            "b": polars.Series(b).fill_nan(None),
            "c": c.tolist(),
            "quantity": 5 + 3 * a,
            "label": label.tolist(),
        }
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("stream") / "table.parquet"
    frame().write_parquet(path, row_group_size=GROUP)
    return path


def read(path, target="label", drop=("quantity",), **options):
    return nr.data.table(path, target, stream=True, drop=drop, buffer=4 * GROUP * 8 * 5, **options)


def in_memory(data, target="label", drop=("quantity",), **options):
    rows = {name: numpy.flatnonzero(data.train.split.mask(name, 0, ROWS)) for name in data.splits}
    return nr.data.table(frame(), target, split=rows, drop=drop, **options)


def test_values_are_those_of_the_table_in_memory(path):
    data = read(path)
    held = in_memory(data)
    assert data.inputs == held.inputs and data.targets == held.targets
    for name, split in data.splits.items():
        found, wanted = split.take(slice(None)), held.splits[name].take(slice(None))
        assert len(split) == len(held.splits[name])
        for key in ("numeric", "categorical"):
            assert torch.equal(found["inputs"][key], wanted["inputs"][key])
        assert torch.equal(found["targets"], wanted["targets"])
        assert torch.equal(split.targets, wanted["targets"])


@pytest.mark.parametrize("scaling", ["standard", "quantile"])
def test_moments_are_exact_though_the_sample_is_small(path, scaling):
    options = {"target": "quantity", "drop": ("label",), "scaling": scaling}
    data = read(path, sample=200, **options)
    held = in_memory(data, **options)
    numpy.testing.assert_allclose(data.targets.mean, held.targets.mean, rtol=1e-12)
    numpy.testing.assert_allclose(data.targets.scale, held.targets.scale, rtol=1e-12)
    found, wanted = (each.train.take(slice(None))["inputs"]["numeric"] for each in (data, held))
    apart = (found - wanted)[:, 0].abs().max()  # without gaps: what fills them is of the sample
    assert apart < 1e-5 if scaling == "standard" else 0 < apart < 0.8
    sampled = next(each.choice for each in data.decisions if each.subject == "statistics")
    assert 120 < int(sampled.split()[4]) < 280


def test_labels_come_from_all_rows(tmp_path):
    rare = frame().with_columns(
        polars.when(polars.int_range(ROWS) == 2999).then(polars.lit("rare")).otherwise("label").alias("label")
    )
    rare.write_parquet(tmp_path / "rare.parquet", row_group_size=GROUP)
    data = read(tmp_path / "rare.parquet", sample=100)
    assert data.targets.names == ("no", "rare", "yes") and data.summary["classes"]["rare"] == 1


def test_rows_without_target_are_left_out(tmp_path):
    gaps = frame().with_columns(
        polars.when(polars.int_range(ROWS) % 5 == 0).then(None).otherwise("label").alias("label")
    )
    gaps.write_parquet(tmp_path / "gaps.parquet", row_group_size=GROUP)
    data = read(tmp_path / "gaps.parquet")
    assert sum(map(len, data.splits.values())) == ROWS * 4 // 5
    assert sum(len(batch["targets"]) for batch in Minibatches(data.train, 64)) == len(data.train)


def test_splits_by_hash_are_disjoint_whole_and_stable():
    split = HashSplit(0.2, 0.1, seed=3)
    masks = {name: split.mask(name, 0, 20_000) for name in ("train", "validation", "test")}
    assert (sum(mask.astype(int) for mask in masks.values()) == 1).all()
    assert [round(float(mask.mean()), 2) for mask in masks.values()] == [0.7, 0.2, 0.1]
    assert numpy.array_equal(split.mask("test", 7_000, 500), masks["test"][7_000:7_500])
    assert not numpy.array_equal(HashSplit(0.2, 0.1, seed=4).mask("test", 0, 20_000), masks["test"])
    chance = uniform(0, 100_000, 0, "split")
    assert abs(chance.mean() - 0.5) < 0.005 and abs(numpy.corrcoef(chance[1:], chance[:-1])[0, 1]) < 0.01


def test_a_buffer_of_row_groups_is_held_at_most(path):
    data = read(path)
    places = torch.cat([places for places, _ in data.train.pieces(shuffle=True, seed=0, epoch=0)])
    assert data.train.largest_taken == 4  # of the twelve
    assert sorted(places.tolist()) == list(range(len(data.train)))
    assert max(len(window) for window in data.train.windows(shuffle=False, seed=0, epoch=0)) == 1
    assert (places[1:] - places[:-1]).abs().float().mean() > len(
        data.train
    ) / 8  # far from the order of the file


def test_epochs_have_orders_of_their_own_and_seeds_too(path):
    data = read(path)

    def order(seed, epoch):
        return torch.cat([places for places, _ in data.train.pieces(shuffle=True, seed=seed, epoch=epoch)])

    assert torch.equal(order(0, 0), order(0, 0))
    assert not torch.equal(order(0, 0), order(0, 1)) and not torch.equal(order(0, 0), order(1, 0))


def test_batches_are_the_same_whatever_is_prefetched(path):
    data = read(path)
    spans = [(first, min(first + 70, len(data.train))) for first in range(0, len(data.train), 70)]
    orders = [
        list(streamed_batches(data.train, spans, shuffle=True, seed=5, epoch=2, ahead=ahead))
        for ahead in (0, 1, 3)
    ]
    for other in orders[1:]:
        for (places, batch), (others, same) in zip(orders[0], other, strict=True):
            assert torch.equal(places, others) and torch.equal(
                batch["inputs"]["numeric"], same["inputs"]["numeric"]
            )
    whole = data.train.take(torch.cat([places for places, _ in orders[0]]))
    assert torch.equal(whole["targets"], torch.cat([batch["targets"] for _, batch in orders[0]]))


def test_an_epoch_goes_on_where_it_was_left(path):
    data = read(path)
    source = Minibatches(data.train, 64, seed=1)
    whole = [batch["inputs"]["numeric"] for batch in source]
    for place in (1, 9, 17, len(whole) - 1):
        resumed = Minibatches(data.train, 64, seed=1)
        resumed.load_state_dict({"epoch": 0, "position": place})
        rest = [batch["inputs"]["numeric"] for batch in resumed]
        assert len(rest) == len(whole) - place
        assert all(torch.equal(a, b) for a, b in zip(rest, whole[place:], strict=True))
        assert resumed.state_dict() == {"epoch": 1, "position": 0}


def test_two_ranks_share_each_batch(path):
    data = read(path)
    alone = [batch["targets"] for batch in Minibatches(data.train, 64, seed=1)]
    ranks = [list(Minibatches(data.train, 64, seed=1, rank=rank, world=2)) for rank in (0, 1)]
    for batch, first, second in zip(alone, *ranks, strict=True):
        assert torch.equal(batch, torch.cat([first["targets"], second["targets"]]))


def test_a_run_resumed_within_an_epoch_is_bitwise_the_same(path, tmp_path):
    def run(steps, out, resume=False):
        data = read(path)
        torch.manual_seed(0)
        method = nr.methods.Supervised(nr.networks.MLP.for_data(data.inputs, data.targets, widths=(16,)))
        return nr.fit(
            method, data, steps=steps, batch_size=64, out=out, resume=resume, progress=False, keep="last"
        )

    whole = run(45, tmp_path / "whole").method.network.state_dict()
    run(20, tmp_path / "cut")
    again = run(45, tmp_path / "cut", resume=True).method.network.state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_a_streamed_run_learns_and_predicts(path, tmp_path):
    run = nr.studies.train(
        read(path), "mlp", options={"widths": "32"}, epochs=5, out=tmp_path / "run", progress=False
    )
    assert run.results["test"]["accuracy"] > 0.9
    again = nr.Run.load(tmp_path / "run")
    found = nr.studies.predict(again, frame().head(50))["prediction"].to_list()
    assert numpy.mean([a == b for a, b in zip(found, frame()["label"].head(50), strict=True)]) > 0.85
    balanced = nr.studies.train(
        read(path), "mlp", options={"widths": "8", "class_weights": "balanced"}, epochs=1, progress=False
    )
    assert any(each.subject == "class weights" for each in balanced.decisions)


def test_too_large_for_the_free_memory_is_streamed_by_itself(path, tmp_path, monkeypatch):
    from neurarium.data.assembly import streamed

    monkeypatch.setattr(streamed, "SMALL", 0)
    monkeypatch.setattr(streamed, "free_memory", lambda: 100_000)
    data = nr.data.table(path, "label")
    assert data.summary["streamed"] and "more than 25%" in data.decisions[0].reason
    monkeypatch.setattr(streamed, "free_memory", lambda: 10_000_000)
    assert "streamed" not in nr.data.table(path, "label").summary
    monkeypatch.setattr(streamed, "free_memory", lambda: 100_000)
    assert "streamed" not in nr.data.table(path, "label", stream=False).summary


def test_splits_of_their_own(path, tmp_path):
    frame().head(40).write_csv(tmp_path / "test.csv")
    data = read(path, test=tmp_path / "test.csv", validation=0.1)
    assert len(data.test) == 40 and len(data.train) + len(data.validation) == ROWS


def test_what_needs_all_rows_is_refused(path, tmp_path):
    with pytest.raises(OptionError, match="streamed table takes no group="):
        read(path, group="c")
    with pytest.raises(OptionError, match="only Parquet"):
        nr.data.table(frame(), "label", stream=True)
    with pytest.raises(DataError, match=r"there is no column in .*'lable'") as caught:
        read(path, target="lable")
    assert "did you mean 'label'?" in str(caught.value)
    with pytest.raises(OptionError, match="leave nothing to train on"):
        read(path, validation=0.6, test_fraction=0.5)


def test_an_infinite_number_is_found_before_training(tmp_path):
    bad = frame().with_columns(
        polars.when(polars.int_range(ROWS) == 1234).then(float("inf")).otherwise("a").alias("a")
    )
    bad.write_parquet(tmp_path / "bad.parquet", row_group_size=GROUP)
    with pytest.raises(DataError, match=r"column 'a' .* infinite number in row 1235"):
        read(tmp_path / "bad.parquet")


def test_a_row_group_too_large_is_refused(path, monkeypatch):
    from neurarium.data.assembly import streamed

    monkeypatch.setattr(streamed, "LARGEST", 1000)
    with pytest.raises(DataError, match=r"row group .* too large"):
        streamed_table(ParquetTable([path]), "label")


def test_prefetching_hands_on_errors_and_ends():
    def broken():
        yield 1
        raise ValueError("broken")

    items = prefetched(broken())
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken"):
        next(items)
    endless = prefetched(iter(int, 1))
    assert next(endless) == 0
    endless.close()
