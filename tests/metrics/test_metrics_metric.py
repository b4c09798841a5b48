"""The law of all metrics: any split, any order of merging, one value."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_cases import ALL, CASES, UNWEIGHTED, make, names, problem, same, take

from neurarium.core.errors import NotFiniteError, OptionError, UserError
from neurarium.core.recipe import build, recipe_of
from neurarium.metrics.metric import Metric

WEIGHTED = [case for case in ALL if case[0] not in UNWEIGHTED]


def test_every_member_has_a_case():
    # predictions and targets are dicts: test_mean_average_precision.py
    boxes = {"map", "map-50", "map-75", "map-small", "map-medium", "map-large", "mar-100"}
    assert names() == sorted({*CASES, *boxes})


@pytest.mark.parametrize(("name", "options"), ALL)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 25), data=st.data())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_any_split_and_any_order_of_merging_gives_one_value(name, options, seed, count, data):
    predictions, targets = problem(name, count, seed)
    owners = torch.tensor(data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    order = data.draw(st.permutations(range(3)))
    weights = (
        None if name in UNWEIGHTED else torch.rand(count, generator=torch.Generator().manual_seed(seed)) + 0.1
    )
    whole = make(name, options)
    whole.update(predictions, targets, weights)
    parts = [make(name, options) for _ in range(3)]
    for rank in range(3):
        for chunk in (owners == rank).nonzero()[:, 0].split(4):
            if len(chunk):
                parts[rank].update(
                    take(predictions, chunk), targets[chunk], None if weights is None else weights[chunk]
                )
    merged = make(name, options)
    for rank in order:
        merged.merge(parts[rank])
    assert same(whole.compute(), merged.compute()), (whole.compute(), merged.compute())


@pytest.mark.parametrize(("name", "options"), WEIGHTED)
@pytest.mark.parametrize("seed", range(3))
def test_a_whole_weight_is_a_repeated_example_and_zero_an_absent_one(name, options, seed):
    predictions, targets = problem(name, 20, seed)
    counts = torch.randint(0, 4, (20,), generator=torch.Generator().manual_seed(seed))
    repeated = torch.arange(20).repeat_interleave(counts)
    weighted = make(name, options).value(predictions, targets, counts)
    assert same(weighted, make(name, options).value(take(predictions, repeated), targets[repeated]))


@pytest.mark.parametrize(("name", "options"), ALL)
def test_state_travels_as_tensors(name, options):
    predictions, targets = problem(name, 12, 5)
    metric = make(name, options)
    metric.update(predictions, targets)
    state = metric.state()
    assert state and all(isinstance(value, torch.Tensor) for value in state.values())
    other = metric.fresh()
    assert other.state() == {}
    other.load(copy.deepcopy(state))
    assert same(other.compute(), metric.compute())


@pytest.mark.parametrize(("name", "options"), ALL)
def test_reset_forgets_and_nothing_seen_is_nan(name, options):
    predictions, targets = problem(name, 12, 6)
    metric = make(name, options)
    assert math.isnan(metric.compute())
    metric.update(predictions, targets)
    first = metric.compute()
    metric.reset()
    assert math.isnan(metric.compute())
    metric.update(predictions, targets)
    assert same(first, metric.compute())
    assert same(first, metric.value(predictions, targets))


@pytest.mark.parametrize(("name", "options"), ALL)
def test_an_empty_batch_changes_nothing(name, options):
    predictions, targets = problem(name, 12, 7)
    nothing = torch.zeros(0, dtype=torch.int64)
    metric = make(name, options)
    metric.update(take(predictions, nothing), targets[nothing])
    metric.update(predictions, targets)
    assert same(metric.compute(), metric.value(predictions, targets))


OF_INDICES = (
    "bleu", "rouge-1", "rouge-2", "rouge-l", "token-accuracy", "sentence-accuracy", "span-f1", "span-precision",
    "span-recall",
)  # fmt: skip


@pytest.mark.parametrize(("name", "options"), [case for case in ALL if case[0] not in OF_INDICES])
def test_scores_that_are_not_finite_are_counted(name, options):
    predictions, targets = problem(name, 12, 8)
    key = next(iter(predictions)) if isinstance(predictions, dict) else None
    broken = (predictions[key] if key else predictions).clone()
    targets = targets.clamp(min=0)
    broken.view(-1)[0], broken.view(-1)[-1] = math.nan, math.inf
    metric = make(name, options)
    with pytest.raises(NotFiniteError, match=rf"2 of {broken.numel()} "):
        metric.update({**predictions, key: broken} if key else broken, targets)
    assert metric.state() == {}


@pytest.mark.parametrize(("name", "options"), WEIGHTED)
def test_weights_below_zero_or_of_another_length_are_refused(name, options):
    predictions, targets = problem(name, 12, 9)
    for weights in (-torch.ones(12), torch.ones(11), torch.full((12,), math.nan)):
        with pytest.raises(UserError):
            make(name, options).update(predictions, targets, weights)


@pytest.mark.parametrize(("name", "options"), WEIGHTED)
def test_many_weightings_are_each_the_metric_under_that_weighting(name, options):
    predictions, targets = problem(name, 15, 10)
    metric = make(name, options)
    if not isinstance(metric.value(predictions, targets), float):
        return
    base = torch.rand(15, generator=torch.Generator().manual_seed(1)).double() + 0.1
    counts = torch.randint(0, 3, (4, 15), generator=torch.Generator().manual_seed(2))
    examples = metric.check(predictions, targets, base)
    spread = counts.repeat_interleave(getattr(examples, "positions", 1), dim=1)
    each = [metric.value(predictions, targets, base * row) for row in counts]
    assert same(metric.many(examples, spread), torch.tensor(each, dtype=torch.float64))


@pytest.mark.parametrize(("name", "options"), ALL)
def test_a_metric_is_rebuilt_from_its_recipe(name, options):
    metric = make(name, options)
    twin = build(recipe_of(metric).to_json())
    assert twin.options() == metric.options() and type(twin) is type(metric)
    assert isinstance(metric, Metric) and metric.goal in ("max", "min", None)


def test_merging_needs_one_kind_and_equal_options():
    with pytest.raises(OptionError, match="equal options"):
        make("f1", {}).merge(make("f1", {"average": "micro"}))
    with pytest.raises(OptionError, match="one kind"):
        make("f1", {}).merge(make("recall", {}))


def test_merging_leaves_the_other_metric_as_it_was():
    one, two = make("accuracy", {}), make("accuracy", {})
    one.update(*problem("accuracy", 10, 0))
    two.update(*problem("accuracy", 10, 1))
    before = two.compute()
    one.merge(two)
    one.update(*problem("accuracy", 10, 2))
    assert two.compute() == before
