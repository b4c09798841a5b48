"""The same seed gives bitwise the same, with 0, 1 or 4 processes that decode files."""

from __future__ import annotations

import pytest
import torch
from training_helpers import StopAt, difference, examples, regression

import neurarium as nr
from neurarium.data.examples import FileExamples
from neurarium.data.sources import Minibatches


class Reader:
    """Reads an example: in a worker its numbers come out of the same place."""

    def __init__(self, count: int):
        batch = examples(count)[:]
        self.inputs, self.targets = batch["inputs"], batch["targets"]

    def __call__(self, index: int):
        return {"inputs": self.inputs[index].clone(), "targets": self.targets[index].clone()}


def augment(batch, chance):
    """Noise drawn by (seed, epoch, example), and a mixture drawn by (seed, epoch, batch)."""
    mixed = torch.randperm(len(batch["inputs"]), generator=chance.generator("mix"))
    noise = chance.uniform("noise", 4) - 0.5
    return {**batch, "inputs": batch["inputs"] + noise + 0.1 * batch["inputs"][mixed]}


def trained(workers: int, **options):
    data = FileExamples(Reader(40), 40)
    feed = Minibatches(data, 12, workers=workers, augment=augment, seed=3)
    return nr.fit(regression(dropout=0.2), feed, epochs=2, progress=False, **options)


@pytest.mark.parametrize("workers", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_weights_and_log_are_the_same_with_any_number_of_workers(workers):
    none, run = trained(0), trained(workers)
    assert difference(none.method.state_dict(), run.method.state_dict()) is None
    assert none.history == run.history


def test_files_and_memory_are_the_same():
    kept = Minibatches(examples(40), 12, augment=augment, seed=3)
    run = nr.fit(regression(dropout=0.2), kept, epochs=2, progress=False)
    assert difference(run.method.state_dict(), trained(0).method.state_dict()) is None


def test_a_run_goes_on_with_another_number_of_workers(tmp_path):
    trained(0, out=tmp_path / "run", callbacks=[StopAt(6)])
    resumed = trained(1, out=tmp_path / "run", resume=True)
    assert difference(resumed.method.state_dict(), trained(0).method.state_dict()) is None


def test_augmentation_does_something_and_depends_on_the_seed():
    def weights(seed, **options):
        feed = Minibatches(examples(40), 12, seed=seed, **options)
        run = nr.fit(regression(dropout=0.2), feed, epochs=2, progress=False)
        return torch.cat([each.flatten() for each in run.network.parameters()])

    changed = weights(3, augment=augment)
    assert float((changed - weights(3)).abs().max()) > 1e-4
    assert float((changed - weights(4, augment=augment)).abs().max()) > 1e-4
    assert float((changed - weights(3, augment=augment)).abs().max()) == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_a_seed_is_a_run(seed):
    def once(number):
        return nr.fit(regression(dropout=0.5), Minibatches(examples(40), 12, seed=number), epochs=2, seed=number,
                      progress=False)  # fmt: skip

    assert difference(once(seed).method.state_dict(), once(seed).method.state_dict()) is None
    assert difference(once(seed).method.state_dict(), once(seed + 1).method.state_dict()) is not None
