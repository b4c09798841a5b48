"""A new head: all else keeps its weights, and what was changed is rebuilt from its plan."""

import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
from neurarium.data import Classes, Dataset, Examples, Image
from neurarium.transforms import NewHead, new_head


def pictures():
    chance = torch.Generator().manual_seed(0)
    examples = Examples(
        {"inputs": torch.randn(12, 3, 16, 16, generator=chance), "targets": torch.arange(12) % 3}
    )
    return Dataset("pictures", Image(3, 16, 16), Classes(("a", "b", "c")), examples)


def test_a_new_head_keeps_all_else_and_is_rebuilt(tmp_path):
    network = nr.networks.MobileNetV3Small(3, 5, width=0.25, small=True)
    fresh = new_head(network, Classes(("a", "b", "c")), seed=3).eval()
    assert fresh(torch.zeros(2, 3, 16, 16)).shape == (2, 3) and network.classifier[3].out_features == 5
    same = {
        name
        for name, value in fresh.state_dict().items()
        if torch.equal(value, network.state_dict().get(name, value * 0 + 7))
    }
    assert set(fresh.state_dict()) - same == {"classifier.3.weight", "classifier.3.bias"}
    run = nr.fit(nr.methods.Supervised(fresh), pictures(), epochs=1, out=tmp_path / "run", progress=False)
    again = nr.load(tmp_path / "run").network
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(again.eval()(images), run.network.eval()(images))
    whole = new_head(network, 2, whole=True)
    assert isinstance(whole.classifier, torch.nn.Linear) and whole(images).shape == (2, 2)
    with pytest.raises(RefusalError, match="no head"):
        new_head(torch.nn.Linear(2, 2), 3)
    with pytest.raises(OptionError, match="too few outputs"):
        NewHead(0)
