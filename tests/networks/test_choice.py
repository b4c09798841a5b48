"""The choice of a network by name or by what one example is."""

from __future__ import annotations

import pytest

from neurarium.core.errors import OptionError, RefusalError
from neurarium.data.specs import Array, Classes, Image, Quantity, Table, Unlabeled
from neurarium.networks import MLP, TabM, network_for

CLASSES = Classes(("no", "yes"))


def test_the_default_follows_the_inputs():
    found = [network_for(spec, CLASSES) for spec in (Table(("a",)), Image(1, 8, 8), Array((3,)))]
    assert [each.name for each in found] == ["tabm", "cnn", "mlp"]
    assert isinstance(found[0].network, TabM)
    assert all(len(each.reason) > 20 for each in found)


def test_options_may_be_text():
    choice = network_for(
        Table(("a",)),
        Quantity(("y",)),
        "mlp",
        widths="8,4",
        dropout="0.5",
        residual="true",
        distribution="gaussian",
    )
    assert isinstance(choice.network, MLP)
    assert choice.network.feature_dim == 4
    assert choice.network.body[2].p == 0.5
    assert choice.network.head.out_features == 2
    assert (
        network_for(Table(("a",)), Quantity(("y",)), "mlp", distribution="none").network.head.out_features
        == 1
    )


def test_mistakes_are_named():
    with pytest.raises(OptionError, match="did you mean 'tabm'"):
        network_for(Table(("a",)), CLASSES, "tabn")
    with pytest.raises(OptionError, match="did you mean 'widths'"):
        network_for(Table(("a",)), CLASSES, "mlp", width=3)
    with pytest.raises(OptionError, match="wrong type"):
        network_for(Table(("a",)), CLASSES, "mlp", widths="eight")
    with pytest.raises(OptionError, match="follows from the data"):
        network_for(Table(("a",)), CLASSES, "mlp", outputs="3")
    with pytest.raises(OptionError, match="no default network for Unlabeled"):
        network_for(Unlabeled(), CLASSES)
    with pytest.raises(RefusalError, match="cannot take Table"):
        network_for(Table(("a",)), CLASSES, "cnn")
