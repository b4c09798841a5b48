import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

from neurarium.core.errors import OptionError, ShapeError
from neurarium.data.specs import Classes, Quantity, Targets
from neurarium.losses import SideBySide, loss_for

SPEC = Targets(
    (Classes(("a", "b", "c"), column="k"), Quantity(("q",)), Classes(("u", "v"), several=True, column="t"))
)
OUTPUTS = torch.randn(5, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGETS = {
    "k": torch.tensor([0, 1, 2, 1, 0]),
    "q": torch.arange(5.0)[:, None],
    "t": torch.tensor([[0.0, 1], [1, 1], [0, 0], [1, 0], [0, 1]]),
}


def test_the_sum_of_the_parts_each_over_a_blind_guess():
    expected = cross_entropy(OUTPUTS[:, :3], TARGETS["k"]) / math.log(3)
    expected = expected + mse_loss(OUTPUTS[:, 3:4], TARGETS["q"].double())
    expected = expected + binary_cross_entropy_with_logits(OUTPUTS[:, 4:], TARGETS["t"].double()) / math.log(
        2
    )
    loss = loss_for(SPEC)
    assert isinstance(loss, SideBySide)
    assert loss.mean(OUTPUTS, TARGETS).item() == pytest.approx(expected.item(), rel=1e-6)


def test_a_blind_guess_costs_one_per_part():
    blind = {"k": torch.arange(3), "q": torch.tensor([[1.0], [-1.0], [1.0]]), "t": torch.zeros(3, 2)}
    assert loss_for(SPEC).mean(torch.zeros(3, 6), blind).item() == pytest.approx(3.0, rel=1e-6)


def test_weights_and_micro_batches_add_up():
    loss, weights = loss_for(SPEC), torch.tensor([1.0, 0.0, 2.0, 0.5, 1.0])
    whole = loss(OUTPUTS, TARGETS, weights)
    parts = [
        loss(OUTPUTS[s], {k: v[s] for k, v in TARGETS.items()}, weights[s])
        for s in (slice(0, 2), slice(2, 5))
    ]
    assert sum(each.total for each in parts).item() == pytest.approx(whole.total.item(), rel=1e-6)
    assert float(whole.weight) == 4.5


def test_a_named_loss_goes_where_it_fits():
    named = loss_for(SPEC, "huber", delta="0.5")
    assert [type(each).__name__ for each in named.losses] == ["CrossEntropy", "Huber", "BinaryCrossEntropy"]
    assert named.losses[1].delta == 0.5
    with pytest.raises(OptionError, match="several numbers per quantity"):
        loss_for(SPEC, "gaussian-nll")
    with pytest.raises(OptionError, match="does not fit any"):
        loss_for(SPEC, "contrastive")


def test_parts_that_do_not_fit_are_named():
    loss = loss_for(SPEC)
    with pytest.raises(ShapeError, match="do not fit the parts"):
        loss(OUTPUTS[:, :5], TARGETS)
    with pytest.raises(ShapeError, match="targets k, q, t"):
        loss(OUTPUTS, {"k": TARGETS["k"]})
    with pytest.raises(OptionError, match="scales"):
        SideBySide(("a",), (loss.losses[0],), (3,), (0.0,))
