"""scikit-learn: its own checks, its tools around our estimators, and pickles without torch's classes."""

from __future__ import annotations

import io
import pickle
import warnings

import numpy
import polars
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification, make_regression
from sklearn.exceptions import SkipTestWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from torch import nn

import neurarium
from neurarium.sklearn import Classifier, Regressor

SMALL = {"network": "mlp", "options": {"widths": (32,)}, "epochs": 30, "learning_rate": 1e-2}

# scikit-learn 1.9 lists no expected failure for its MLPClassifier and MLPRegressor, and neither do we. It gives both
# other options for one check (`PER_ESTIMATOR_CHECK_PARAMS`): whole batches, so that a weight of two is a row twice.
# Ours are whole batches too, in float64 (the check compares to 1e-7), and columns that are not scaled, since the
# quantiles of columns are counted without weights.
EXPECTED_FAILURES: dict[str, str] = {}
WHOLE = {"batch_size": 1000, "precision": "float64", "scaling": "none"}
OTHER_OPTIONS = {"check_sample_weight_equivalence_on_dense_data": WHOLE}


def checks(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        for _, check in estimator_checks_generator(estimator):
            name = check.func.__name__
            options = OTHER_OPTIONS.get(name, {})
            suffix = ",".join(str(each) for each in check.keywords.values()) if check.keywords else ""
            yield pytest.param(
                clone(estimator).set_params(**options),
                check,
                id=f"{type(estimator).__name__}-{name}-{suffix}",
            )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), [*checks(Classifier(**SMALL)), *checks(Regressor(**SMALL))])
def test_scikit_learns_own_checks(estimator, check):
    assert check.func.__name__ not in EXPECTED_FAILURES
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [Classifier, Regressor])
def test_the_default_network_passes_the_checks_too(kind):
    for _, check in estimator_checks_generator(kind(epochs=30, learning_rate=1e-2)):
        if check.func.__name__ not in OTHER_OPTIONS:
            check(kind(epochs=30, learning_rate=1e-2))


def test_parameters_are_kept_as_they_are_given():
    options = {"widths": (8,)}
    model = Classifier("mlp", options=options, epochs=3)
    assert model.get_params()["options"] is options and model.options is options
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(epochs=5).epochs == 5


def test_a_pipeline_and_cross_validation_learn_iris():
    inputs, classes = load_iris(return_X_y=True)
    scores = cross_val_score(make_pipeline(StandardScaler(), Classifier(**SMALL)), inputs, classes, cv=3)
    assert scores.mean() > 0.9


@pytest.mark.slow
def test_a_grid_search_in_two_processes_finds_the_rate_that_learns():
    inputs, classes = load_iris(return_X_y=True)
    search = GridSearchCV(Classifier(**SMALL), {"learning_rate": [1e-6, 1e-2]}, cv=2, n_jobs=2)
    search.fit(inputs, classes)
    assert search.best_params_ == {"learning_rate": 1e-2} and search.best_score_ > 0.9


def frame_of_people(count=300):
    chance = numpy.random.default_rng(0)
    color, height = chance.choice(["red", "green", "blue"], count), chance.normal(size=count)
    target = numpy.where((color == "red") ^ (height > 0), "yes", "no")
    return {"color": color.tolist(), "height": height}, target


@pytest.mark.parametrize("library", ["pandas", "pandas category", "polars"])
def test_frames_with_categories_text_and_gaps(library):
    columns, target = frame_of_people()
    columns["height"][3] = numpy.nan
    if library == "polars":
        frame = polars.DataFrame(columns)
    else:
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(columns)
        frame = frame.astype({"color": "category"}) if library == "pandas category" else frame
    model = Classifier(**SMALL).fit(frame, target)
    assert model.score(frame, target) > 0.9  # impossible without either column
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.n_features_in_ == 2 and model.feature_names_in_.tolist() == ["color", "height"]
    assert model._specs[0].categorical == ("color",)


def test_whole_numbers_in_a_row_are_a_column_and_no_row_numbers():
    inputs = numpy.arange(100).reshape(-1, 1)
    model = Regressor(**SMALL).fit(inputs, inputs[:, 0] ** 2.0)
    assert model.score(inputs, inputs[:, 0] ** 2.0) > 0.9


def test_several_quantities_at_once():
    inputs, values = make_regression(200, 5, n_targets=3, random_state=0)
    model = Regressor(**SMALL | {"epochs": 80}).fit(inputs, values)
    assert model.predict(inputs).shape == (200, 3) and model.predict(inputs).dtype == numpy.float64
    assert model.score(inputs, values) > 0.9


def test_several_labels_at_once():
    inputs, labels = make_multilabel_classification(300, 8, n_classes=4, random_state=0)
    model = Classifier(**SMALL).fit(inputs, labels)
    shares = model.predict_proba(inputs)
    assert shares.shape == (300, 4) and (model.predict(inputs) == (shares > 0.5)).all()
    usual = numpy.maximum(labels.mean(axis=0), 1 - labels.mean(axis=0)).mean()
    assert (model.predict(inputs) == labels).mean() > usual + 0.1


def test_weights_decide_between_rows_that_contradict_each_other():
    inputs, classes = numpy.zeros((40, 1)), numpy.arange(40) % 2
    inputs[::4] = 1.0
    model = Classifier(**SMALL).fit(inputs, classes, sample_weight=numpy.where(classes == 1, 9.0, 1.0))
    assert 0.8 < model.predict_proba([[0.0]])[0, 1] < 0.97


def test_class_weights_count_like_sample_weights():
    inputs, classes = numpy.repeat([[0.0], [1.0]], 20, axis=0), numpy.tile([0, 1], 20)
    model = Classifier(**SMALL, class_weight={0: 1.0, 1: 9.0}).fit(inputs, classes)
    assert model.predict_proba([[0.0]])[0, 1] > 0.8


def test_validation_rows_pick_the_best_weights_and_stop_early():
    inputs, values = load_diabetes(return_X_y=True)
    model = Regressor(**SMALL | {"epochs": 200}, patience=5).fit(inputs, values)
    assert 5 < model.n_iter_ < 200 and "validation" in model.history_[0]
    none = Regressor(**SMALL | {"epochs": 5}, validation_fraction=0).fit(inputs, values)
    assert "validation" not in none.history_[0] and none.n_iter_ == 5


def test_a_warm_start_goes_on_where_the_last_fit_ended():
    inputs, values = load_diabetes(return_X_y=True)
    model = Regressor(**SMALL | {"epochs": 20}, validation_fraction=0, warm_start=True).fit(inputs, values)
    first = model.history_[0]["train"]["loss"]
    before = model.score(inputs, values)
    model.fit(inputs, values)
    assert model.history_[0]["train"]["loss"] < 0.8 * first and model.score(inputs, values) > before - 0.05


def test_the_chance_of_the_caller_is_left_alone():
    inputs, classes = load_iris(return_X_y=True)
    torch.manual_seed(3)
    numpy.random.seed(3)
    expected = torch.rand(1).item(), numpy.random.rand()
    torch.manual_seed(3)
    numpy.random.seed(3)
    Classifier(**SMALL | {"epochs": 1}).fit(inputs, classes)
    assert (torch.rand(1).item(), numpy.random.rand()) == expected


def test_one_seed_gives_one_model_and_another_seed_another():
    inputs, classes = load_iris(return_X_y=True)
    first, again, other = (
        Classifier(**SMALL, random_state=seed).fit(inputs, classes).predict_proba(inputs)
        for seed in (1, 1, 2)
    )
    assert numpy.array_equal(first, again) and not numpy.allclose(first, other)


def test_mistakes_are_value_errors_that_say_what_to_do():
    inputs, classes = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="did you mean 'mlp'"):
        Classifier("mpl").fit(inputs, classes)
    with pytest.raises(ValueError, match="there is no option 'widht'"):
        Classifier("mlp", options={"widht": 3}).fit(inputs, classes)
    with pytest.raises(ValueError, match="one class"):
        Classifier("mlp").fit(inputs, numpy.zeros(150))


# ----------------------------------------------------------------------------------------------------------- pickles


class NoTorch(pickle.Unpickler):
    """Refuses every class of torch."""

    def find_class(self, module, name):
        assert not module.startswith("torch"), f"the pickle names {module}.{name}"
        return super().find_class(module, name)


@neurarium.recorded
class Own(nn.Module):
    def __init__(self, width: int = 8):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 3))

    def forward(self, inputs):
        return self.layers(inputs["numeric"])


@pytest.mark.parametrize("network", ["mlp", "tabm", "module"])
def test_pickles_hold_safetensors_and_no_class_of_torch(network):
    inputs, classes = load_iris(return_X_y=True)
    given = {"network": Own()} if network == "module" else {"network": network}
    model = Classifier(**given, epochs=5, learning_rate=1e-2).fit(inputs, classes)
    held = pickle.dumps(model)
    assert b"__metadata__" in held  # the head of a safetensors file
    again = NoTorch(io.BytesIO(held)).load()
    assert numpy.array_equal(again.predict_proba(inputs), model.predict_proba(inputs))
    assert again.get_params().keys() == model.get_params().keys()


def test_a_regressor_that_learned_a_distribution_survives_its_pickle():
    inputs, values = load_diabetes(return_X_y=True)
    model = Regressor("mlp", options={"loss": "gaussian-nll", "widths": (16,)}, epochs=5).fit(inputs, values)
    again = NoTorch(io.BytesIO(pickle.dumps(model))).load()
    assert numpy.array_equal(again.predict(inputs), model.predict(inputs))
    assert model.predict(inputs).shape == (442,)


def test_a_network_of_ones_own_is_copied_and_must_say_how_it_is_built():
    inputs, classes = load_iris(return_X_y=True)
    own = Own()
    before = own.layers[0].weight.detach().clone()
    model = Classifier(own, epochs=3, learning_rate=1e-2).fit(inputs, classes)
    assert torch.equal(own.layers[0].weight, before)
    assert not torch.equal(model.network_.layers[0].weight.float(), before)

    class Unrecorded(Own.__mro__[1]):
        def __init__(self):
            super().__init__()
            self.line = nn.Linear(4, 3)

        def forward(self, inputs):
            return self.line(inputs["numeric"])

    model = Classifier(Unrecorded(), epochs=1).fit(inputs, classes)
    with pytest.raises(TypeError, match=r"neurarium\.recorded"):
        pickle.dumps(model)
