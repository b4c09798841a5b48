"""TextBag and AttentionPooling: padding says nothing, an empty text is zero, weights sum to one."""

import torch

from neurarium.layers import AttentionPooling
from neurarium.networks import TextBag


def test_padding_changes_nothing_and_an_empty_text_is_zero():
    torch.manual_seed(0)
    network = TextBag(20, 2, width=8).eval()
    short = torch.tensor([[3, 4, 5], [0, 0, 0]])
    long = torch.tensor([[3, 4, 5, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    found = [network.features({"tokens": each, "mask": each != 0}) for each in (short, long)]
    torch.testing.assert_close(found[0], found[1])
    assert (found[0][1] == 0).all() and found[0][0].abs().sum() > 0
    found[0].sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_the_pooling_is_the_equation():
    torch.manual_seed(0)
    pool, x = AttentionPooling(4), torch.randn(3, 5, 4)
    mask = torch.tensor([[True] * 5, [True, False, True, False, False], [False] * 5])
    weights = pool.weights(x, mask)
    torch.testing.assert_close(weights.sum(dim=1), torch.tensor([1.0, 1.0, 0.0]))
    scores = torch.tanh(x[1, [0, 2]] @ pool.hidden.weight.T + pool.hidden.bias) @ pool.score.weight[0]
    torch.testing.assert_close(pool(x, mask)[1], torch.softmax(scores, 0) @ x[1, [0, 2]])
    torch.testing.assert_close(pool(x), pool(x, torch.ones(3, 5, dtype=torch.bool)))
