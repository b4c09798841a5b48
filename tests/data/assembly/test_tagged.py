"""Tagged sentences from CoNLL columns, tables and JSON lines; what is odd is named with its line."""

from __future__ import annotations

import json

import pytest
import torch
from tagged_corpus import corpus, write_conll

import neurarium as nr
from neurarium.core.errors import ArtifactError, DataError, OptionError
from neurarium.data.preparation.tagged import WordLooks, looks
from neurarium.data.readers.conll import Columns, read_sentences
from neurarium.data.specs import ABSENT

ROWS = corpus(60)


def columns():
    return {
        "tokens": [[word for word, _ in each] for each in ROWS],
        "tags": [[tag for _, tag in each] for each in ROWS],
    }


@pytest.fixture
def sources(tmp_path):
    rows = columns()
    lines = [json.dumps({"tokens": a, "tags": b}) for a, b in zip(rows["tokens"], rows["tags"], strict=True)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    text = [f"{' '.join(a)},{' '.join(b)}" for a, b in zip(rows["tokens"], rows["tags"], strict=True)]
    (tmp_path / "a.csv").write_text("tokens,tags\n" + "\n".join(text))
    return {
        "conll": write_conll(tmp_path / "a.conll", ROWS),
        "jsonl": tmp_path / "a.jsonl",
        "csv": tmp_path / "a.csv",
        "mapping": rows,
    }


@pytest.mark.parametrize("kind", ["conll", "jsonl", "csv"])
def test_every_form_gives_the_same_dataset(sources, kind):
    ours, plain = nr.data.tagged(sources[kind]), nr.data.tagged(sources["mapping"])
    assert ours.targets == plain.targets and ours.targets.names == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert ours.inputs == plain.inputs
    for name, split in ours.splits.items():
        assert torch.equal(
            split.take(slice(None))["targets"], plain.splits[name].take(slice(None))["targets"]
        )
        assert torch.equal(split.inputs["tokens"], plain.splits[name].inputs["tokens"])


def test_batches_are_those_of_the_specs(sources):
    data = nr.data.tagged(sources["conll"])
    batch = data.train[:4]
    mask = batch["inputs"]["mask"]
    assert batch["targets"].dtype == torch.int64 and batch["targets"].shape == mask.shape
    assert ((batch["targets"] == ABSENT) == ~mask).all()
    first = ROWS[data.rows["train"][0]]
    assert [data.targets.names[code] for code in batch["targets"][0][mask[0]]] == [tag for _, tag in first]


def test_conllu_has_its_columns(tmp_path):
    row = "{}\t{}\t_\t{}\t_\t_\t0\t_\t_\t_"
    sentence = [
        row.format(1, "Dogs", "NOUN"),
        "1-2\tx\t_\t_\t_\t_\t_\t_\t_\t_",
        row.format(2, "bark", "VERB"),
    ]
    path = tmp_path / "a.conllu"
    path.write_text("\n\n".join("# text = Dogs bark\n" + "\n".join(sentence) for _ in range(9)) + "\n")
    data = nr.data.tagged(path)
    assert data.targets.names == ("NOUN", "VERB") and data.inputs.length == 2


def test_no_word_of_a_longer_test_sentence_goes_uncounted():
    short = {"tokens": [["a", "b"], ["b", "a"]] * 10, "tags": [["X", "Y"], ["Y", "X"]] * 10}
    long = {"tokens": [["a", "b"] * 20, ["b"]], "tags": [["X", "Y"] * 20, ["Y"]]}
    data = nr.data.tagged(short, test=long)
    assert int((data.test.targets != ABSENT).sum()) == 41 and data.inputs.length == 40
    told = {each.subject: each.reason for each in data.decisions}["length"]
    assert told == "the longest sentence has 40; 256 at most"
    cut = nr.data.tagged(short, test=long, length=10)
    assert {each.subject: each.reason for each in cut.decisions}["length"] == "given; 1 longer one cut"


def test_columns_of_other_names_are_found_with_the_option(tmp_path):
    line = json.dumps({"tokens": ["a", "b"], "ner_tags": ["X", "Y"]})
    (tmp_path / "a.jsonl").write_text("\n".join([line] * 20))
    with pytest.raises(DataError, match="no column 'tags'") as caught:
        nr.data.tagged(tmp_path / "a.jsonl")
    assert caught.value.fix == "name it: --target ner_tags"
    assert nr.data.tagged(tmp_path / "a.jsonl", target="ner_tags").targets.names == ("X", "Y")


def test_lists_in_cells_keep_commas_and_quotes(tmp_path):
    for cell in ('["a", ",", "it\'s"]', "['a', ',', \"it's\"]"):
        table = {"tokens": [cell] * 12, "tags": ["X Y X"] * 6 + ["X Y Y"] * 6}
        assert nr.data.tagged(table).train.words[0] == ["a", ",", "it's"]
    table = {"tokens": ["['a' 'b']"] * 12, "tags": ["X Y"] * 12}  # as NumPy writes an array
    assert nr.data.tagged(table).train.words[0] == ["a", "b"]


def test_unseen_words_are_known_by_their_looks():
    words = WordLooks.train([["a", "b"], ["a", "b"], ["Tornau", "Bernau", "1999"]], 10)
    assert words.words == ("a", "b")
    codes = words.encode(["Zornau", "2024", "Tornau", "???", "a"])
    assert codes[0] == codes[2] and codes[1] > 1 and codes[3] == 1 and codes[4] == 2
    assert looks("Ab9") == ("Xx9 ab9", "Xx9 b9", "Xx9")


def test_the_preparation_is_saved_whole(sources, tmp_path):
    data = nr.data.tagged(sources["conll"])
    data.preparation.save(tmp_path / "held")
    again = nr.data.load_preparation(tmp_path / "held")
    words = [["Anna", "sees", "Zornau"]]
    assert (
        torch.equal(again.encode(words), data.preparation.encode(words))
        and again.names == data.preparation.names
    )
    (tmp_path / "held" / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtifactError, match="altered"):
        nr.data.load_preparation(tmp_path / "held")


def test_files_of_their_own_are_the_splits(sources, tmp_path):
    other = write_conll(tmp_path / "b.conll", corpus(7, seed=5))
    data = nr.data.tagged(sources["conll"], test=other, validation=other)
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 60,
        "validation": 7,
        "test": 7,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no sentence"),
        ("\n\n\n", "no sentence"),
        ("Anna B-PER\nsees\n", "line 2 of .* has no tag"),
        ("Anna O\nsees O\n\n" * 9, "have one tag"),
    ],
)
def test_odd_files(tmp_path, text, said):
    path = tmp_path / "odd.conll"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        nr.data.tagged(path)


def test_other_encodings_are_named(tmp_path):
    path = tmp_path / "latin.conll"
    path.write_bytes("Jürgen B-PER\nsingt O\n\n".encode("latin-1") * 20)
    with pytest.raises(DataError, match="not UTF-8"):
        nr.data.tagged(path)
    assert len(nr.data.tagged(path, encoding="latin-1").train) == 14


def test_rows_whose_lists_differ_and_tags_that_training_has_not(tmp_path):
    rows = columns()
    rows["tags"][3] = rows["tags"][3][:-1]
    with pytest.raises(DataError, match=r"row 4 of .* another number of tags"):
        nr.data.tagged(rows)
    other = write_conll(tmp_path / "b.conll", [[("Anna", "B-XYZ")]])
    with pytest.raises(DataError, match=r"sentence 1 of .* no training sentence"):
        nr.data.tagged(columns(), test=other)


def test_another_column_is_named():
    with pytest.raises(DataError, match="tokens"):
        nr.data.tagged({"words": [["a"]], "tags": [["O"]]})


def test_letters_say_how_words_are_spelled(tmp_path):
    data = nr.data.tagged(columns(), letters=5)
    batch = data.train[:4]
    assert data.inputs.letters == 5 and batch["inputs"]["letters"].shape == (*batch["targets"].shape, 5)
    alphabet = ("", "?", *data.preparation.letters.alphabet)
    for row, words in enumerate(data.train.words[:4]):
        for place, word in enumerate(words):
            told = "".join(alphabet[code] for code in batch["inputs"]["letters"][row, place].tolist())
            assert told == (word if len(word) <= 5 else word[:3] + word[-2:])
    assert not batch["inputs"]["letters"][~batch["inputs"]["mask"]].any()
    again, _ = data.preparation.apply([data.train.words[0]])
    assert torch.equal(
        again["inputs"]["letters"][0], batch["inputs"]["letters"][0, : len(data.train.words[0])]
    )
    data.preparation.save(tmp_path / "held")
    held = nr.data.load_preparation(tmp_path / "held")
    assert held.inputs == data.inputs and held.letters.alphabet == data.preparation.letters.alphabet
    assert type(nr.data.tagged(columns(), letters=0).inputs).__name__ == "Tokens"
    with pytest.raises(OptionError, match="letters"):
        nr.data.tagged(columns(), letters=-1)


def test_a_preparation_of_before_there_were_letters_is_read(tmp_path):
    data = nr.data.tagged(columns(), letters=0)
    data.preparation.save(tmp_path / "held")
    path = tmp_path / "held" / "preparation.json"
    held = json.loads(path.read_text())
    assert held.pop("letters", "none") is None
    path.write_text(json.dumps(held))
    assert nr.data.load_preparation(tmp_path / "held").inputs == data.inputs


def test_words_are_known_in_lower_case_where_letters_tell_how_they_were(tmp_path):
    rows = {
        "tokens": [["The", "dog"], ["the", "Dog"], ["Rare", "x"]] * 4,
        "tags": [["D", "N"], ["D", "N"], ["A", "N"]] * 4,
    }
    rows["tokens"][2] = ["Zebra", "x"]
    whole = dict(validation=0.0, test_fraction=0.0)
    made = nr.data.tagged(rows, **whole).preparation
    assert made.tokenizer.words == ("dog", "the", "x", "rare") and made.tokenizer.lowercase
    assert len(set(made.tokenizer.encode(["The", "the", "THE"]))) == 1
    codes = made.encode([["Zebra", "zebra"]])[0].tolist()
    assert codes[0] != codes[1] and min(codes) >= 1  # by their looks, which keep the case
    plain = nr.data.tagged(rows, letters=0, **whole).preparation
    assert set(plain.tokenizer.words) == {"x", "Dog", "Rare", "The", "dog", "the"}
    assert not plain.tokenizer.lowercase
    kept = nr.data.tagged(rows, lowercase=False, **whole).preparation
    assert not kept.tokenizer.lowercase and kept.letters is not None
    made.save(tmp_path / "held")
    assert nr.data.load_preparation(tmp_path / "held").tokenizer.encode(["THE"]) == made.tokenizer.encode(
        ["the"]
    )


@pytest.mark.parametrize("each", [True, False])
def test_a_table_of_a_word_per_row_is_gathered_by_the_number_of_its_sentence(tmp_path, each):
    sentences = [
        [("Anna", "B-PER"), ("sings", "O"), ("songs", "O")],
        [("Ben", "B-PER"), ("listens", "O")],
    ] * 6
    rows = ["Sentence #,Word,Tag"]
    for number, words in enumerate(sentences, 1):
        for place, (word, tag) in enumerate(words):
            rows.append(f"{f'Sentence: {number}' if each or not place else ''},{word},{tag}")
    path = tmp_path / "ner.csv"
    path.write_text("\n".join(rows))
    read = read_sentences(path, Columns(words="Word", tags="Tag"))
    assert read.words == [[word for word, _ in words] for words in sentences]
    assert read.tags == [[tag for _, tag in words] for words in sentences]
    path.write_text("\n".join(row.partition(",")[2] for row in rows))
    with pytest.raises(DataError, match="no column says where a sentence ends"):
        read_sentences(path, Columns(words="Word", tags="Tag"))
