"""Pairs of texts: parallel files and tables, what is left out and cut, the preparation that comes back from its folder."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import neurarium as nr
from neurarium.core.errors import ArtifactError, DataError, OptionError
from neurarium.data.preparation.text_pairs import Finish
from neurarium.data.readers.text_pairs import partner

GERMAN = ["Ein Hund rennt.", "Eine Katze schläft.", "Zwei Männer stehen hier.", "Das Haus ist groß."] * 6
ENGLISH = ["A dog runs.", "A cat sleeps.", "Two men stand here.", "The house is big."] * 6


def write(folder, name="train", german=GERMAN, english=ENGLISH):
    for ending, lines in (("de", german), ("en", english)):
        (folder / f"{name}.{ending}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder / f"{name}.de", folder / f"{name}.en"


def read(folder, **options):
    source, parallel = write(folder)
    return nr.data.text_pairs(source, parallel=parallel, **{"tokenizer": "words", **options})


def plan(data, subject):
    return next(each.choice for each in data.decisions if each.subject == subject)


def test_the_other_side_of_further_files_is_found(tmp_path):
    write(tmp_path, "val", GERMAN[:3], ENGLISH[:3])
    write(tmp_path, "test", GERMAN[1:2], ENGLISH[1:2])
    data = read(tmp_path, validation=tmp_path / "val.de", test=tmp_path / "test.de")
    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 24,
        "validation": 3,
        "test": 1,
    }
    assert data.validation.goals == ENGLISH[:3] and data.test.sources == ["Eine Katze schläft."]
    assert (data.summary["read"], data.summary["written"]) == ("de", "en")


@pytest.mark.parametrize(
    ("source", "parallel", "other", "wanted"),
    [
        ("train.de", "train.en", "val.de", "val.en"),
        ("train.de.gz", "train.en.gz", "val.de.gz", "val.en.gz"),
        ("corpus_en.txt", "corpus_es.txt", "dev_en.txt", "dev_es.txt"),
        ("train.source", "train.target", "test.source", "test.target"),
        ("de/train.txt", "en/train.txt", "de/val.txt", "en/val.txt"),
    ],
)
def test_the_rule_of_names(source, parallel, other, wanted, tmp_path):
    (tmp_path / wanted).parent.mkdir(exist_ok=True)
    (tmp_path / wanted).touch()
    assert partner(tmp_path / source, tmp_path / parallel, tmp_path / other) == tmp_path / wanted


def test_a_side_that_is_not_there_is_named(tmp_path):
    write(tmp_path, "val")
    (tmp_path / "val.en").unlink()
    with pytest.raises(DataError, match=r"other side.*val\.de") as told:
        read(tmp_path, validation=tmp_path / "val.de")
    assert "val.en" in told.value.expected


def test_files_of_different_lengths_are_refused_with_both_numbers(tmp_path):
    source, parallel = write(tmp_path, english=ENGLISH[:-1])
    with pytest.raises(DataError, match="not parallel") as told:
        nr.data.text_pairs(source, parallel=parallel)
    assert "24" in told.value.expected and "23" in told.value.received


def test_empty_sides_are_left_out_and_counted(tmp_path):
    source, parallel = write(
        tmp_path, german=[*GERMAN[:-2], "", "   "], english=[*ENGLISH[:-3], "", "x", "y"]
    )
    data = nr.data.text_pairs(source, parallel=parallel, tokenizer="words", validation=0.0, test_fraction=0.0)
    assert len(data.train) == 21 and plan(data, "pairs left out") == "3 of train"
    (tmp_path / "empty.de").write_text("\n\n")
    (tmp_path / "empty.en").write_text("a\nb\n")
    with pytest.raises(DataError, match="no pair"):
        nr.data.text_pairs(tmp_path / "empty.de", parallel=tmp_path / "empty.en")


def test_lines_end_at_line_feeds_alone_and_files_may_be_packed_or_in_another_encoding(tmp_path):
    odd = [f"a\u2028b {number}" for number in range(20)]
    (tmp_path / "x.de").write_bytes("\r\n".join(odd).encode())  # no line feed at the end either
    (tmp_path / "x.en.gz").write_bytes(gzip.compress("".join(f"c {n}\n" for n in range(20)).encode()))
    data = nr.data.text_pairs(tmp_path / "x.de", parallel=tmp_path / "x.en.gz", tokenizer="words")
    assert sum(map(len, data.splits.values())) == 20
    write(tmp_path)
    (tmp_path / "train.de").write_bytes("".join(f"{line}\n" for line in GERMAN).encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        nr.data.text_pairs(tmp_path / "train.de", parallel=tmp_path / "train.en")
    data = nr.data.text_pairs(tmp_path / "train.de", parallel=tmp_path / "train.en", encoding="latin-1")
    assert "Eine Katze schläft." in data.train.sources


def test_emoji_and_right_to_left_script_come_back(tmp_path):
    pytest.importorskip("tokenizers")
    said = ["שלום עולם 🌍", "كلب يجري 🐕", "שלום 🐕", "كلب 🌍"] * 5
    source, parallel = write(tmp_path, german=ENGLISH[:20], english=said)
    data = nr.data.text_pairs(source, parallel=parallel, validation=0.0, test_fraction=0.0)
    assert data.preparation.decode(data.train.take(slice(None))["targets"]) == said


def test_case_is_kept_where_byte_pairs_are_read(tmp_path):
    pytest.importorskip("tokenizers")
    data = read(tmp_path, tokenizer="byte-pair")
    taken = data.train.take([0, 1, 2])
    assert data.preparation.decode(taken["targets"]) == data.train.goals[:3]
    lower = read(tmp_path, tokenizer="byte-pair", lowercase=True)
    assert lower.preparation.decode(lower.train.take([0])["targets"]) == [lower.train.goals[0].lower()]
    assert lower.preparation.lowercase


def test_targets_end_and_decoder_tokens_are_one_place_later(tmp_path):
    data = read(tmp_path, shared_vocabulary=False)
    batch, spec = data.train.take(slice(0, 9)), data.targets
    inputs, targets = batch["inputs"], batch["targets"]
    assert torch.equal(inputs["decoder_tokens"][:, 1:], targets[:, :-1])
    assert (inputs["decoder_tokens"][:, 0] == spec.begin).all()
    assert torch.equal(inputs["decoder_mask"], targets != spec.padding)
    assert ((targets == spec.end).sum(dim=1) == 1).all() and spec.vocabulary == spec.end + 1
    assert data.inputs.vocabulary == data.preparation.read.tokenizer.size and not spec.shared
    assert targets.shape[1] == int((targets != 0).sum(1).max())  # no more padding than the batch needs


def test_longer_texts_are_cut_and_the_plan_says_how_many(tmp_path):
    data = read(tmp_path, length=3, written_length=4, validation=0.0, test_fraction=0.0)
    assert (data.inputs.length, data.targets.length) == (3, 4)
    why = next(each.reason for each in data.decisions if each.subject == "length of de")
    assert "24 longer training texts are cut" in why
    assert data.preparation.apply(["ein Hund rennt und rennt", "Hund"])[1]["cut"] == 1
    assert plan(read(tmp_path), "length of de") == "5 tokens"  # Zwei Männer stehen hier .


@given(
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=7), min_size=1, max_size=5), st.integers(0, 9)
)
@settings(deadline=None)
def test_finishing_cuts_padding_and_nothing_else(rows, more):
    longest = max(map(len, rows)) + more
    padded = torch.tensor([row + [0] * (longest - len(row)) for row in rows], dtype=torch.int32)
    made = Finish(10)({"inputs": {"tokens": padded}, "targets": padded})
    for row, tokens, mask in zip(rows, made["inputs"]["tokens"], made["inputs"]["mask"], strict=True):
        assert tokens[mask].tolist() == row and mask.shape[0] == max(map(len, rows))


def test_a_table_by_its_columns(tmp_path):
    rows = [f"{a}\t{b}" for a, b in zip(GERMAN, ENGLISH, strict=True)]
    (tmp_path / "pairs.tsv").write_text("\n".join(["de\ten", *rows]))
    data = nr.data.text_pairs(tmp_path / "pairs.tsv", text="de", target="en", tokenizer="words")
    assert (len(data.train), data.name) == (22, "pairs")
    with pytest.raises(DataError, match="column") as told:
        nr.data.text_pairs(tmp_path / "pairs.tsv", text="de", target="english")
    assert "en" in str(told.value)
    with pytest.raises(OptionError, match="which column is read") as told:
        nr.data.text_pairs(tmp_path / "pairs.tsv", text="de")
    assert "de, en" in told.value.expected
    with pytest.raises(OptionError, match="no columns"):
        nr.data.text_pairs(*[tmp_path / "pairs.tsv"], parallel=tmp_path / "pairs.tsv", text="de")
    with pytest.raises(OptionError, match="one side"):
        nr.data.text_pairs(write(tmp_path)[0])


def test_the_preparation_comes_back_from_its_folder(tmp_path):
    for shared in (True, False):
        data = read(tmp_path, shared_vocabulary=shared, task="summarization")
        folder = tmp_path / f"prepared-{shared}"
        data.preparation.save(folder)
        again = nr.data.load_preparation(folder)
        assert (again.inputs, again.targets) == (
            data.inputs,
            data.targets,
        ) and again.targets.task == "summarization"
        for one, other in zip(again.apply(GERMAN[:3]), data.preparation.apply(GERMAN[:3]), strict=True):
            assert str(one) == str(other)
        (folder / "tokenizer.json").write_text("{}")
        with pytest.raises(ArtifactError, match="tokenizer"):
            nr.data.load_preparation(folder)


def test_new_texts_are_read_from_files_lists_and_tables(tmp_path):
    data = read(tmp_path)
    (tmp_path / "new.txt").write_text("Ein Hund\n\nEine Katze\n")
    batch, notes = data.preparation.apply(tmp_path / "new.txt")
    assert batch["inputs"]["mask"].sum(1).tolist() == [2, 0, 2] and notes["texts"][1] is None
    both, _ = data.preparation.apply({"en": ENGLISH[:2], "de": GERMAN[:2], "more": [1, 2]})
    assert both["targets"].shape[0] == 2
    with pytest.raises(DataError, match="column"):
        data.preparation.apply({"german": ["a"], "english": ["b"]})
    with pytest.raises(DataError):
        data.preparation.apply(Path(tmp_path / "no such file.txt"))


def test_it_is_read_again_with_other_splits(tmp_path):
    data = read(tmp_path)
    again = data.rereading({"train": range(0, 20), "validation": [20, 21], "test": [22, 23]})
    assert {name: len(each) for name, each in again.splits.items()} == {
        "train": 20,
        "validation": 2,
        "test": 2,
    }


def test_buckets_waste_less_padding():
    from neurarium.data.sources.buckets import buckets_for

    count = 640
    rows = {
        "a": [" ".join(["x"] * (1 + n % 20)) for n in range(count)],
        "b": ["y " * (1 + n % 20) for n in range(count)],
    }
    data = nr.data.text_pairs(
        rows, text="a", target="b", tokenizer="words", validation=0.0, test_fraction=0.0
    )
    buckets, told = buckets_for(data.train, data.inputs, 32, 0)
    assert buckets is not None and "padding falls" in told[0].reason
    order = buckets.order(torch.randperm(count), 32, seed=0, epoch=0)
    shapes = [data.train.take(part)["targets"] for part in order.split(32)]
    assert sum(each.numel() for each in shapes) < 0.6 * count * 21


@pytest.mark.skipif(not __import__("os").environ.get("NEURARIUM_DATA"), reason="needs the files of multi30k")
def test_multi30k_has_its_published_splits():
    data = nr.data.load("multi30k", tokenizer="words", direction="en-de")
    assert {name: len(each) for name, each in data.splits.items()} == {
        "train": 29_000, "validation": 1_014, "test": 1_000,
    }  # fmt: skip
    assert data.train.sources[0] == "Two young, White males are outside near many bushes."
    assert data.test.goals[0] == "Ein Mann mit einem orangefarbenen Hut, der etwas anstarrt."
