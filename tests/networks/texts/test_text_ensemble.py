"""TextEnsemble: who is right more often counts more; what was asked to be equal stays so; long texts are read in part."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.data.examples import Examples
from neurarium.data.specs import Classes, Quantity, Tokens
from neurarium.layers.ensemble import combine, mixture_shares
from neurarium.losses.choice import loss_for
from neurarium.networks import Ensemble, TextEnsemble
from neurarium.networks.sequences.excerpt import excerpt

SMALL = {"width": 4, "maps": 2, "buckets": 64}
KINDS = [Classes(("no", "yes")), Classes(("a", "b", "c")), Classes(("x", "y"), several=True)]


def examples_of(targets, count=60):
    chance = torch.Generator().manual_seed(0)
    tokens = torch.randint(2, 9, (count, 7), generator=chance)
    many = (count, 2) if targets.several else (count,)
    given = torch.randint(0, 2 if targets.several else len(targets.names), many, generator=chance)
    return Examples({"inputs": {"tokens": tokens, "mask": tokens != 0}, "targets": given})


@pytest.mark.parametrize("targets", KINDS, ids=["two", "three", "labels"])
def test_shares_make_what_was_held_out_likelier(targets):
    network = TextEnsemble.for_data(Tokens(10, 7), targets, **SMALL).eval()
    examples = examples_of(targets)
    batch = examples.take(slice(None))
    if len(targets.names) == 3:
        right = functional.one_hot(batch["targets"], 3).float()
    else:
        right = batch["targets"].float().reshape(len(examples), -1)
    knowing = 6 * right - 3  # one member knows the answers, one is sure of wrong ones
    network.members = lambda inputs: torch.stack([knowing, -knowing, 0 * right, 0 * right], dim=1)

    def loss():
        return float(loss_for(targets)(network(batch["inputs"]), batch["targets"])[0])

    before, decision = loss(), network.settle_on(examples, targets)
    assert (
        network.shares.argmax() == 0
        and network.shares.argmin() == 1
        and loss() < 0.5 * before
        and network.shares[0] > 0.84
    )
    assert float(network.shares.sum()) == pytest.approx(1, abs=1e-6)
    assert decision.choice.startswith("TextNgrams 0.") and "60 validation" in decision.reason


def test_expectation_maximization_finds_the_best_shares_of_two():
    likelihoods = torch.rand(200, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = float(mixture_shares(likelihoods, prior=3.0)[0])
    grid = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
    score = (likelihoods[:, :1] * grid + likelihoods[:, 1:] * (1 - grid)).log().sum(0)
    score = score + 3 * (grid.log() + (1 - grid).log())
    assert found == pytest.approx(float(grid[score.argmax()]), abs=1e-3)
    assert mixture_shares(likelihoods, prior=1e9).tolist() == pytest.approx([0.5, 0.5], abs=1e-6)


@pytest.mark.parametrize(("combination", "outputs"), [("softmax", 3), ("sigmoid", 2), ("mean", 2)])
def test_equal_shares_are_none_and_unequal_ones_weigh(combination, outputs):
    members = torch.randn(4, 3, outputs)
    equal = torch.full((3,), 1 / 3)
    torch.testing.assert_close(combine(members, combination, equal), combine(members, combination))
    shares = torch.tensor([0.7, 0.2, 0.1])
    of = {"softmax": lambda z: z.softmax(-1), "sigmoid": torch.sigmoid, "mean": lambda z: z}[combination]
    expected = torch.einsum("bmo,m->bo", of(members), shares)
    torch.testing.assert_close(of(combine(members, combination, shares)), expected)


def test_equal_ones_stay_where_they_are_asked_for_or_no_classes_are_predicted():
    network = TextEnsemble.for_data(Tokens(10, 7), KINDS[0], mixture="equal", **SMALL)
    assert network.settle_on(examples_of(KINDS[0]), KINDS[0]) is None
    quantity = TextEnsemble.for_data(Tokens(10, 7), Quantity(("y",)), **SMALL)
    assert (
        quantity.settle_on(examples_of(KINDS[0]), Quantity(("y",))) is None
        and quantity.member_shares() is None
    )
    with pytest.raises(OptionError, match="validation or equal"):
        TextEnsemble(10, 1, mixture="best")


def test_mixtures_of_mixtures_keep_their_shares():
    inputs = examples_of(KINDS[1]).take(slice(None))["inputs"]
    made = [TextEnsemble.for_data(Tokens(10, 7), KINDS[1], **SMALL).eval() for _ in range(2)]
    for each in made:
        each.shares.copy_(torch.tensor([0.1, 0.2, 0.3, 0.4]).roll(made.index(each)))
    both = Ensemble(made, "softmax")
    expected = torch.stack([each(inputs).softmax(-1) for each in made]).mean(0)
    torch.testing.assert_close(both(inputs).softmax(-1), expected)


def test_training_settles_the_shares_and_a_saved_run_has_them(tmp_path):
    said = ["a good film", "a bad film", "no good film", "no bad film"] * 12
    data = nr.data.table({"said": said, "y": [1, 0, 0, 1] * 12}, "y", text=("said",), tokenizer="words")
    run = nr.studies.train(data, options=SMALL, epochs=2, out=tmp_path / "run", progress=False)
    (told,) = [each for each in run.decisions if each.subject == "mixture"]
    assert told.override == "--set mixture=equal"
    again = nr.Run.load(tmp_path / "run")
    assert torch.equal(again.network.shares, run.network.shares)
    assert not torch.allclose(again.network.shares, torch.full((4,), 0.25))


def test_an_excerpt_is_the_beginning_and_the_end_of_each_text():
    tokens = torch.tensor([[1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 0], [8, 9, 0, 0, 0, 0, 0]])
    kept = excerpt({"tokens": tokens, "mask": tokens != 0}, 5)
    assert kept["tokens"].tolist() == [[1, 2, 3, 6, 7], [1, 2, 3, 5, 6], [8, 9, 0, 0, 0]]
    assert kept["mask"].tolist() == (kept["tokens"] != 0).tolist()
    whole = {"tokens": tokens, "mask": tokens != 0}
    assert excerpt(whole, 7) is whole and excerpt(whole, None) is whole
    network = TextEnsemble(10, 1, read=5, **SMALL).eval()
    other = tokens.clone()
    other[0, 3:5] = 9  # the middle, which convolutions do not read and all else does
    first, second = (
        network.members({"tokens": each, "mask": each != 0})[0, 2:, 0] for each in (tokens, other)
    )
    assert (first == second).tolist() == [True, False]
    with pytest.raises(OptionError, match="2 tokens or more"):
        TextEnsemble(10, 1, read=1)
