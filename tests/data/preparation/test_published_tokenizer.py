"""Published tokenizers: the same indices as transformers, with their special tokens; saved with a run."""

from __future__ import annotations

import json

import pytest
import torch

from neurarium.core.errors import ArtifactError, OptionError
from neurarium.data.preparation.published_tokenizer import published_tokenizer
from neurarium.data.preparation.text import TextPreparation, fit_text
from published_folders import write_word_piece

tokenizers = pytest.importorskip("tokenizers")
TEXTS = ["A really GOOD film", "the plot is unreal!", "", "new " * 30]


def write_byte_pair(folder):
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(["a good old film about a good plot"] * 5, trainer)
    made.model.save(str(folder))
    return made


def test_pieces_of_words_are_those_of_transformers(tmp_path):
    transformers = pytest.importorskip("transformers")
    write_word_piece(tmp_path)
    theirs = transformers.BertTokenizer(str(tmp_path / "vocab.txt"))
    ours = published_tokenizer(tmp_path)
    assert ours.encode(TEXTS) == [theirs(text)["input_ids"] for text in TEXTS]
    assert ours.encode(TEXTS, special=False) == [
        theirs(text, add_special_tokens=False)["input_ids"] for text in TEXTS
    ]
    assert ours.padding == theirs.pad_token_id == 0 and ours.end == theirs.sep_token_id == 3


def test_a_tokenizer_json_is_read_as_it_is(tmp_path):
    write_word_piece(tmp_path)
    first = published_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text(first.tokenizer.to_str())
    (tmp_path / "vocab.txt").unlink()
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 64, "max_position_embeddings": 20}))
    again = published_tokenizer(tmp_path)
    assert again.encode(TEXTS) == first.encode(TEXTS)
    assert (again.size, again.longest) == (64, 20) and first.size == len(first.tokenizer.get_vocab())
    assert published_tokenizer(tmp_path / "tokenizer.json").encode(TEXTS) == first.encode(TEXTS)


def test_merges_and_vocabulary_of_gpt_2(tmp_path):
    made = write_byte_pair(tmp_path)
    ours = published_tokenizer(tmp_path)
    assert ours.encode(["a good film"]) == [made.encode("a good film").ids]
    assert ours.decode(ours.encode(["a good fïlm ☂"])[0]) == "a good fïlm ☂"
    assert ours.padding == ours.end == made.token_to_id("<|endoftext|>")


def test_a_cut_text_keeps_its_last_special_token_and_padding_is_masked(tmp_path):
    write_word_piece(tmp_path)
    prepared, decisions = fit_text(TEXTS[:2] * 5, kind=str(tmp_path), length=6, name="review")
    tokens = prepared.encode([*TEXTS, None])
    assert tokens[3].tolist()[0] == 2 and tokens[3].tolist()[-1] == 3 and len(tokens[3]) == 6
    assert prepared.batch(tokens)["mask"].sum(dim=1).tolist() == [6, 6, 0, 6, 0]
    assert prepared.inputs.vocabulary == prepared.tokenizer.size and prepared.inputs.padding == 0
    assert prepared.decode(tokens[:1]) == ["a really good film"]
    assert prepared.tokenizer.pieces("A GOOD film") == ["[CLS]", "A", "GOOD", "film", "[SEP]"]
    assert decisions[0].choice.startswith(f"published, of {tmp_path.name}")
    held = json.loads(json.dumps(prepared.save(tmp_path / "saved.json")))
    again = TextPreparation.load(tmp_path, held)
    assert torch.equal(again.encode(TEXTS), prepared.encode(TEXTS)) and again.tokenizer.longest == 0


def test_texts_are_no_longer_than_the_network_reads(tmp_path):
    write_word_piece(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 60, "max_position_embeddings": 12}))
    assert fit_text(["new " * 30] * 5, kind=str(tmp_path))[0].length == 12


def test_what_is_no_tokenizer_is_named(tmp_path):
    with pytest.raises(ArtifactError, match="no tokenizer that can be read"):
        published_tokenizer(tmp_path)
    (tmp_path / "tokenizer.model").write_text("x")
    with pytest.raises(ArtifactError, match="SentencePiece"):
        published_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtifactError, match="damaged"):
        published_tokenizer(tmp_path)
    with pytest.raises(OptionError, match=r"(?s)no tokenizer 'wordz'.*did you mean 'words'"):
        fit_text(["a"], kind="wordz")
