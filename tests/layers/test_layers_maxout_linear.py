import torch

from neurarium.layers import MaxoutLinear


def test_is_the_largest_of_the_linear_maps():
    layer, inputs = MaxoutLinear(4, 6, pieces=3), torch.randn(5, 4)
    maps = torch.stack([inputs @ layer.linear.weight[i::3].T + layer.linear.bias[i::3] for i in range(3)])
    assert torch.allclose(layer(inputs), maps.amax(0), atol=1e-6)


def test_two_pieces_learn_the_absolute_value():
    torch.manual_seed(0)
    layer, inputs = MaxoutLinear(1, 1), torch.linspace(-1, 1, 64)[:, None]
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        (layer(inputs) - inputs.abs()).square().mean().backward()
        optimizer.step()
    assert (layer(inputs) - inputs.abs()).abs().max() < 0.02
