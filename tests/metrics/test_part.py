import torch

from neurarium.data.specs import Classes, Quantity, Targets
from neurarium.metrics import goal, metrics_for
from neurarium.metrics.part import PartMetric

SPEC = Targets((Classes(("a", "b"), column="k"), Quantity(("q",))))


def batch(rows, seed=0):
    source = torch.Generator().manual_seed(seed)
    shares = torch.rand(rows, 1, generator=source, dtype=torch.float64)
    predictions = {"k": torch.cat([1 - shares, shares], dim=1), "q": torch.randn(rows, 1, generator=source)}
    return predictions, {
        "k": torch.randint(2, (rows,), generator=source),
        "q": torch.randn(rows, 1, generator=source),
    }


def test_metrics_of_each_target_by_its_name():
    metrics = metrics_for(SPEC)
    predictions, targets = batch(50)
    metrics.update(predictions, targets)
    found = metrics.compute()
    for name, part in zip(SPEC.names, SPEC.parts, strict=True):
        alone = metrics_for(part)
        alone.update(predictions[name], targets[name])
        for key, value in alone.compute().items():
            assert found[f"{name}: {key}"] == value
    assert isinstance(metrics["k: accuracy"], PartMetric)


def test_they_merge_and_travel_as_states():
    whole, first, second = (metrics_for(SPEC) for _ in range(3))
    for metric, seeds in ((whole, (1, 2)), (first, (1,)), (second, (2,))):
        for seed in seeds:
            metric.update(*batch(20, seed))
    copy = metrics_for(SPEC)
    copy.load(first.state())
    copy.merge(second)
    assert all(abs(copy.compute()[name] - value) < 1e-12 for name, value in whole.compute().items())


def test_which_way_is_better_is_that_of_the_metric():
    assert (goal("k: accuracy"), goal("v1.2: rmse"), goal("q: r2")) == ("max", "min", "max")
