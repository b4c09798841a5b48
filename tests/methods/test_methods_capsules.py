"""Learning by capsules: the loss is that of the paper, both halves of it learn, the command line chooses it."""

from __future__ import annotations

import numpy
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError, ShapeError
from neurarium.data.specs import Classes, Image
from neurarium.losses import Margin
from neurarium.methods import Capsules
from neurarium.networks import MLP, EfficientCapsNet
from neurarium.training.context import Context
from neurarium.training.run import Run

SMALL = {"widths": (6, 8, 8, 16), "part_dim": 4, "dim": 8}


def begun(targets, **options):
    torch.manual_seed(0)
    inputs = Image(1, 16, 16)
    method = Capsules(EfficientCapsNet.for_data(inputs, targets, **SMALL), optimizer="adam", **options)
    method.begin(Context(steps=30, inputs=inputs, targets=targets))
    return method


@pytest.mark.parametrize("kind", ["two", "three", "labels"])
def test_the_loss_is_margin_and_squared_pixels(kind):
    targets = {"two": Classes(("a", "b")), "three": Classes(("a", "b", "c"))}.get(
        kind, Classes(("a", "b", "c"), several=True)
    )
    method = begun(targets, reconstruction=0.01)
    network = method.network.eval()
    images = torch.rand(5, 1, 16, 16)
    truth = (
        torch.tensor([[1.0, 0, 1]]).repeat(5, 1) if targets.several else torch.arange(5) % len(targets.names)
    )
    capsules = network.capsules(images)
    lengths = capsules.norm(dim=-1).detach()
    marks = truth if targets.several else torch.nn.functional.one_hot(truth, len(targets.names))
    margin = (marks * (0.9 - lengths).clamp(min=0) ** 2).sum() + 0.5 * (
        (1 - marks) * (lengths - 0.1).clamp(min=0) ** 2
    ).sum()
    error = (network.reconstruct(capsules, truth) - images).square().sum()
    total, weight = method.total_loss({"inputs": images, "targets": truth})
    assert (
        float(total.detach()) == pytest.approx(float((margin + 0.01 * error).detach()), rel=1e-4)
        and float(weight) == 5
    )
    seen = method.evaluate({"inputs": images, "targets": truth})
    assert float(seen.loss[0]) == pytest.approx(float(total), rel=1e-5)
    assert seen.predictions.shape == (5, len(targets.names))


def test_weights_of_examples_count_in_both_halves():
    method = begun(Classes(("a", "b", "c")))
    method.network.eval()
    images, truth = torch.rand(4, 1, 16, 16), torch.tensor([0, 1, 2, 0])
    weights = torch.tensor([2.0, 0, 0, 1])
    total, weight = method.total_loss({"inputs": images, "targets": truth, "weights": weights})
    twice = {"inputs": images[[0, 0, 3]], "targets": truth[[0, 0, 3]]}
    expected = method.total_loss(twice)
    assert float(weight) == 3 and float(total) == pytest.approx(float(expected[0]), rel=1e-5)


def test_of_several_labels_each_draws_its_own_part_where_it_is_known():
    method = begun(Classes(("a", "b", "c"), several=True), reconstruction=0.01)
    network = method.network.eval()
    images, truth = torch.rand(4, 1, 16, 16), torch.tensor([[1.0, 0, 1], [0, 1, 1], [1, 1, 0], [0, 1, 1]])
    parts = torch.randint(0, 256, (4, 2, 1, 16, 16), dtype=torch.uint8)
    capsules = network.capsules(images)
    by_hand = 0.0
    for row in range(4):
        for place, kind in enumerate(truth[row].nonzero().flatten().tolist()):
            drawn = network.unit_reconstruction(capsules[row : row + 1], torch.tensor([kind]))[0]
            by_hand += float((drawn - parts[row, place] / 255).square().sum())
    assert float(method.part_errors(capsules, parts, truth).sum()) == pytest.approx(by_hand, rel=1e-4)
    batch = {"inputs": images, "targets": truth}
    with_parts, without = (method.total_loss({**batch, **more})[0] for more in ({"parts": parts}, {}))
    apart = 0.01 * (by_hand - float(method.errors(capsules, images, truth).sum()))
    assert float(with_parts - without) == pytest.approx(apart, rel=1e-3)
    with pytest.raises(ShapeError, match="2 labels for each image"):
        method.part_errors(capsules, parts, torch.ones(4, 3))


# Four parts are few for a Gaussian per class.
@pytest.mark.parametrize(("routing", "least"), [("attention", 0.85), ("dynamic", 0.85), ("em", 0.65)])
def test_capsules_learn_digits_and_draw_them(routing, least):
    digits = nr.data.load("digits")
    pixels = digits.train.take(slice(0, 600))
    stack = torch.nn.functional.interpolate(pixels["inputs"].reshape(-1, 1, 8, 8), size=16).numpy()
    data = nr.data.arrays(stack, pixels["targets"].numpy(), kind="image", task="classification")
    torch.manual_seed(0)
    method = Capsules(
        EfficientCapsNet.for_data(data.inputs, data.targets, routing=routing, iterations=2, **SMALL),
        optimizer="adam", learning_rate=4e-3, reconstruction=0.02,
    )  # fmt: skip
    before = method.network.decoder.high.clone()
    run = nr.fit(method, data, epochs=12, batch_size=32, progress=False)
    assert run.best["validation"]["accuracy"] > least and isinstance(method.loss, Margin)
    network = run.network.eval()
    batch = data.test.take(slice(None))
    with torch.no_grad():
        capsules = network.capsules(batch["inputs"])
        own = method.errors(capsules, batch["inputs"], batch["targets"]).mean()
        wrong = method.errors(capsules, batch["inputs"], (batch["targets"] + 1) % 10).mean()
    assert own < 0.8 * wrong and not torch.equal(before, network.decoder.high)


def test_a_network_of_capsules_chooses_the_method(tmp_path):
    stack = (255 * numpy.random.default_rng(0).random((60, 14, 14))).astype(numpy.uint8)
    data = nr.data.arrays(stack, numpy.arange(60) % 2, kind="image", task="classification")
    options = {"widths": "4,4,4,8", "part_dim": "4", "reconstruction": "0.1", "loss.lower": "0.2"}
    run = nr.studies.train(
        data, "efficient-capsnet", options=options, steps=2, progress=False, out=tmp_path / "run"
    )
    assert isinstance(run.method, Capsules) and run.method.reconstruction == 0.1
    assert run.method.loss.lower == 0.2
    assert next(each for each in run.decisions if each.subject == "method").choice == "capsules"
    again = Run.load(tmp_path / "run")
    image = data.test.take(slice(0, 4))["inputs"]
    networks = [each.network.eval() for each in (run, again)]
    assert torch.equal(*(each(image) for each in networks))
    assert torch.equal(*(each.reconstruct(each.capsules(image)) for each in networks))
    plain = nr.studies.train(data, "mlp", options={"widths": "4"}, steps=1, progress=False)
    assert not any(each.subject == "method" for each in plain.decisions)


def test_mistakes_are_told():
    with pytest.raises(RefusalError, match="no capsules"):
        Capsules(MLP(4, 2))
    with pytest.raises(OptionError, match="less than nothing"):
        Capsules(EfficientCapsNet(1, 16, 16, 3, **SMALL), reconstruction=-1)
