"""Going on with a text: what is kept changes no logit; a full context slides."""

import pytest
import torch

from neurarium.networks import GRU, LSTM, RNN, Decoder
from neurarium.studies.decoding.continuation import Continuation

MODERN = {
    "positions": "rotary",
    "norm": "rms",
    "feed_forward": "swiglu",
    "bias": False,
    "key_heads": 2,
    "window": 3,
}
READS_ON = {
    "vocabulary": 11,
    "embedding": 8,
    "width": 12,
    "layers": 2,
    "bidirectional": False,
    "pooling": "none",
}
MAKE = {
    "gpt": lambda: Decoder(11, context=8, width=16, blocks=2, heads=4),
    "llama": lambda: Decoder(11, context=8, width=16, blocks=2, heads=4, **MODERN),
    "rnn": lambda: RNN(11, **READS_ON),
    "lstm": lambda: LSTM(11, **READS_ON),
    "gru": lambda: GRU(11, **READS_ON),
}


@pytest.mark.parametrize("name", MAKE)
@torch.no_grad()
def test_what_is_kept_changes_no_logit(name):
    torch.manual_seed(0)
    network = MAKE[name]().eval()
    context = getattr(network, "context", None)
    kept = Continuation(network, [3, 1, 4], context=context, rows=2)
    anew = Continuation(network, [3, 1, 4], context=context, rows=2, cached=False)
    for step in range(20):
        assert torch.allclose(kept.logits, anew.logits, atol=1e-5), step
        chosen = torch.tensor([step % 11, (3 * step + 1) % 11])
        kept.read(chosen)
        anew.read(chosen)
    assert kept.slid == anew.slid == (0 if context is None else 3)
    swapped = kept.logits.flip(0)
    kept.take(torch.tensor([1, 0]))
    anew.take(torch.tensor([1, 0]))
    assert torch.equal(kept.logits, swapped)
    assert torch.allclose(kept.read(torch.tensor([5, 6])), anew.read(torch.tensor([5, 6])), atol=1e-5)


@torch.no_grad()
def test_a_full_context_slides_by_half():
    network = MAKE["gpt"]().eval()
    text = Continuation(network, range(11), context=8)
    assert text.seen.tolist() == [[3, 4, 5, 6, 7, 8, 9, 10]]
    text.read(torch.tensor([2]))
    assert text.seen.tolist() == [[8, 9, 10, 2]] and text.slid == 1
    assert torch.allclose(text.logits, network({"tokens": text.seen})[:, -1], atol=1e-5)
