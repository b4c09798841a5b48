"""Compiled in place: the keys of the state stay, the numbers stay; twice differentiable methods refuse by name."""

from __future__ import annotations

import shutil

import pytest
import torch
from training_helpers import difference, network, regression, source

import neurarium as nr
from neurarium.core.errors import RefusalError
from neurarium.losses import MeanSquaredError

COMPILER = shutil.which("g++") or shutil.which("clang++") or shutil.which("cl")


def test_keys_and_state_stay_as_they_are_when_compiled_in_place(monkeypatch, tmp_path):
    compiled = []
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda self, *args, **kwargs: compiled.append(type(self).__name__)
    )
    plain = nr.fit(regression(), source(), epochs=1, progress=False)
    run = nr.fit(regression(), source(), epochs=1, progress=False, compile=True, out=tmp_path / "run")
    assert compiled == ["Sequential"]
    assert difference(plain.method.state_dict(), run.method.state_dict()) is None


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler")
def test_compiled_training_gives_the_same_numbers(tmp_path):
    plain = nr.fit(regression(), source(), epochs=3, progress=False, seed=1)
    run = nr.fit(regression(), source(), epochs=3, progress=False, seed=1, compile=True, out=tmp_path / "run")
    assert run.method.network._compiled_call_impl is not None
    assert list(run.method.state_dict()) == list(plain.method.state_dict())
    assert not any("_orig_mod" in key for key in run.method.state_dict())
    for key, value in plain.method.network.state_dict().items():
        assert torch.allclose(value, run.method.network.state_dict()[key], atol=1e-5)
    loaded = nr.load(tmp_path / "run", network=network(3)).network
    assert torch.equal(loaded[0].weight, run.method.network[0].weight)


def test_what_is_differentiated_twice_is_refused_by_name(tmp_path):
    class Twice(type(regression())):
        second_order = True

    with pytest.raises(RefusalError, match="Twice differentiates twice, which compiled networks cannot"):
        nr.fit(
            Twice(network(), loss=MeanSquaredError()),
            source(),
            epochs=1,
            progress=False,
            compile=True,
            out=tmp_path / "run",
        )
    assert not (tmp_path / "run").exists()
