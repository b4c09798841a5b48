"""Ridge: its solution against scikit-learn's, errors of left-out examples against really leaving them out."""

from __future__ import annotations

import numpy
import pytest
import torch
from sklearn.linear_model import Ridge as Reference

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
from neurarium.methods.ridge import Ridge, sharpen, solve

PENALTIES = (1e-2, 1.0, 1e2)


def problem(examples, features, outputs=2, seed=0):
    chance = numpy.random.default_rng(seed)
    x = chance.normal(size=(examples, features))
    x -= x.mean(0)
    y = x @ chance.normal(size=(features, outputs)) + chance.normal(size=(examples, outputs)) * 3 + 1
    return torch.tensor(x), torch.tensor(y)


@pytest.mark.parametrize(("examples", "features"), [(30, 8), (12, 40)])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_the_solution_is_scikit_learns(examples, features, penalty):
    x, y = problem(examples, features)
    found = solve(x, y, (penalty,))
    wanted = Reference(alpha=penalty).fit(x.numpy(), y.numpy())
    numpy.testing.assert_allclose(found.weight.T.numpy(), wanted.coef_, atol=1e-8)
    numpy.testing.assert_allclose(found.bias.numpy(), wanted.intercept_, atol=1e-8)


@pytest.mark.parametrize(("examples", "features"), [(20, 5), (10, 25)])
def test_left_out_answers_are_those_of_fits_without_the_example(examples, features):
    x, y = problem(examples, features)
    found = solve(x, y, (2.0,))
    for row in range(examples):
        others = [each for each in range(examples) if each != row]
        fit = Reference(alpha=2.0).fit(x[others].numpy(), y[others].numpy())
        numpy.testing.assert_allclose(
            found.left_out[row].numpy(), fit.predict(x[[row]].numpy())[0], atol=1e-7
        )


def test_the_penalty_is_the_one_of_least_left_out_error():
    x, y = problem(20, 30)
    errors = {each: float((solve(x, y, (each,)).left_out - y).square().mean()) for each in PENALTIES}
    assert solve(x, y, PENALTIES).penalty == min(errors, key=errors.get)
    assert len({round(each, 6) for each in errors.values()}) == 3


def test_scores_become_the_best_logits():
    chance = torch.Generator().manual_seed(0)
    truth = torch.randint(0, 2, (4000,), generator=chance).double() * 2 - 1
    logits = (
        torch.randn(4000, generator=chance).double() + truth * 2
    )  # log-odds of the truth: 4 times the score
    assert sharpen(logits[:, None], truth[:, None]) == pytest.approx(4.0, rel=0.15)
    one_hot = torch.eye(3).double()[torch.randint(0, 3, (300,), generator=chance)] * 2 - 1
    assert 2 < sharpen(one_hot, one_hot) < 10  # no error: large, and finite


def test_it_learns_in_one_step_and_loads_again(tmp_path):
    digits = nr.data.load("digits")
    torch.manual_seed(0)
    network = nr.networks.MLP.for_data(digits.inputs, digits.targets, widths=(512,))
    body = {name: each.clone() for name, each in network.state_dict().items() if not name.startswith("head")}
    run = nr.fit(Ridge(network), digits, epochs=1, progress=False, out=tmp_path / "run")
    assert run.best["validation"]["accuracy"] > 0.93
    assert all(torch.equal(each, network.state_dict()[name]) for name, each in body.items())
    assert "ridge penalty" in {each.subject for each in run.decisions}
    again = nr.studies.evaluate(nr.load(tmp_path / "run"), digits)
    assert again.metrics == nr.studies.evaluate(run, digits).metrics
    assert again.metrics["ece"] < 0.1


def test_quantities_and_labels_are_solved_too():
    diabetes = nr.data.load("diabetes")
    network = nr.networks.MLP.for_data(diabetes.inputs, diabetes.targets, widths=(64,))
    run = nr.fit(Ridge(network), diabetes, epochs=1, progress=False)
    assert run.best["validation"]["r2"] > 0.15
    x, y = problem(60, 5, outputs=1)
    labels = torch.stack([y[:, 0] > 1, x[:, 0] > 0], dim=1).numpy().astype(int)
    frame = {f"x{place}": x[:, place].numpy() for place in range(5)} | {"p": labels[:, 0], "q": labels[:, 1]}
    data = nr.data.table(frame, ("p", "q"), task="labels")
    network = nr.networks.MLP.for_data(data.inputs, data.targets, widths=(32,))
    run = nr.fit(Ridge(network), data, epochs=1, progress=False)
    assert network.head.weight.shape[0] == 2 and run.best["validation"]["loss"] < 0.7


def test_training_by_name_takes_one_step(tmp_path):
    run = nr.studies.train(nr.data.load("iris"), "mlp", "ridge", options={"widths": "64"}, progress=False)
    plan = {each.subject: each.choice for each in run.decisions}
    assert plan["epochs"] == 1 and run.history[-1]["step"] == 1


def test_what_has_no_solution_is_refused():
    iris = nr.data.load("iris")
    network = nr.networks.MLP.for_data(iris.inputs, iris.targets, widths=(8,))
    with pytest.raises(OptionError, match="does not descend"):
        Ridge(network, learning_rate=0.1)
    with pytest.raises(OptionError, match="too small"):
        Ridge(network, penalties=(0.0,))
    with pytest.raises(RefusalError, match="no linear head"):
        Ridge(torch.nn.Linear(3, 2))
    diabetes = nr.data.load("diabetes")
    wide = nr.networks.MLP.for_data(diabetes.inputs, diabetes.targets, widths=(8,), distribution="gaussian")
    with pytest.raises(OptionError, match="more numbers"):
        nr.fit(Ridge(wide), diabetes, epochs=1, progress=False)
