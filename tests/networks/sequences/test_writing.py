"""Networks that write: steps equal the whole, padding changes nothing, the decoder does not look ahead, NumPy's equations."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurarium.core.errors import OptionError, RefusalError
from neurarium.data.specs import Classes, Text, Tokens
from neurarium.networks import EncoderDecoder, Seq2SeqLSTM

TRANSFORMER = {"width": 8, "heads": 2, "blocks": 2}
MAKERS = {
    "encoder-decoder": lambda: EncoderDecoder(20, 15, **TRANSFORMER),
    "rotary, one norm more": lambda: EncoderDecoder(
        20, 15, **TRANSFORMER, positions="rotary", norm="rms", activation="swiglu", tied=False
    ),
    "as published": lambda: EncoderDecoder(20, 15, **TRANSFORMER, normalization="post", key_heads=1),
    "learned, additive": lambda: EncoderDecoder(20, 15, **TRANSFORMER, positions="learned", score="additive"),
    "seq2seq-lstm": lambda: Seq2SeqLSTM(20, 15, width=6, embedding=8),
    "seq2seq-lstm general": lambda: Seq2SeqLSTM(20, 15, width=6, embedding=8, layers=2, score="general"),
    "seq2seq-lstm cosine": lambda: Seq2SeqLSTM(20, 15, width=6, embedding=8, score="cosine", hidden=5),
}
BEGIN = 13


def make(name):
    torch.manual_seed(3)
    return MAKERS[name]().eval()


def batch(tokens, written):
    tokens, written = torch.as_tensor(tokens), torch.as_tensor(written)
    return {"tokens": tokens, "mask": tokens != 0, "decoder_tokens": written}


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=10, deadline=None)
@given(
    words=st.lists(st.integers(1, 19), min_size=1, max_size=7),
    written=st.lists(st.integers(1, 12), max_size=5),
    more=st.integers(1, 9),
    later=st.integers(1, 9),
)
def test_padding_never_changes_the_result(name, words, written, more, later):
    network = make(name)
    short = network(batch([words], [[BEGIN, *written]]))
    long = network(batch([words + [0] * more], [[BEGIN, *written] + [0] * later]))
    torch.testing.assert_close(long[:, : 1 + len(written)], short, atol=3e-6, rtol=1e-5)


@pytest.mark.parametrize("name", MAKERS)
def test_the_decoder_does_not_look_ahead(name):
    network = make(name)
    one = network(batch([[3, 4, 5]], [[BEGIN, 2, 3, 4]]))
    other = network(batch([[3, 4, 5]], [[BEGIN, 2, 9, 9]]))
    torch.testing.assert_close(one[:, :2], other[:, :2])
    assert (one[:, 2:] - other[:, 2:]).abs().max() > 1e-4


@pytest.mark.parametrize("name", MAKERS)
def test_every_word_read_counts(name):
    network = make(name)
    before = network(batch([[3, 4, 5]], [[BEGIN, 2]]))
    for place in range(3):
        words = [3, 4, 5]
        words[place] = 9
        assert (network(batch([words], [[BEGIN, 2]])) - before).abs().max() > 1e-5


@pytest.mark.parametrize("name", MAKERS)
def test_steps_give_what_the_whole_gives_also_with_beams(name):
    network = make(name)
    inputs = batch([[3, 4, 5, 6], [7, 8, 0, 0]], [[BEGIN, 2, 3, 4], [BEGIN, 5, 6, 7]])
    whole = network(inputs)
    state = network.start(inputs, 4, copies=3)
    rows = torch.tensor([0, 0, 0, 1, 1, 1])
    for place in range(4):
        said = network.step(inputs["decoder_tokens"][rows, place], state)
        torch.testing.assert_close(said, whole[rows, place], atol=3e-6, rtol=1e-5)
        state.take(torch.tensor([2, 0, 1, 4, 5, 3]))  # rows of one text are alike


@pytest.mark.parametrize("name", MAKERS)
def test_taken_rows_go_on_from_what_they_wrote(name):
    network = make(name)
    inputs = batch([[3, 4, 5]], [[BEGIN]])
    state = network.start(inputs, 3, copies=2)
    network.step(torch.tensor([BEGIN, BEGIN]), state)
    network.step(torch.tensor([2, 7]), state)
    state.take(torch.tensor([1, 1]))
    said = network.step(torch.tensor([3, 4]), state)
    for row, word in enumerate((3, 4)):
        whole = network(batch([[3, 4, 5]], [[BEGIN, 7, word]]))[0, -1]
        torch.testing.assert_close(said[row], whole, atol=3e-6, rtol=1e-5)


@pytest.mark.parametrize("name", MAKERS)
def test_alignments_lie_on_what_is_real(name):
    network = make(name)
    inputs = batch([[3, 4, 5, 6], [7, 8, 0, 0], [0, 0, 0, 0]], [[BEGIN, 2], [BEGIN, 5], [BEGIN, 5]])
    weights = network.alignment(inputs)
    assert weights.shape == (3, 2, 4)
    torch.testing.assert_close(weights.sum(-1)[:2], torch.ones(2, 2))
    assert weights[1, :, 2:].abs().max() == 0 and weights[2].abs().max() == 0
    assert torch.isfinite(network(inputs)).all()


def test_shared_and_tied_embeddings_are_one_tensor():
    network = EncoderDecoder(15, 15, **TRANSFORMER, shared=True)
    assert network.head.weight is network.embed_source.weight is network.embed_target.weight
    apart = EncoderDecoder(15, 15, **TRANSFORMER, tied=False)
    assert apart.head.weight is not apart.embed_target.weight
    assert apart.embed_source is not apart.embed_target
    saved = sum(each.numel() for each in apart.parameters()) - sum(
        each.numel() for each in network.parameters()
    )
    assert saved == 2 * 15 * 8
    with pytest.raises(OptionError, match="share"):
        Seq2SeqLSTM(15, 16, shared=True)


def test_the_data_says_what_is_shared_and_how_long():
    targets = Text(15, 9, begin=13, end=14, shared=True)
    network = EncoderDecoder.for_data(Tokens(15, 12), targets, **TRANSFORMER, positions="learned")
    assert network.embed_source is network.embed_target and len(network.source_positions.table) == 13
    assert Seq2SeqLSTM.for_data(Tokens(20, 7), Text(15, 9)).embed_source.num_embeddings == 20
    with pytest.raises(RefusalError, match="reads a text and writes another"):
        EncoderDecoder.for_data(Tokens(15, 12), Classes(("a", "b")))
    with pytest.raises(OptionError, match="follows from the data"):
        EncoderDecoder.for_data(Tokens(15, 12), targets, vocabulary=3)


def test_a_text_longer_than_learned_positions_is_refused():
    from neurarium.core.errors import ShapeError

    network = EncoderDecoder(20, 15, **TRANSFORMER, positions="learned", longest=4)
    with pytest.raises(ShapeError, match="longer"):
        network(batch([[3] * 7], [[BEGIN]]))


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def test_the_decoder_of_the_lstm_is_its_equations():
    """Bahdanau et al., appendix A, with an LSTM: attention, context, state, logits, two steps in NumPy."""
    torch.manual_seed(5)
    network = Seq2SeqLSTM(9, 7, width=3, embedding=4).double().eval()
    inputs = batch([[3, 4, 5]], [[6, 2]])
    held = network.encode(inputs)
    p = {name: each.detach().numpy() for name, each in network.state_dict(keep_vars=True).items()}
    h, s, m = held.read[0].detach().numpy(), held.state[0].detach().numpy(), numpy.zeros(3)
    for place, token in enumerate((6, 2)):
        e = 2.0 * p["embed_target.weight"][token]  # times the square root of its 4 numbers
        energy = [
            p["score.vector"][0, :, 0]
            @ numpy.tanh(p["query.weight"] @ s + p["key.weight"] @ each + p["key.bias"])
            for each in h
        ]
        a = numpy.exp(energy) / numpy.exp(energy).sum()
        c = a @ h
        gates = p["cell.input.weight"] @ e + p["cell.input.bias"] + p["context.weight"] @ c
        gates = gates + p["cell.recurrent.weight"] @ s + p["cell.recurrent.bias"]
        i, f, g, o = numpy.split(gates, 4)
        m = sigmoid(f) * m + sigmoid(i) * numpy.tanh(g)
        s = sigmoid(o) * numpy.tanh(m)
        t = numpy.tanh(p["readout.weight"] @ numpy.concatenate([s, c, e]) + p["readout.bias"])
        numpy.testing.assert_allclose(network(inputs)[0, place].detach(), p["head.weight"] @ t, rtol=1e-9)
        numpy.testing.assert_allclose(network.alignment(inputs)[0, place].detach(), a, rtol=1e-9)


@pytest.mark.parametrize("normalization", ["pre", "post"])
def test_a_block_of_the_decoder_is_that_of_torch(normalization):
    torch.manual_seed(1)
    network = EncoderDecoder(
        20, 15, width=8, heads=2, blocks=1, expansion=2.0, normalization=normalization
    ).eval()
    ours = network.decoder[0]
    theirs = torch.nn.TransformerDecoderLayer(
        8, 2, 16, 0.0, batch_first=True, norm_first=normalization == "pre"
    ).eval()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        for own, other in ((ours.attention, theirs.self_attn), (ours.cross, theirs.multihead_attn)):
            projections = (own.query, own.key, own.value)
            other.in_proj_weight.copy_(torch.cat([each.weight for each in projections]))
            other.in_proj_bias.copy_(torch.cat([each.bias for each in projections]))
            other.out_proj.load_state_dict(own.out.state_dict())
        for own, other in (
            (ours.feed_forward.rise, theirs.linear1), (ours.feed_forward.fall, theirs.linear2),
            *zip(ours.norms, (theirs.norm1, theirs.norm2, theirs.norm3), strict=True),
        ):  # fmt: skip
            other.load_state_dict(own.state_dict())
    y, memory = torch.randn(3, 5, 8), torch.randn(3, 4, 8)
    real = torch.tensor([[True] * 4, [True] * 3 + [False], [True] + [False] * 3])
    ahead = torch.ones(5, 5, dtype=torch.bool).triu(1)
    wanted = theirs(y, memory, tgt_mask=ahead, memory_key_padding_mask=~real)
    torch.testing.assert_close(
        ours(y, ours.cross.keys_and_values(memory), real), wanted, atol=2e-6, rtol=1e-5
    )
    assert isinstance(network.normalize, torch.nn.Identity) == (normalization == "post")
