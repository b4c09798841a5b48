"""The choice of a network by name or by what one example is."""

from __future__ import annotations

import pytest

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.members import table
from neurarium.data.specs import (
    Array,
    Classes,
    Horizon,
    Image,
    NextToken,
    Quantity,
    Table,
    Text,
    Tokens,
    Unlabeled,
    Window,
)
from neurarium.networks import MLP, TabM, network_for

CLASSES = Classes(("no", "yes"))


def test_the_default_follows_the_inputs():
    found = [network_for(spec, CLASSES) for spec in (Table(("a",)), Image(1, 8, 8), Array((3,)))]
    assert [each.name for each in found] == ["tabm", "cnn", "mlp"]
    assert isinstance(found[0].network, TabM)
    assert all(len(each.reason) > 20 for each in found)


def test_options_may_be_text():
    choice = network_for(
        Table(("a",)),
        Quantity(("y",)),
        "mlp",
        widths="8,4",
        dropout="0.5",
        residual="true",
        distribution="gaussian",
    )
    assert isinstance(choice.network, MLP)
    assert choice.network.feature_dim == 4
    assert choice.network.body[2].p == 0.5
    assert choice.network.head.out_features == 2
    assert (
        network_for(Table(("a",)), Quantity(("y",)), "mlp", distribution="none").network.head.out_features
        == 1
    )


TOKENS, WINDOW, IMAGE = Tokens(20, 8), Window(1, 12, 3), Image(3, 8, 8)
TEXT, NEXT, HORIZON = Text(20, 8), NextToken(20, 8), Horizon(("y",), 3)


@pytest.mark.parametrize(
    ("asked", "inputs", "targets", "member"),
    [
        ("transformer", TOKENS, TEXT, "EncoderDecoder"),
        ("transformer", TOKENS, NEXT, "Decoder"),
        ("transformer", WINDOW, HORIZON, "PatchTST"),
        ("transformer", IMAGE, CLASSES, "ViT"),
        ("transformer", TOKENS, CLASSES, "Transformer"),
        ("lstm", TOKENS, TEXT, "Seq2SeqLSTM"),
        ("lstm", TOKENS, CLASSES, "LSTM"),
        ("tcn", WINDOW, HORIZON, "CausalForecaster"),
        ("gru", WINDOW, HORIZON, "RecurrentForecaster"),
    ],
)
def test_the_name_of_a_family_means_its_member_for_such_data(asked, inputs, targets, member):
    choice = network_for(inputs, targets, asked)
    assert type(choice.network).__name__ == member and table("network")[choice.name][0] == member
    assert (choice.reason == "asked for") == (choice.name == asked)


def test_the_cell_of_a_recurrent_forecaster_is_the_one_that_was_named():
    cells = {
        name: network_for(WINDOW, HORIZON, name).network.layers.forwards[0].cell for name in ("rnn", "gru")
    }
    assert cells == {"rnn": "rnn", "gru": "gru"}
    own = network_for(WINDOW, HORIZON, "lstm", cell="min-lstm").network
    assert own.layers.forwards[0].cell == "min-lstm"


def test_a_refusal_names_the_usual_network():
    for inputs, targets, name, usual in [
        (TOKENS, TEXT, "gru", "encoder-decoder"),
        (WINDOW, HORIZON, "mlp", "dlinear"),
    ]:
        with pytest.raises(RefusalError) as caught:
            network_for(inputs, targets, name)
        assert caught.value.fix.endswith(f"--network {usual}")


def test_mistakes_are_named():
    with pytest.raises(OptionError, match="did you mean 'tabm'"):
        network_for(Table(("a",)), CLASSES, "tabn")
    with pytest.raises(OptionError, match="did you mean 'widths'"):
        network_for(Table(("a",)), CLASSES, "mlp", width=3)
    with pytest.raises(OptionError, match="wrong type"):
        network_for(Table(("a",)), CLASSES, "mlp", widths="eight")
    with pytest.raises(OptionError, match="follows from the data"):
        network_for(Table(("a",)), CLASSES, "mlp", outputs="3")
    with pytest.raises(OptionError, match="no default network for Unlabeled"):
        network_for(Unlabeled(), CLASSES)
    with pytest.raises(RefusalError, match="cannot take Table"):
        network_for(Table(("a",)), CLASSES, "cnn")
