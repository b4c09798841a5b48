"""Length buckets: every example once, like lengths together, the same after a resume and with any number of ranks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import neurarium as nr
from neurarium.core.errors import OptionError
from neurarium.data.examples import Examples
from neurarium.data.sources import Buckets, Minibatches
from neurarium.data.sources.buckets import buckets_for, cut_sequences
from neurarium.data.specs import Tokens

FULL = 40


def texts(count=101, seed=0):
    chance = torch.Generator().manual_seed(seed)
    lengths = (torch.rand(count, generator=chance) ** 3 * FULL).long()
    mask = torch.arange(FULL) < lengths[:, None]
    tokens = torch.where(mask, torch.arange(count)[:, None] + 2, 0)
    examples = Examples({"inputs": {"tokens": tokens, "mask": mask}, "targets": torch.arange(count)})
    return examples, lengths


def source(examples, lengths, size=8, **options):
    return Minibatches(examples, size, buckets=Buckets(lengths, FULL, cut_sequences, pool=4), **options)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 60), size=st.integers(1, 9), pool=st.integers(1, 5), seed=st.integers(0, 99))
def test_an_order_is_a_permutation(count, size, pool, seed):
    lengths = torch.randint(0, 9, (count,), generator=torch.Generator().manual_seed(seed))
    order = Buckets(lengths, 9, cut_sequences, pool).order(torch.randperm(count), size, seed=seed, epoch=0)
    assert sorted(order.tolist()) == list(range(count))


def test_batches_end_where_their_longest_ends():
    examples, lengths = texts()
    for batch in source(examples, lengths):
        own = lengths[batch["targets"]]
        assert batch["inputs"]["tokens"].shape == (len(own), max(int(own.max()), 1))
        assert (batch["inputs"]["mask"].sum(dim=1) == own).all()


def test_much_less_of_it_is_padding():
    _, lengths = texts(800)
    buckets = Buckets(lengths, FULL, cut_sequences, pool=32)
    plain = torch.randperm(800, generator=torch.Generator().manual_seed(1))
    whole, cut = buckets.wasted(plain, 8, cut=False), buckets.wasted(plain, 8)
    like = buckets.wasted(buckets.order(plain, 8, seed=0, epoch=0), 8)
    assert whole > 0.7 and cut > 0.6 and like < 0.2


def test_epochs_differ_and_a_seed_repeats_them():
    examples, lengths = texts()
    feed, again = source(examples, lengths, seed=3), source(examples, lengths, seed=3)
    first, second = ([batch["targets"].tolist() for batch in feed] for _ in range(2))
    assert first != second and first == [batch["targets"].tolist() for batch in again]


def test_a_resumed_epoch_goes_on_with_the_same_batches():
    examples, lengths = texts()
    feed = source(examples, lengths, seed=5)
    whole = [batch["targets"].tolist() for batch in feed]
    other = source(examples, lengths, seed=5)
    other.load_state_dict({"epoch": 0, "position": 4})
    assert [batch["targets"].tolist() for batch in other] == whole[4:]
    assert other.latest is not None and other.epoch == 1


def test_ranks_share_the_batches_and_their_width():
    examples, lengths = texts()
    alone = list(source(examples, lengths, seed=2))
    parts = [list(source(examples, lengths, seed=2, rank=rank, world=3)) for rank in range(3)]
    for number, batch in enumerate(alone):
        tokens = [part[number]["inputs"]["tokens"] for part in parts]
        assert torch.equal(torch.cat(tokens), batch["inputs"]["tokens"])


def test_they_are_chosen_where_they_save_and_only_there():
    examples, _ = texts(300)
    buckets, (decision,) = buckets_for(examples, Tokens(400, FULL), 16, 0)
    assert buckets is not None and "less to compute" in decision.reason
    full = torch.ones(64, FULL, dtype=torch.long)
    even = Examples({"inputs": {"tokens": full, "mask": full > 0}, "targets": torch.zeros(64)})
    assert buckets_for(even, Tokens(9, FULL), 16, 0) == (None, [])
    assert buckets_for(even, Tokens(9, FULL), 16, 0, wanted=True)[0] is not None
    assert buckets_for(examples, Tokens(400, FULL), 16, 0, wanted=False) == (None, [])


def test_they_are_for_texts():
    iris = nr.data.load("iris")
    with pytest.raises(OptionError, match="length buckets are for texts, series and sounds"):
        buckets_for(iris.train, iris.inputs, 16, 0, wanted=True)


@pytest.mark.parametrize("network", ["text-bag", "text-cnn"])
def test_a_run_uses_them_by_itself_and_learns_as_well(network):
    said = [
        "good " + "so " * (each % 30) if each % 2 else "bad " + "so " * (each % 30) for each in range(400)
    ]
    data = nr.data.table(
        {"said": said, "target": ["yes" if each % 2 else "no" for each in range(400)]}, "target",
        text=("said",), tokenizer="words",
    )  # fmt: skip
    options = {"width": 8, "learning_rate": 0.03} | ({"maps": 4} if network == "text-cnn" else {})
    runs = {
        wanted: nr.studies.train(data, network, options=options, epochs=4, buckets=wanted, progress=False)
        for wanted in (None, False)
    }
    subjects = {wanted: [each.subject for each in run.decisions] for wanted, run in runs.items()}
    assert "length buckets" in subjects[None] and "length buckets" not in subjects[False]
    assert all(run.results["test"]["accuracy"] == 1.0 for run in runs.values())
