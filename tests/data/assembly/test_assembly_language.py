"""Text for language models: files, folders, tables; what is odd about them has a rule or an error."""

import pytest

from neurarium.core.errors import DataError, OptionError
from neurarium.data import language
from neurarium.data.preparation.special_tokens import UNKNOWN

LINE = "To be, or not to be, that is the question.\n"


def write(folder, content, name="book.txt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def subjects(dataset):
    return {each.subject: each for each in dataset.decisions}


def test_the_end_of_the_text_is_held_out(tmp_path):
    text = "".join(chr(97 + n % 26) for n in range(1000))
    data = language(write(tmp_path, text), context=10, validation=0.1, test_fraction=0.2)
    spell = data.preparation.decode
    assert spell(data.train.tokens.tolist()) == text[:700]
    assert spell(data.validation.tokens.tolist()) == text[700:800]
    assert spell(data.test.tokens.tolist()) == text[800:]
    assert data.inputs.length == 10 and data.targets.vocabulary == 28
    assert data.summary["tokens"] == {"train": 700, "validation": 100, "test": 200}


@pytest.mark.parametrize("kind", ["characters", "byte-pair", "word-piece", "words"])
def test_every_tokenizer_counts_all_characters_and_bytes(kind, tmp_path):
    if kind in ("byte-pair", "word-piece"):
        pytest.importorskip("tokenizers")
    text = (LINE + "Ünïcode 😀 שלום\n") * 30
    data = language(
        write(tmp_path, text), tokenizer=kind, vocabulary=300, context=16, validation=0, test_fraction=0
    )
    spans = data.train.batch["spans"].sum(dim=0)
    first = data.preparation.tokenizer.places(text)[1]
    start, head = first[0], first[1]
    assert start == 0
    assert int(spans[0]) == len(text) - head and int(spans[1]) == len(text[head:].encode())


def test_a_folder_is_read_file_by_file_and_ends_are_learned(tmp_path):
    for number in range(20):
        write(tmp_path, f"text {number:02} ends.", f"{number:02}.txt")
    data = language(tmp_path, context=8)
    assert data.preparation.ends and data.summary["texts"] == 20
    assert data.preparation.decode(data.train.tokens.tolist()).startswith("text 00 ends.\n\ntext 01 ends.")
    assert (data.train.tokens == data.preparation.end).sum() == 18
    assert (data.train.batch["spans"].sum() == 2 * (18 * 13 - 1)).item()


def test_a_column_of_a_table(tmp_path):
    rows = "\n".join(f'{number},"one, two {number}"' for number in range(30))
    path = write(tmp_path, "id,said\n" + rows, "t.csv")
    data = language(path, text="said", context=8)
    assert data.preparation.decode(data.train.tokens.tolist()[:10]) == "one, two 0"
    with pytest.raises(OptionError, match="which column"):
        language(path)
    batch, notes = data.preparation.apply({"said": ["one", "two 2"], "other": ["x", "y"]})
    assert notes["scored"] == ["one", "two 2"] and notes["windows"] == [1, 1] and len(batch["targets"]) == 2


def test_odd_texts_have_a_rule_or_an_error(tmp_path):
    with pytest.raises(DataError, match="holds no text"):
        language(write(tmp_path, ""))
    with pytest.raises(DataError, match="too short"):
        language(write(tmp_path, "x"))
    with pytest.raises(DataError, match="not UTF-8"):
        language(write(tmp_path, "é".encode("latin-1") * 50))
    assert (
        language(write(tmp_path, "é".encode("latin-1") * 50), encoding="latin-1", context=4).summary[
            "characters"
        ]
        == 50
    )
    assert (
        language(
            write(tmp_path, "éa".encode("utf-16") * 1), context=4, validation=0, test_fraction=0
        ).summary["characters"]
        == 2
    )
    short = language(write(tmp_path, "to be or not"))
    assert short.inputs.length == 11 and "no more than" in subjects(short)["context"].reason
    assert list(short.splits) == ["train"]
    one = language(write(tmp_path, "word " * 200), tokenizer="words", context=8)
    assert one.targets.vocabulary == 3 and len(one.train) == 23


def test_right_to_left_and_emoji_come_back(tmp_path):
    text = "שלום עולם 😀👍🏽 مرحبا\r\n" * 40
    data = language(write(tmp_path, text), context=16, validation=0, test_fraction=0)
    assert data.preparation.decode(data.train.tokens.tolist()) == text


def test_unknown_characters_are_told(tmp_path):
    data = language(write(tmp_path, "ab" * 400 + "xyz" * 20), context=8)
    assert (data.validation.tokens == UNKNOWN).any()
    assert "unknown tokens" in subjects(data) and data.summary["unknown tokens"]["test"] > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"context": 0}, "context is too short"),
        ({"validation": 0.6, "test_fraction": 0.5}, "leave nothing"),
        ({"tokenizer": "letters"}, "no tokenizer"),
        ({"text": "said"}, "column of a table"),
    ],
)
def test_mistakes_are_told(options, said, tmp_path):
    with pytest.raises(OptionError, match=said):
        language(write(tmp_path, LINE * 20), **options)
