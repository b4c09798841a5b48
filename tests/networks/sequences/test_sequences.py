"""Networks of sequences: padding, pooling, positions, attention weights, and TextCNN beside its equations."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import OptionError, RefusalError
from neurarium.data.specs import Classes, Tokens
from neurarium.networks import GRU, LSTM, RNN, TCN, TextBag, TextCNN, Transformer

TARGETS = Classes(("no", "yes"))
MAKERS = {
    "text-cnn": lambda: TextCNN(3, vocabulary=30, width=6, maps=4, filters=(1, 2, 5)),
    "rnn": lambda: RNN(3, vocabulary=30, embedding=5, width=4, layers=2, pooling="mean"),
    "lstm": lambda: LSTM(3, vocabulary=30, embedding=5, width=4, pooling="attention"),
    "lstm last": lambda: LSTM(3, vocabulary=30, embedding=5, width=4, pooling="last"),
    "gru": lambda: GRU(
        3, vocabulary=30, embedding=5, width=4, reset="before", pooling="last", bidirectional=False
    ),
    "transformer": lambda: Transformer(3, vocabulary=30, width=8, heads=2),
    "transformer rotary": lambda: Transformer(
        3, vocabulary=30, width=8, heads=2, positions="rotary", pooling="mean"
    ),
    "transformer post": lambda: Transformer(
        3, vocabulary=30, width=8, heads=2, positions="learned", normalization="post", longest=40
    ),
    "transformer window": lambda: Transformer(
        3,
        vocabulary=30,
        width=8,
        heads=2,
        pooling="mean",
        window=3,
        norm="rms",
        key_heads=1,
        activation="swiglu",
    ),
    "tcn attention": lambda: TCN(3, vocabulary=30, width=5, levels=2, pooling="attention", score="cosine"),
    "text-cnn attention": lambda: TextCNN(
        3, vocabulary=30, width=6, maps=4, filters=(2, 3), pooling="attention", score="general"
    ),
    "tcn": lambda: TCN(3, vocabulary=30, width=5, levels=3),
    "text-bag": lambda: TextBag(30, 3, width=4),
}


def make(name):
    torch.manual_seed(3)
    return MAKERS[name]().eval()


def batch(tokens):
    tokens = torch.as_tensor(tokens)
    return {"tokens": tokens, "mask": tokens != 0}


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=12, deadline=None)
@given(words=st.lists(st.integers(1, 29), min_size=1, max_size=9), more=st.integers(1, 20))
def test_padding_never_changes_the_result(name, words, more):
    network = make(name)
    short, long = network(batch([words])), network(batch([words + [0] * more]))
    torch.testing.assert_close(long, short, atol=2e-6, rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["rnn", "lstm last", "gru", "transformer", "transformer rotary", "transformer post"]
)
def test_the_order_of_the_words_counts(name):
    network = make(name)
    assert (network(batch([[3, 4, 5, 6]])) - network(batch([[6, 5, 4, 3]]))).abs().max() > 1e-4


def test_without_positions_a_transformer_sees_a_bag():
    torch.manual_seed(0)
    network = Transformer(3, vocabulary=30, width=8, heads=2, positions="none").eval()
    torch.testing.assert_close(network(batch([[3, 4, 5]])), network(batch([[5, 3, 4]])), atol=1e-6, rtol=1e-5)


def test_text_cnn_is_its_equations():
    network = make("text-cnn").double()
    words = [4, 9, 2]
    embedded = network.entry.embed.weight.detach().numpy()[words]
    found = []
    for convolution in network.convolutions:
        size = convolution.kernel_size[0]
        padded = numpy.concatenate([numpy.zeros((size - 1, 6)), embedded, numpy.zeros((size - 1, 6))])
        weight, bias = convolution.weight.detach().numpy(), convolution.bias.detach().numpy()
        windows = [padded[start : start + size] for start in range(len(words) + size - 1)]
        answers = [numpy.maximum(numpy.einsum("mch,hc->m", weight, each) + bias, 0) for each in windows]
        found.append(numpy.max(answers, axis=0))
    features = network.features(batch([[*words, 0, 0]]))[0].detach().numpy()
    numpy.testing.assert_allclose(features, numpy.concatenate(found), atol=1e-12)


@pytest.mark.parametrize(
    "name",
    [
        "lstm",
        "transformer",
        "transformer rotary",
        "transformer window",
        "tcn attention",
        "text-cnn attention",
        "text-bag",
    ],
)
def test_weights_of_tokens_sum_to_one_over_real_ones(name):
    network = make(name)
    weights = network.token_weights(batch([[3, 4, 5, 0, 0], [6, 7, 8, 9, 1]]))
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))
    assert (weights[0, 3:] == 0).all() and (weights[0, :3] > 0).all()


def test_weights_of_the_pooling_are_those_that_are_used():
    network = make("lstm")
    inputs = batch([[3, 4, 5]])
    states = network.layers(*network.entry(inputs))
    mixed = (network.token_weights(inputs).unsqueeze(-1) * states).sum(dim=1)
    torch.testing.assert_close(network.head(mixed), network(inputs))


@pytest.mark.parametrize("name", ["tcn attention", "text-cnn attention"])
def test_convolutions_are_pooled_by_the_weights_that_they_tell(name):
    network = make(name)
    inputs = batch([[3, 4, 5, 0], [6, 7, 8, 9]])
    states, _ = network.states(inputs)
    mixed = (network.token_weights(inputs).unsqueeze(-1) * states).sum(dim=1)
    torch.testing.assert_close(network.head(mixed), network(inputs))
    scores = {type(each).__name__ for each in network.pool.modules()} & {"CosineScore", "GeneralScore"}
    assert len(scores) == 1


@pytest.mark.parametrize("name", ["rnn", "tcn", "text-cnn"])
def test_a_network_without_attention_says_so(name):
    with pytest.raises(RefusalError, match="no attention"):
        make(name).token_weights(batch([[3]]))


def test_a_window_hides_what_is_farther_and_key_heads_are_shared():
    torch.manual_seed(0)
    options = {"width": 8, "heads": 4, "key_heads": 2, "window": 2, "pooling": "none", "norm": "rms"}
    network = Transformer(3, vocabulary=30, **options, blocks=1).eval()
    before = network(batch([[3, 4, 5, 6]]))
    after = network(batch([[3, 4, 5, 9]]))
    torch.testing.assert_close(after[:, :2], before[:, :2])
    assert (after[:, 2] - before[:, 2]).abs().max() > 1e-4
    assert network.blocks[0].attention.key.out_features == 4
    assert {type(each).__name__ for each in (network.normalize, network.blocks[0].normalize)} == {"RMSNorm"}


def test_the_vocabulary_follows_from_the_data():
    with pytest.raises(OptionError, match="follows from the data"):
        LSTM.for_data(Tokens(30, 7), TARGETS, vocabulary=9)
    assert Transformer.for_data(Tokens(30, 7), TARGETS, positions="learned").positions.table.shape == (8, 128)


@pytest.mark.parametrize(
    "make_it",
    [
        lambda: TextCNN(2),
        lambda: TextCNN(2, vocabulary=5, channels=3),
        lambda: TextCNN(2, vocabulary=5, filters=(0,)),
        lambda: LSTM(2, vocabulary=5, pooling="max"),
        lambda: Transformer(2, vocabulary=5, positions="circular"),
        lambda: Transformer(2, vocabulary=5, heads=3),
        lambda: Transformer(2, vocabulary=5, window=3),
        lambda: TCN(2, vocabulary=5, score="dot"),
        lambda: TextCNN(2, vocabulary=5, score="dot"),
        lambda: TextCNN(2, vocabulary=5, pooling="attention", read=8),
    ],
)
def test_wrong_options_are_typed_errors(make_it):
    with pytest.raises(OptionError):
        make_it()
