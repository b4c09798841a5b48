import numpy
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import DataError
from neurarium.data.preparation.loading import load_preparation


def test_saved_and_loaded_it_gives_the_same(tmp_path):
    inputs = numpy.random.default_rng(0).normal(5, 3, size=(50, 4))
    dataset = nr.data.arrays(inputs, numpy.arange(50) % 2)
    dataset.preparation.save(tmp_path)
    preparation = load_preparation(tmp_path)
    batch, notes = preparation.apply(inputs)
    assert torch.equal(batch["inputs"][dataset.rows["test"]], dataset.test.inputs)
    assert notes == {"rows": 50}
    assert preparation.apply(inputs[0])[0]["inputs"].shape == (1, 4)
    numpy.save(tmp_path / "new.npy", inputs)
    assert torch.equal(preparation.apply(tmp_path / "new.npy")[0]["inputs"], batch["inputs"])
    with pytest.raises(DataError, match="another shape"):
        preparation.apply(inputs[:, :3])
    with pytest.raises(DataError, match="not finite"):
        preparation.apply(numpy.full((1, 4), numpy.inf))
