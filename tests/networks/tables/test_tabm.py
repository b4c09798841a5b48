"""TabM against members computed one by one, and its combined predictions."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from neurarium.core.errors import OptionError
from neurarium.data.specs import Array, Classes, Quantity, Table
from neurarium.networks import TabM


def test_each_member_of_the_mini_variant_is_a_perceptron_of_its_own():
    torch.manual_seed(0)
    network = TabM(4, 2, widths=(6, 5), ensemble_size=3, embedding="none", dropout=0.1).eval()
    inputs = torch.randn(7, 4)
    members = network.members(inputs)
    first, second = network.body[0], network.body[3]
    for m in range(3):
        hidden = first(inputs * network.scale.weight[m]).relu()
        hidden = second(hidden).relu()
        expected = functional.linear(hidden, network.head.weight[m].T, network.head.bias[m])
        torch.testing.assert_close(members[:, m], expected)
    assert set(network.scale.weight.flatten().tolist()) == {-1.0, 1.0}


def test_the_full_variant_has_scalings_in_every_layer():
    torch.manual_seed(0)
    network = TabM(4, 2, widths=(6, 5), ensemble_size=3, variant="full", embedding="none", dropout=0.1).eval()
    assert set(network.body[0].scale_in.weight.flatten().tolist()) == {-1.0, 1.0}
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    inputs = torch.randn(7, 4)
    members = network.members(inputs)
    assert sum(each.numel() for each in network.parameters()) == 4 * 6 + 6 * 5 + 3 * (
        4 + 6 + 6 + 6 + 5 + 5 + 12
    )
    for m in range(3):
        hidden = inputs
        for layer in (network.body[0], network.body[3]):
            hidden = (
                layer.linear(hidden * layer.scale_in.weight[m]) * layer.scale_out.weight[m] + layer.bias[m]
            )
            hidden = hidden.relu()
        expected = functional.linear(hidden, network.head.weight[m].T, network.head.bias[m])
        torch.testing.assert_close(members[:, m], expected, atol=1e-5, rtol=1e-5)


def test_the_mini_variant_shares_all_but_scalings_and_heads():
    one, many = (TabM(10, 1, widths=(64, 64), ensemble_size=k, embedding="none") for k in (1, 32))
    count = [sum(parameter.numel() for parameter in network.parameters()) for network in (one, many)]
    assert count[1] - count[0] == 31 * (10 + 64 + 1)


@pytest.mark.parametrize(
    ("targets", "mean"),
    [
        (Classes(("no", "yes")), lambda members: members.sigmoid().mean(1)),
        (Classes(("a", "b", "c")), lambda members: members.softmax(2).mean(1)),
        (Classes(("a", "b", "c"), several=True), lambda members: members.sigmoid().mean(1)),
    ],
)
def test_classes_get_the_mean_of_the_probabilities(targets, mean):
    torch.manual_seed(0)
    network = TabM.for_data(Array((4,)), targets, widths=(8,), ensemble_size=5).eval()
    inputs = torch.randn(6, 4)
    probabilities = targets.probabilities(network(inputs))[:, -targets.outputs :]
    torch.testing.assert_close(probabilities, mean(network.members(inputs)))


def test_quantities_get_the_mean():
    network = TabM.for_data(Array((4,)), Quantity(("y",)), widths=(8,), ensemble_size=5).eval()
    inputs = torch.randn(6, 4)
    torch.testing.assert_close(network(inputs), network.members(inputs).mean(1))


def test_all_numbers_of_a_column_start_with_one_scale():
    network = TabM.for_data(Table(("a", "b"), ("c",), (5,)), Quantity(("y",)), widths=(8,), embedding_dim=3)
    scale = network.scale.weight
    assert network.embedding.chunks == (3, 3, 4)
    assert torch.equal(scale[:, 0], scale[:, 2])
    assert torch.equal(scale[:, 6], scale[:, 9])
    assert not torch.equal(scale[:, 2], scale[:, 3])


def test_edges_of_the_data_become_bins():
    table = Table(("a", "b"), edges=((0.0, 1.0, 2.0, 4.0), (5.0,)))
    network = TabM.for_data(table, Quantity(("y",)), widths=(8,))
    encoding = network.embedding.numeric.encoding
    assert encoding.bins == (3, 1)
    assert encoding(torch.tensor([[3.0, 5.25]]))[0].tolist() == [[1.0, 1.0, 0.5], [0.75, 0.0, 0.0]]


def test_under_autocast_its_matrix_products_are_in_bfloat16():
    network = TabM(4, 2, widths=(8,), ensemble_size=3)
    kinds = []
    network.body.register_forward_hook(
        lambda module, inputs, output: kinds.extend([inputs[0].dtype, output.dtype])
    )
    with torch.autocast("cpu", torch.bfloat16):
        network(torch.randn(5, 4))
    assert kinds == [torch.bfloat16] * 2


def test_an_unknown_variant_is_named():
    with pytest.raises(OptionError, match="did you mean 'mini'"):
        TabM(4, 1, variant="minni")
