"""The tagger: its loss beside the likelihood of whole sentences, padding, letters, and what a chain decides."""

from __future__ import annotations

import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
from neurarium.data.specs import Classes, Tags, Tokens, Words
from neurarium.data.tag_chains import best_path, log_partition, path_score
from neurarium.losses import loss_for
from neurarium.methods.supervised import Supervised
from neurarium.networks import BiLSTMCRF

TAGS = Tags(("O", "B-X", "I-X"), 7)
INPUTS = Words(30, 7, 0, 12, 5)


def made(inputs=INPUTS, **options):
    torch.manual_seed(0)
    return BiLSTMCRF.for_data(inputs, TAGS, **{"embedding": 5, "width": 4, **options}).eval()


def batch(rows, seed=0):
    tokens = torch.tensor(rows)
    letters = torch.randint(1, 12, (*tokens.shape, 5), generator=torch.Generator().manual_seed(seed))
    return {"tokens": tokens, "mask": tokens != 0, "letters": letters * (tokens != 0).unsqueeze(-1)}


@pytest.mark.parametrize("characters", ["cnn", "lstm", "none"])
def test_padding_changes_no_score_and_no_loss(characters):
    network = made(characters=characters, character_features=4)
    method = Supervised(network, targets=TAGS)
    method.loss = loss_for(TAGS)
    short = batch([[3, 4, 5]])
    long = {
        key: torch.nn.functional.pad(each, (0, 0) * (each.ndim - 2) + (0, 4)) for key, each in short.items()
    }
    torch.testing.assert_close(network(long)[:, :3], network(short), atol=2e-6, rtol=1e-5)
    truth = torch.tensor([[0, 1, 2]])
    total, weight = method.total_loss({"inputs": short, "targets": truth})
    padded = torch.nn.functional.pad(truth, (0, 4), value=-1)
    again, count = method.total_loss({"inputs": long, "targets": padded})
    assert float(weight) == float(count) == 3
    torch.testing.assert_close(total, again, atol=1e-5, rtol=1e-5)
    scores = network(short)
    torch.testing.assert_close(total, (log_partition(scores) - path_score(scores, truth)).sum())
    found = method.evaluate({"inputs": long, "targets": padded})
    assert torch.equal(found.predictions[:, :3], best_path(scores))


def test_letters_tell_words_of_one_index_apart():
    one, two = batch([[3, 3]]), batch([[3, 3]], seed=1)
    assert not torch.allclose(made()(one), made()(two))
    assert torch.equal(made(characters="none")(one), made(characters="none")(two))
    plain = made(Tokens(30, 7))
    assert plain.spelling is None and torch.equal(plain(one), plain(two))


def test_without_transitions_it_decides_word_by_word():
    network = made()
    with torch.no_grad():
        for each in network.field.parameters():
            each.zero_()
    inputs = batch([[3, 4, 5, 6], [7, 8, 0, 0]])
    logits = network.head(network.features(inputs))
    said = TAGS.decided(network(inputs))
    assert torch.equal(said[inputs["mask"]], logits.argmax(dim=-1)[inputs["mask"]])
    torch.testing.assert_close(
        TAGS.probabilities(network(inputs))[inputs["mask"]], logits.softmax(-1)[inputs["mask"]]
    )
    alone = made(crf=False)
    assert alone.field is None and alone(inputs).shape == (2, 4, 3)


def test_the_chain_learns_what_follows_what():
    """Words that say nothing: after B-X comes I-X, after I-X comes O. Half of the sentences begin with each."""
    torch.manual_seed(0)
    cycle = [0, 1, 2] * 3
    rows = {
        "tokens": [["w"] * 7] * 60,
        "tags": [[TAGS.names[tag] for tag in cycle[s : s + 7]] for s in (0, 1)] * 30,
    }
    data = nr.data.tagged(rows, validation=0.0, test_fraction=0.0)
    options = {"embedding": 4, "width": 4, "dropout": 0.0, "learning_rate": 0.05}
    run = nr.studies.train(data, "bilstm-crf", options=options, epochs=6, progress=False, evaluate=False)
    found = nr.studies.predict_tags(run, [["w"] * 7])[0]["prediction"].to_list()
    names = ["O", "B-X", "I-X"] * 3
    assert found in (names[:7], names[1:8])  # a whole cycle, and never a mixture of both
    shares = nr.studies.predict_tags(run, [["w"] * 7])[0]["probability"]
    assert shares.min() > 0.3 and shares.max() < 0.7  # which of the two, it cannot know


def test_several_learn_each_by_their_own_chain_and_answer_by_the_mean_of_their_scores():
    rows = {
        "tokens": [["a", "b", "a"], ["b", "a", "b"]] * 12,
        "tags": [["X", "Y", "X"], ["Y", "X", "Y"]] * 12,
    }
    data = nr.data.tagged(rows)
    options = {"width": 4, "embedding": 4, "dropout": 0.0, "learning_rate": 0.05}
    run = nr.studies.train(data, "bilstm-crf", options=options, epochs=4, ensemble=2, progress=False)
    assert run.results["test"]["accuracy"] == 1.0
    inputs = data.test.take(slice(None))["inputs"]
    with torch.no_grad():
        members = run.network.eval().members(inputs)
        torch.testing.assert_close(run.network(inputs), members.mean(dim=1))
    total, weight = run.method.total_loss(data.test.take(slice(None)))
    truth = data.test.take(slice(None))["targets"]
    nats = [log_partition(each) - path_score(each, truth) for each in members.unbind(dim=1)]
    torch.testing.assert_close(total / weight, torch.stack(nats).mean(dim=0).sum() / (truth >= 0).sum())


def test_refusals():
    with pytest.raises(OptionError, match="letters are not read so"):
        made(characters="rnn")
    with pytest.raises(RefusalError, match="cannot predict Classes"):
        BiLSTMCRF.for_data(INPUTS, Classes(("no", "yes")))
    with pytest.raises(OptionError, match="too small"):
        made(embedding=0)
