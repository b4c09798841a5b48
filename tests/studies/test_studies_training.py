"""studies.train: what is asked for by name is really done, and can be seen in the run."""

from __future__ import annotations

import polars
import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
from neurarium.studies.prediction.learner import with_dropout


def wine(options=None, **asked):
    return nr.studies.train(
        nr.data.load("wine"), "mlp", options={"widths": "16", **(options or {})}, progress=False, **asked
    )


def test_a_regularizer_by_name_makes_exact_zeros_in_weights_and_spares_biases():
    rate = {"optimizer": "sgd", "learning_rate": "0.05"}
    run = wine({"regularizer": "l1", "regularizer.strength": "0.05", **rate}, epochs=60, keep="last")
    weights = [p for name, p in run.network.named_parameters() if name.endswith("weight")]
    biases = [p for name, p in run.network.named_parameters() if name.endswith("bias")]
    zeros = sum(int((each == 0).sum()) for each in weights)
    assert zeros > 0.3 * sum(each.numel() for each in weights)
    assert sum(int((each == 0).sum()) for each in biases) == 0
    plain = wine(rate, epochs=60)
    assert sum(int((p == 0).sum()) for p in plain.network.parameters()) == 0


def test_an_ensemble_holds_networks_with_starts_of_their_own_and_averages_them():
    run = wine(epochs=2, ensemble=3)
    network, batch = run.network, run.data.test[:5]
    assert network.ensemble_size == 3 and len(network.networks) == 3
    first, second = (each.body[0].weight for each in network.networks[:2])
    assert (first - second).abs().max() > 0.1
    mean = torch.stack([each(batch["inputs"]).softmax(1) for each in network.networks]).mean(0)
    torch.testing.assert_close(network(batch["inputs"]).softmax(1), mean)
    with pytest.raises(OptionError, match="too few networks"):
        wine(epochs=1, ensemble=0)


def test_an_ensemble_of_ensembles_learns_by_each_member():
    data = nr.data.load("wine")
    options = {"widths": (8,), "ensemble_size": 4}
    network = nr.networks.Ensemble.for_data(data.inputs, data.targets, network="tabm", size=2, **options)
    assert network.members(data.test[:3]["inputs"]).shape == (3, 8, 3) and network.ensemble_size == 8


def test_a_gaussian_that_is_asked_for_is_learned_by_its_likelihood():
    data = nr.data.load("diabetes")
    run = nr.studies.train(data, "mlp", options={"distribution": "gaussian"}, epochs=2, progress=False)
    assert type(run.method.loss).__name__ == "GaussianNLL"
    assert run.network(data.test[:3]["inputs"]).shape == (3, 2)
    told = next(each for each in run.decisions if each.subject == "loss")
    assert (told.choice, told.override) == ("gaussian-nll", "--set loss=")


@pytest.mark.parametrize(("loss", "per"), [("quantile", None), ("student-t-nll", None), ("gaussian-nll", 2)])
def test_a_loss_that_learns_a_distribution_gets_the_outputs_that_it_reads(loss, per):
    data = nr.data.load("diabetes")
    run = nr.studies.train(data, "mlp", options={"loss": loss}, epochs=15, progress=False)
    count = run.network(data.test[:2]["inputs"]).shape[1]
    assert count == run.method.loss.outputs_per_target > 1 and count == (per or count)
    assert run.results["test"]["r2"] > 0.2
    frame = nr.studies.predict(run, polars.DataFrame({name: [0.0] for name in run.preparation.sources}))
    assert frame["low"][0] < frame["prediction"][0] < frame["high"][0]


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_an_augmentation_by_name_softens_the_targets_and_changes_what_is_learned(name):
    digits = nr.data.load("digits")
    small = nr.data.Dataset(
        "few", digits.inputs, digits.targets, digits.train.subset(range(200)), digits.validation
    )
    seen = []

    class Watch(nr.methods.Supervised):
        def step(self, batch):
            seen.append(batch["targets"])
            return super().step(batch)

    network = nr.networks.MLP.for_data(digits.inputs, digits.targets, widths=(16,))
    mixing = nr.data.augmentation.Mixing(name, digits.targets, alpha=1.0)
    nr.fit(Watch(network), small, epochs=1, batch_size=64, augment=mixing, progress=False)
    assert all(each.shape[1] == 10 for each in seen)
    torch.testing.assert_close(torch.cat(seen).sum(1), torch.ones(200))
    assert any(((each > 0) & (each < 1)).any() for each in seen)


def test_an_augmentation_is_chosen_by_name_and_misspelt_ones_are_refused():
    run = nr.studies.train(
        nr.data.load("iris"), "mlp", options={"augment.alpha": "0.4", "embedding": "none"}, augment="mixup",
        epochs=2, progress=False,
    )  # fmt: skip
    assert run.results["test"]["loss"] > 0
    with pytest.raises(OptionError, match="did you mean 'mixup'"):
        nr.studies.train(nr.data.load("iris"), "mlp", augment="mixpu", epochs=1, progress=False)


def test_monte_carlo_dropout_averages_thinnings_and_is_repeatable():
    run = wine({"dropout": "0.4"}, epochs=5)
    inputs = run.data.test[:4]["inputs"]
    before = run.network(inputs)
    with_dropout(run, 50)
    thinned = run.network(inputs)
    assert (thinned.softmax(1) - before.softmax(1)).abs().max() > 1e-3
    torch.testing.assert_close(thinned, run.network(inputs))
    assert run.network.members(inputs).std(1).max() > 0.05
    with pytest.raises(RefusalError, match="no dropout"):
        with_dropout(wine(epochs=1), 5)
