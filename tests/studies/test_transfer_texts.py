"""Published encoders of texts: their own tokenizer is taken, they are refined, held, freed, saved and read again."""

from __future__ import annotations

import pytest
import torch

import neurarium as nr
from neurarium.core.errors import OptionError, RefusalError
from neurarium.studies.planning.reading import read_data
from neurarium.studies.planning.source_kinds import kind_of
from neurarium.studies.planning.transfer import with_tokenizer
from published_folders import reviews, write, write_word_piece

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("published") / "tiny-bert"
    write(place, "bert", "Model")
    write_word_piece(place)
    reviews(place / "reviews.csv")
    return place


def read(folder, **options):
    source = folder / "reviews.csv"
    reader = kind_of(str(source), {})[1]
    return read_data(
        source, target="sentiment", text="review", options=with_tokenizer(options, reader, folder)
    )


def plan(run):
    return {each.subject: str(each.choice) for each in run.decisions}


def test_the_tokenizer_beside_the_weights_is_taken_and_the_network_is_theirs(folder):
    data = read(folder)
    assert data.inputs.vocabulary == 60 and data.inputs.length == 7  # five words between [CLS] and [SEP]
    run = nr.studies.train(data, weights=folder, epochs=1, progress=False)
    said = plan(run)
    assert said["network"] == "bert" and said["tokenizer of review"].startswith("published, of tiny-bert")
    assert "learning rate 5e-05" in said["recipe"] and "warmup 0.1" in said["recipe"]
    published = nr.networks.read_network(folder).state_dict()
    ours = run.network.state_dict()
    moved = (ours["blocks.0.attention.query.weight"] - published["blocks.0.attention.query.weight"]).abs()
    assert 0 < moved.max() < 1e-3  # refined, not begun anew


def test_it_learns_and_a_saved_run_gives_the_same(folder, tmp_path):
    data = read(folder)
    run = nr.studies.train(
        data,
        weights=folder,
        epochs=8,
        options={"learning_rate": "3e-3"},
        out=tmp_path / "run",
        progress=False,
    )
    assert run.results["test"]["accuracy"] > 0.9
    again = nr.load(tmp_path / "run")
    batch = data.test.take(slice(0, 8))["inputs"]
    with torch.no_grad():
        assert torch.equal(again.network.eval()(batch), run.network.eval()(batch))
    found = nr.studies.attend(again, "the great old film")
    assert found.tokens == ["[CLS]", "the", "great", "old", "film", "[SEP]"]
    assert sum(found.weights) == pytest.approx(1, abs=1e-5)


def test_held_parts_stay_bitwise_and_all_others_move(folder):
    published = nr.networks.read_network(folder).state_dict()
    run = nr.studies.train(read(folder), weights=folder, epochs=1, freeze=2, progress=False, keep="last")
    ours = {name: value for name, value in run.network.state_dict().items() if not name.startswith("head.3")}
    still = {name for name, value in ours.items() if torch.equal(value, published[name])}
    assert {name for name in ours if name.startswith(("entry.", "blocks.0."))} <= still
    unseen = {"blocks.1.attention.key.bias"}  # softmax does not see one number added to all scores of a query
    assert still - unseen == {name for name in ours if name.startswith(("entry.", "blocks.0."))} - unseen
    assert plan(run)["frozen"] == "entry, blocks.0"


def test_parts_are_freed_and_rates_fall_towards_the_entry(folder):
    data = read(folder)
    published = nr.networks.read_network(folder).state_dict()
    run = nr.studies.train(
        data, weights=folder, epochs=2, freeze="all", unfreeze_every=1, options={"layer_decay": "0.5"},
        keep="last", progress=False,
    )  # fmt: skip
    ours = run.network.state_dict()
    assert torch.equal(
        ours["blocks.0.feed_forward.fall.weight"], published["blocks.0.feed_forward.fall.weight"]
    )
    assert not torch.equal(
        ours["blocks.1.feed_forward.fall.weight"], published["blocks.1.feed_forward.fall.weight"]
    )
    assert nr.training.freezing.factors(run.network, 0.5)["entry"] == 0.125


def test_texts_of_another_tokenizer_are_refused(folder):
    data = read(folder, tokenizer="words")
    with pytest.raises(RefusalError, match="another tokenizer") as refused:
        nr.studies.train(data, weights=folder, epochs=1, progress=False)
    assert "--set tokenizer=" in str(refused.value)
    with pytest.raises(OptionError, match="longer than the network has positions"):
        nr.studies.train(read(folder, length="99"), weights=folder, epochs=1, progress=False)


def test_a_language_model_is_no_classifier(tmp_path):
    write(tmp_path, "gpt2")
    write_word_piece(tmp_path)
    reviews(tmp_path / "reviews.csv")
    with pytest.raises(RefusalError, match="cannot predict Classes"):
        nr.studies.train(read(tmp_path), weights=tmp_path, epochs=1, progress=False)


def test_adapters_are_learned_saved_and_merged_into_the_next_start(folder, tmp_path):
    data = read(folder)
    published = nr.networks.read_network(folder).state_dict()
    run = nr.studies.train(
        data, weights=folder, lora=4, epochs=8, options={"learning_rate": "1e-2", "lora.alpha": "8"}, keep="last",
        out=tmp_path / "run", progress=False,
    )  # fmt: skip
    said = plan(run)
    assert said["adapters"] == "rank 4 beside 13 layers"  # six per block, and the pooler
    count = 2 * 4 * (4 * (32 + 32) + 2 * (32 + 48)) + 4 * 64 + 33
    assert said["parameters"] == f"{count:,}" and run.results["test"]["accuracy"] > 0.9
    ours = run.network.state_dict()
    for name, value in published.items():
        if not name.startswith("head.3"):
            inner = name if name in ours else ".".join([*name.split(".")[:-1], "base", name.split(".")[-1]])
            assert torch.equal(ours[inner], value), name
    again = nr.load(tmp_path / "run")
    batch = data.test.take(slice(0, 8))["inputs"]
    with torch.no_grad():
        assert torch.equal(again.network.eval()(batch), run.network.eval()(batch))
    more = nr.studies.train(data, start=again, epochs=1, options={"learning_rate": "1e-9"}, progress=False)
    assert not any("base" in name for name in more.network.state_dict())
    assert more.results["test"]["accuracy"] == run.results["test"]["accuracy"]


def test_adapters_take_a_gentle_rate_of_their_own_and_exclude_freezing(folder):
    data = read(folder)
    run = nr.studies.train(
        data, weights=folder, options={"lora.modules": "*query,*value"}, epochs=1, progress=False
    )
    assert "learning rate 0.0005" in plan(run)["recipe"] and plan(run)["adapters"] == "rank 8 beside 4 layers"
    with pytest.raises(OptionError, match="hold all other weights already"):
        nr.studies.train(data, weights=folder, lora=4, freeze="all", epochs=1, progress=False)
    with pytest.raises(OptionError, match="rank"):
        nr.studies.train(data, weights=folder, lora=4, options={"lora.alhpa": "2"}, epochs=1, progress=False)


def test_adapters_beside_a_run_of_ours_and_resumed_bitwise(tmp_path):
    data = nr.data.load("iris")
    first = nr.studies.train(
        data, "mlp", options={"widths": "16,16"}, epochs=3, out=tmp_path / "first", progress=False
    )
    common = {
        "start": first,
        "lora": 2,
        "keep": "last",
        "progress": False,
        "checkpoint_steps": 1,
        "batch_size": 32,
    }
    whole = nr.studies.train(data, epochs=4, out=tmp_path / "whole", **common)

    class Stop(nr.training.callbacks.Callback):
        def step(self, loop, metrics):
            if loop.step == 5:
                loop.stop("here")

    nr.studies.train(data, epochs=4, out=tmp_path / "half", **common, callbacks=[Stop()])
    half = nr.studies.train(data, epochs=4, out=tmp_path / "half", resume=True, **common)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, half.network.state_dict()[name]), name
    base = first.network.state_dict()
    assert torch.equal(whole.network.state_dict()["body.0.base.weight"], base["body.0.weight"])


@pytest.mark.parametrize("network", ["text-cnn", "text-bag", "transformer", "lstm"])
def test_a_run_on_texts_is_the_start_of_another(folder, network):
    data = read(folder, tokenizer="words")
    first = nr.studies.train(data, network, epochs=1, progress=False)
    adapted = {} if network == "text-cnn" else {"lora": 2}  # it has convolutions alone
    more = nr.studies.train(data, start=first, epochs=1, progress=False, **adapted)
    assert plan(more)["network"] == network
    assert plan(more).get("adapters", "").startswith("rank 2 beside") == bool(adapted)
