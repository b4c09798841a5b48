"""An output at every position: shapes, padding, what is causal, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.members import find
from neurarium.data.specs import Classes, Frames, Series, Tags, Tokens
from neurarium.methods.supervised import Supervised

OPTIONS = {
    "rnn": {"embedding": 5, "width": 4},
    "lstm": {"embedding": 5, "width": 4, "layers": 2},
    "gru": {"embedding": 5, "width": 4, "bidirectional": False},
    "tcn": {"width": 5, "levels": 2},
    "transformer": {"width": 8, "heads": 2},
    "text-cnn": {"width": 6, "maps": 4, "filters": (2, 3)},
    "bilstm-crf": {"embedding": 5, "width": 4, "crf": False},
}
TAGS = Tags(("O", "B-X", "I-X"), 7)
NOTES = Frames(tuple("abcd"), 7)


def made(name, targets=TAGS, inputs=None, **options):
    torch.manual_seed(0)
    inputs = inputs or Tokens(30, 7)
    return find("network", name).for_data(inputs, targets, **{**OPTIONS[name], **options}).eval()


def batch(rows):
    tokens = torch.tensor(rows)
    return {"tokens": tokens, "mask": tokens != 0}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_token_has_its_logits_and_padding_changes_none(name):
    network = made(name)
    short = network(batch([[3, 4, 5]]))
    long = network(batch([[3, 4, 5, 0, 0], [6, 7, 8, 9, 1]]))
    assert short.shape == (1, 3, 3) and long.shape == (2, 5, 3)
    torch.testing.assert_close(long[:1, :3], short, atol=2e-6, rtol=1e-5)
    assert long[1].std() > 0


@pytest.mark.parametrize("name", OPTIONS)
def test_a_step_counts_real_tokens_alone(name):
    method = Supervised(made(name), targets=TAGS)
    method.loss = None
    from neurarium.losses import loss_for

    method.loss = loss_for(TAGS)
    data = {
        "inputs": batch([[3, 4, 5, 0], [6, 7, 8, 9]]),
        "targets": torch.tensor([[0, 1, 2, -1], [0, 0, 1, 1]]),
    }
    total, weight = method.total_loss(data)
    outputs = method.network(data["inputs"])
    known = data["targets"] >= 0
    expected = nn.functional.cross_entropy(outputs[known], data["targets"][known], reduction="sum")
    assert float(weight) == 7
    torch.testing.assert_close(total, expected)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "tcn"])
def test_frames_never_see_what_comes(name):
    network = made(name, NOTES, Series(4, 7), **({"bidirectional": False} if name == "gru" else {}))
    series = torch.rand(1, 7, 4)
    other = series.clone()
    other[:, 4:] = 1 - other[:, 4:]
    lengths = torch.tensor([7])
    one, two = (network({"series": each, "lengths": lengths}) for each in (series, other))
    assert torch.equal(one[:, :4], two[:, :4]) and not torch.equal(one[:, 4:], two[:, 4:])


@pytest.mark.parametrize(
    ("name", "options"), [("transformer", {}), ("text-cnn", {}), ("lstm", {"bidirectional": True})]
)
def test_who_sees_the_future_is_refused(name, options):
    with pytest.raises(RefusalError, match="stands behind a step"):
        made(name, NOTES, Series(4, 7), **options)


def test_the_data_says_whether_every_step_answers():
    with pytest.raises(OptionError, match="ask for an answer at every step"):
        made("lstm", pooling="last")
    with pytest.raises(OptionError, match="ask for one answer"):
        made("tcn", Classes(("no", "yes")), pooling="none")
    with pytest.raises(RefusalError, match="answers at every step"):
        made("lstm").token_weights(batch([[3]]))


def test_a_bag_has_no_order_to_tag_by():
    with pytest.raises(RefusalError, match="cannot predict Tags"):
        find("network", "text-bag").for_data(Tokens(30, 7), TAGS)


def test_nats_of_frames_are_those_of_torch():
    outputs = torch.randn(2, 3, 4, dtype=torch.float64)
    targets = torch.randint(0, 2, (2, 3, 4)).double()
    targets[1, 2] = -1
    table = NOTES.tables(outputs, targets)
    nats = nn.functional.binary_cross_entropy_with_logits(outputs, targets.clamp(min=0), reduction="none")
    assert table[0, 0] == pytest.approx(float(nats[0].sum())) and table[1, 0] == pytest.approx(
        float(nats[1, :2].sum())
    )
    assert table[:, 1].tolist() == [3, 2]
    hits = ((outputs > 0) & (targets > 0.5)).sum(dim=(1, 2)).double()
    assert torch.equal(table[:, 2], hits) and torch.equal(
        table[:, 2] + table[:, 4], (targets > 0.5).sum(dim=(1, 2)).double()
    )
