"""A closed-form learner: one step over the whole source, and its solution is saved like any weights."""

from __future__ import annotations

import numpy
import pytest
import torch
import zoo
from quantum_kernel import FidelityMachine, KernelRidge
from sklearn.kernel_ridge import KernelRidge as Oracle

from neurarium.core.errors import RefusalError, ShapeError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Quantity
from neurarium.training.fitting import fit
from neurarium.training.run import Run


def data(count: int, seed: int = 0) -> Dataset:
    chance = torch.Generator().manual_seed(seed)
    inputs = 3 * torch.rand(count, 3, generator=chance)
    targets = (torch.cos(inputs[:, :1]) * torch.sin(inputs[:, 1:2])).to(inputs.dtype)
    batch = Examples({"inputs": inputs, "targets": targets})
    return Dataset("waves", Array((3,)), Quantity(("y",)), batch)


def kernel(left: torch.Tensor, right: torch.Tensor) -> numpy.ndarray:
    """The fidelity of product states in closed form: a product of squared cosines."""
    return torch.cos((left[:, None] - right[None]) / 2).square().prod(-1).double().numpy()


def test_solution_is_that_of_scikit_learn():
    waves, new = data(60), data(20, seed=1).train.inputs
    run = fit(KernelRidge(FidelityMachine(3, 60)), waves, epochs=1, progress=False)
    oracle = Oracle(alpha=1e-3, kernel="precomputed")
    oracle.fit(kernel(waves.train.inputs, waves.train.inputs), waves.train.targets.numpy())
    expected = oracle.predict(kernel(new, waves.train.inputs))
    assert numpy.abs(run.network(new).numpy() - expected).max() < 2e-3
    truth = torch.cos(new[:, :1]) * torch.sin(new[:, 1:2])
    assert float((run.network(new) - truth).abs().max()) < 0.05
    assert len(run.history) == 1 and run.history[0]["step"] == 1  # one step over all of it


def test_run_is_reloaded(tmp_path):
    waves, new = data(30), data(20, seed=1).train.inputs
    run = fit(KernelRidge(FidelityMachine(3, 30)), waves, epochs=1, progress=False, out=tmp_path / "run")
    assert torch.equal(Run.load(tmp_path / "run").network(new), run.network(new))


@pytest.mark.parametrize("kind", [kind for kind in zoo.KINDS if kind not in ("mlp", "tied")])
def test_inputs_that_turn_no_qubits_are_refused(kind):
    with pytest.raises(ShapeError, match="each number turns one qubit"):
        FidelityMachine(3, 5)(zoo.batch(kind, 4)["inputs"])


def test_sharding_is_refused_by_name():
    with pytest.raises(RefusalError, match="KernelRidge cannot train sharded parameters"):
        fit(KernelRidge(FidelityMachine(3, 5)), data(5), epochs=1, shard=True, progress=False)
