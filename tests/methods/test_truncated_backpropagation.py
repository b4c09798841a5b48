"""Truncated backpropagation: the state goes on, the gradient does not; resumed bitwise."""

import copy

import pytest
import torch

from neurarium.core.errors import RefusalError
from neurarium.data.dataset import Dataset
from neurarium.data.specs import NextToken, Tokens
from neurarium.data.token_windows import TokenWindows
from neurarium.methods import TruncatedBackpropagation
from neurarium.networks import LSTM, RNN, Decoder
from neurarium.training import fit

TEXT = TokenWindows(torch.randint(2, 9, (200,), generator=torch.Generator().manual_seed(0)).int(), 6)
DATA = Dataset("text", Tokens(9, 6), NextToken(9, 6), TEXT, TEXT)


def network(kind=LSTM):
    torch.manual_seed(0)
    return kind.for_data(DATA.inputs, DATA.targets, width=8, embedding=6, dropout=0.0)


@pytest.mark.parametrize("kind", [LSTM, RNN])
def test_the_loss_is_that_of_reading_on(kind):
    """With a rate of zero the second batch must say what one long window says of its second half."""
    made = network(kind)
    run_ = copy.deepcopy(made).eval()
    method = TruncatedBackpropagation(made, learning_rate=1e-12, optimizer="sgd", targets=DATA.targets)
    source = method.source(TEXT, batch_size=4, seed=0)
    from neurarium.training.context import Context

    method.begin(Context(steps=2, targets=DATA.targets))
    method.eval()
    first, second = [batch for batch, _ in zip(source, range(2), strict=False)]
    source.memory = None
    method.step(first)
    told = float(method.step(second)["loss"])
    both = torch.cat([first["inputs"]["tokens"], second["inputs"]["tokens"]], dim=1)
    logits = run_({"tokens": both})[:, 6:]
    whole = torch.nn.functional.cross_entropy(logits.flatten(0, 1), second["targets"].flatten())
    alone = torch.nn.functional.cross_entropy(
        run_(second["inputs"]).flatten(0, 1), second["targets"].flatten()
    )
    assert told == pytest.approx(float(whole), abs=1e-5) and abs(told - float(alone)) > 1e-4


def test_no_gradient_reaches_the_batch_before():
    made = network()
    method = TruncatedBackpropagation(made, targets=DATA.targets)
    state = made.new_state(2).requires_grad_()
    outputs, after = made.read({"tokens": torch.tensor([[3, 4], [5, 6]])}, state)
    assert after.requires_grad and outputs.shape == (2, 2, 9)
    source = method.source(TEXT, batch_size=4, seed=0)
    from neurarium.training.context import Context

    method.begin(Context(steps=2, targets=DATA.targets))
    method.step(next(iter(source)))
    assert (
        source.memory is not None and not source.memory.requires_grad and float(source.memory.abs().sum()) > 0
    )


def test_micro_batches_carry_the_same_state():
    found = []
    for parts in (1, 2):
        method = TruncatedBackpropagation(network(), accumulate=parts, optimizer="sgd", learning_rate=0.1)
        fit(method, DATA, steps=7, batch_size=4, progress=False)
        found.append(torch.cat([each.flatten() for each in method.network.parameters()]))
    assert torch.allclose(*found, atol=1e-6)


def test_it_resumes_bitwise_in_the_middle_of_the_text(tmp_path):
    options = {"batch_size": 4, "progress": False, "checkpoint_steps": 3, "seed": 1}
    whole = fit(TruncatedBackpropagation(network()), DATA, steps=13, **options)
    fit(TruncatedBackpropagation(network()), DATA, steps=6, out=tmp_path / "run", keep="last", **options)
    again = fit(
        TruncatedBackpropagation(network()), DATA, steps=13, out=tmp_path / "run", resume=True, **options
    )
    assert whole.history[-1]["train"] != {} and again.history[-1]["step"] == 13
    for a, b in zip(whole.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_network_without_a_state_is_refused():
    with pytest.raises(RefusalError, match="carries no state"):
        TruncatedBackpropagation(Decoder(9, context=6, width=8, blocks=1, heads=2))
    with pytest.raises(RefusalError, match="must not see"):
        LSTM.for_data(DATA.inputs, DATA.targets, bidirectional=True)
    from neurarium.data.examples import Examples

    with pytest.raises(RefusalError, match="no order"):
        TruncatedBackpropagation(network()).source(
            Examples({"inputs": torch.zeros(3, 2)}), batch_size=2, seed=0
        )
