"""fit: what it decides, what it writes, what the method learns from."""

from __future__ import annotations

import json

import pytest
import torch
import yaml
from torch import nn
from training_helpers import classes, classifier, descend, difference, examples, network, regression, source

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Classes
from neurarium.training.callbacks.callback import Callback
from neurarium.training.setting import choose_batch_size


def test_steps_of_fit_are_those_of_a_loop_written_by_hand():
    run = nr.fit(regression(optimizer="sgd", learning_rate=0.1), source(), epochs=2, progress=False)
    net, feed = network(), source()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        for batch in feed:
            optimizer.zero_grad()
            nn.functional.mse_loss(net(batch["inputs"]), batch["targets"]).backward()
            optimizer.step()
    for name, weight in net.state_dict().items():
        assert torch.allclose(weight, run.method.network.state_dict()[name], atol=1e-6)


def test_the_log_has_no_times_and_two_runs_have_the_same(tmp_path):
    for name in ("one", "two"):
        nr.fit(classifier(), classes(), epochs=3, batch_size=32, progress=False, out=tmp_path / name)
    one, two = ((tmp_path / name / "metrics.jsonl").read_text() for name in ("one", "two"))
    assert one == two
    rows = [json.loads(line) for line in one.splitlines()]
    assert [row["step"] for row in rows] == [3, 6, 9]
    assert set(rows[0]) == {"epoch", "step", "train", "rate", "validation"}
    assert "seconds" in json.loads((tmp_path / "one" / "timing.jsonl").read_text().splitlines()[0])


def test_nothing_is_written_unless_a_folder_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    nr.fit(classifier(), classes(), epochs=1, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_every_decision_says_how_to_override_it(tmp_path):
    nr.fit(classifier(), classes(), epochs=1, progress=False, out=tmp_path / "run")
    rows = json.loads((tmp_path / "run" / "plan.json").read_text())["decisions"]
    told = {row["subject"]: row for row in rows}
    assert told["batch size"]["choice"] == 32 and told["batch size"]["override"] == "--batch-size"
    assert told["monitor"]["choice"] == "loss" and told["weights held"]["choice"] == "best"
    assert all(row["reason"] for row in rows)
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["format_version"] == 1


@pytest.mark.parametrize(
    ("count", "size"), [(100, 32), (5_000, 32), (6_400, 64), (20_000, 128), (60_000, 256)]
)
def test_batch_sizes_that_are_chosen(count, size):
    assert choose_batch_size(count, []) == size


def test_callbacks_are_called_in_order():
    seen = []

    class Told(Callback):
        def start(self, loop):
            seen.append("start")

        def step(self, loop, metrics):
            seen.append(f"step {loop.step}")
            assert not metrics["loss"].requires_grad

        def evaluate(self, loop, row):
            seen.append(f"evaluate {row['step']}")

        def stop(self, loop):
            seen.append("stop")

    nr.fit(regression(), source(32, 16), epochs=2, progress=False, callbacks=[Told()])
    assert seen == ["start", "step 1", "step 2", "evaluate 2", "step 3", "step 4", "evaluate 4", "stop"]


def test_callbacks_are_stopped_when_training_fails():
    seen = []

    class Fails(Callback):
        def step(self, loop, metrics):
            raise ZeroDivisionError

        def stop(self, loop):
            seen.append("stop")

    with pytest.raises(ZeroDivisionError):
        nr.fit(regression(), source(), epochs=1, progress=False, callbacks=[Fails()])
    assert seen == ["stop"]


def test_the_mode_of_the_network_in_training_evaluation_and_after():
    modes = []
    method = classifier()
    method.network[0].register_forward_hook(
        lambda module, *_: modes.append((module.training, torch.is_grad_enabled()))
    )
    nr.fit(method, classes(32), epochs=1, batch_size=16, progress=False)
    assert modes == [(True, True), (True, True), (False, False)]
    assert not method.network.training


def unbalanced() -> Dataset:
    batch = examples(90)[:]
    targets = torch.tensor([0] * 60 + [1] * 20 + [2] * 10)
    train = Examples({"inputs": batch["inputs"], "targets": targets})
    return Dataset("unbalanced", Array((4,)), Classes(("a", "b", "c")), train)


def test_balanced_class_weights_are_weights_of_examples():
    data = unbalanced()
    weights = torch.tensor([90 / (3 * count) for count in (60, 20, 10)])
    by_class = classifier(class_weights="balanced", optimizer="sgd", learning_rate=0.1)
    run = nr.fit(by_class, data, epochs=3, batch_size=90, progress=False)
    told = next(each for each in run.decisions if each.subject == "class weights")
    assert told.choice == pytest.approx(weights.tolist(), abs=1e-4)
    weighted = Examples({**data.train.batch, "weights": weights[data.train.targets]})
    by_example = classifier(optimizer="sgd", learning_rate=0.1)
    nr.fit(
        by_example, Dataset("w", data.inputs, data.targets, weighted), epochs=3, batch_size=90, progress=False
    )
    first, second = by_class.network.state_dict(), by_example.network.state_dict()
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in first)
    plain = classifier(optimizer="sgd", learning_rate=0.1)
    nr.fit(plain, data, epochs=3, batch_size=90, progress=False)
    assert difference(dict(plain.network.state_dict()), dict(first)) is not None


def test_class_weights_of_ones_own():
    batch = unbalanced().train[:]
    method = classifier(class_weights=(0.0, 0.0, 1.0), targets=unbalanced().targets, optimizer="sgd")
    method.begin(nr.training.Context())
    rare = {name: each[80:] for name, each in batch.items()}
    assert float(method.step(batch)["loss"]) == pytest.approx(
        nn.functional.cross_entropy(classifier().network(rare["inputs"]), rare["targets"]).item(), rel=1e-5
    )


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(OptionError, match="cpu, cuda, cuda:0 or mps"):
        nr.fit(
            regression(), source(), epochs=1, device="cuda:99" if not torch.cuda.is_available() else "xpu:99"
        )


def test_a_source_without_a_batch_is_refused():
    feed = nr.data.sources.Minibatches(examples(4), 16, drop_last=True)
    with pytest.raises(OptionError, match="yields no batch"):
        nr.fit(regression(), feed, epochs=1, progress=False)


def test_a_step_on_a_batch_needs_no_fit():
    losses = descend(regression(learning_rate=0.05), examples(32)[:], 20)
    assert losses[-1] < 0.5 * losses[0]
