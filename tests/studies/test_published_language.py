"""Published language models write what transformers writes, token by token, and are refined on text."""

import pytest
import torch

import neurarium as nr
from neurarium.cli.main import main
from neurarium.core.errors import RefusalError
from neurarium.studies.prediction.published_language import is_published, published_language_model

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")
TEXT = "ring a ring of roses, a pocket full of posies. " * 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small random GPT-2 with a byte-pair tokenizer beside it."""
    place = tmp_path_factory.mktemp("published") / "tiny-gpt2"
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    made.train_from_iterator([TEXT], tokenizers.trainers.BpeTrainer(
        vocab_size=290, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    ))  # fmt: skip
    transformers.utils.logging.set_verbosity_error()
    torch.manual_seed(0)
    network = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        n_embd=32, n_layer=2, n_head=4, n_positions=64, vocab_size=made.get_vocab_size(), bos_token_id=0, eos_token_id=0,
    ))  # fmt: skip
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    network.eval().save_pretrained(place)
    made.save(str(place / "tokenizer.json"))
    return place, network, made


def test_it_writes_what_transformers_writes(folder):
    place, network, made = folder
    ids = made.encode("ring a").ids
    theirs = network.generate(torch.tensor([ids]), max_new_tokens=40, do_sample=False, pad_token_id=0)[0]
    run = published_language_model(place)
    told = nr.studies.generate(run, "ring a", tokens=40, temperature=0)
    written = theirs[len(ids) :].tolist()
    written = written[: written.index(0)] if 0 in written else written
    assert told.text == made.decode(written) and told.context == 64 and told.tokens == len(written)


def test_scores_are_those_of_transformers(folder):
    place, network, made = folder
    ids = torch.tensor([made.encode("ring a ring of roses").ids])
    with torch.no_grad():
        loss = float(network(ids, labels=ids).loss)
    frame, _ = nr.studies.score_texts(published_language_model(place), ["ring a ring of roses"])
    assert frame["log_likelihood"][0] == pytest.approx(-loss * (ids.shape[1] - 1), rel=1e-4)


def test_it_is_refined_on_a_text_and_written_from_the_shell(folder, tmp_path, monkeypatch, capfd):
    place, _, _ = folder
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book.txt").write_text(TEXT)
    line = ["train", "book.txt", "--weights", str(place), "--set", "context=16", "--steps", "60", "--batch-size", "8",
            "--set", "learning_rate=0.005", "--quiet", "--out", "run"]  # fmt: skip
    assert main(line) == 0
    run = nr.load("run")
    assert run.preparation.kind == "published" and run.network.context == 64
    before, _ = nr.studies.score_texts(published_language_model(place), [TEXT[:200]])
    after, _ = nr.studies.score_texts(run, [TEXT[:200]])
    assert after["perplexity"][0] < before["perplexity"][0] / 5
    capfd.readouterr()
    assert main(["generate", str(place), "--prompt", "ring", "--tokens", "5", "--temperature", "0"]) == 0
    assert capfd.readouterr().out.startswith("ring")


def test_what_is_no_language_model_is_refused(folder, tmp_path):
    assert is_published(str(folder[0])) and not is_published("runs/x") and not is_published(str(tmp_path))
    from published_folders import write, write_word_piece

    write(tmp_path, "bert", "Model")
    write_word_piece(tmp_path)
    with pytest.raises(RefusalError, match="no language model"):
        published_language_model(tmp_path)


@pytest.mark.parametrize("name", ["llama", "mistral"])
def test_rotary_networks_write_what_transformers_writes_after_their_token_for_the_beginning(name, tmp_path):
    from published_folders import write

    network = write(tmp_path, name)
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    special = ["<|endoftext|>", "<s>"]
    made.train_from_iterator(
        [TEXT], tokenizers.trainers.BpeTrainer(vocab_size=60, special_tokens=special, show_progress=False)
    )
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    made.save(str(tmp_path / "tokenizer.json"))
    ids = made.encode("ring a").ids
    assert ids[0] == 1
    theirs = network.generate(
        torch.tensor([ids]), max_new_tokens=30, do_sample=False, eos_token_id=0, pad_token_id=0
    )[0, len(ids) :].tolist()  # fmt: skip
    theirs = theirs[: theirs.index(0)] if 0 in theirs else theirs
    run = published_language_model(tmp_path)
    told = nr.studies.generate(run, "ring a", tokens=30, temperature=0)
    assert told.text == made.decode(theirs)
    with (
        torch.no_grad()
    ):  # scores begin with that token too, so that all of a text's own tokens are predicted
        loss = float(network(torch.tensor([ids]), labels=torch.tensor([ids])).loss)
    scored, _ = nr.studies.score_texts(run, ["ring a"])
    assert scored["tokens"][0] == len(ids) - 1
    assert scored["log_likelihood"][0] == pytest.approx(-loss * (len(ids) - 1), rel=1e-4)
    data = nr.data.language([TEXT], tokenizer=str(tmp_path), context=16)
    adapted = nr.studies.train(data, weights=tmp_path, lora=2, steps=2, progress=False, keep="last").network
    query = nr.networks.read_network(tmp_path).blocks[0].attention.query.weight
    assert torch.equal(adapted.blocks[0].attention.query.base.weight, query)
    assert adapted.blocks[0].attention.query.up.abs().max() > 0 and not adapted.head.weight.requires_grad
