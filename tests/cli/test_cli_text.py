"""Texts from the shell: a table, JSON lines, a folder of texts; literals; the attention in the terminal and on a page."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

WORDS = {"positive": ("great", "lovely", "fine"), "negative": ("awful", "boring", "poor")}
ROWS = [(f"the {noun} was {word} we said", label) for noun in ("film", "play", "book", "song") for label, words
        in WORDS.items() for word in words] * 4  # fmt: skip
TRAIN = ("--network", "text-bag", "--set", "width=16", "--set", "learning_rate=0.02", "--set", "tokenizer=words",
         "--epochs", "12", "--report", "none")  # fmt: skip


def write(kind):
    if kind == "jsonl":
        Path("reviews.jsonl").write_text(
            "\n".join(json.dumps({"review": said, "sentiment": it}) for said, it in ROWS)
        )
        return ("reviews.jsonl", "--text", "review", "--target", "sentiment")
    if kind == "folder":
        for number, (said, label) in enumerate(ROWS):
            place = Path("reviews") / label
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number:03}.txt").write_text(said)
        return ("reviews",)
    name = f"reviews.{kind}"
    with Path(name).open("w", newline="") as file:
        writer = csv.writer(file, delimiter="," if kind == "csv" else "\t")
        writer.writerows([("review", "sentiment"), *ROWS])
    return (name, "--text", "review", "--target", "sentiment")


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "folder"])
def test_a_sentence_is_classified_from_the_shell(kind, tmp_path, monkeypatch, run_line):
    monkeypatch.chdir(tmp_path)
    code, value, _ = run_line("train", *write(kind), *TRAIN, "--out", "run")
    assert code == 0 and value["metrics"]["test"]["accuracy"] > 0.9
    code, value, _ = run_line(
        "predict", "run", "--input-text", "the play was great", "--attention", "--out", "a.html"
    )
    assert (code, value["predictions"][0]["prediction"]) == (0, "positive")
    found = value["attention"]
    assert found["tokens"] == ["the", "play", "was", "great"] and max(found["weights"]) == found["weights"][3]
    assert "great" in Path("a.html").read_text()


MISTAKES = [
    (("--input-text", ""), "the text is empty"),
    ((), "nothing to predict"),
    (("--input", "x.csv", "--input-text", "good"), "two things"),
    (("--input", "x.csv", "--attention"), "tokens of one text"),
    (("--input-text", "good", "--out", "a.html"), "--out"),
    (("--input-text", "good", "--attention", "--out", "a.png"), "format of a page"),
]


def test_mistakes_are_named(tmp_path, monkeypatch, run_line, capfd):
    monkeypatch.chdir(tmp_path)
    data = write("csv")
    assert run_line("train", *data, *TRAIN[:-4], "--epochs", "1", "--report", "none", "--out", "run")[0] == 0
    for line, words in MISTAKES:
        code, _, said = run_line("predict", "run", *line)
        assert code == 2 and words in said, (line, said)
    code, _, said = run_line("train", data[0], "--text", "revue", "--target", "sentiment")
    assert code == 2 and "review" in said
    code, _, said = run_line("train", *data, "--network", "text-cnn", "--set", "widht=3")
    assert code == 2 and "width" in said
    same = Path("same.csv")
    same.write_text("review,sentiment\n" + "good film,a\ngood film,b\n" * 20)
    code, _, said = run_line("train", "same.csv", "--text", "review", "--target", "sentiment")
    assert code == 2 and "are equal" in said
    same.write_text("review,sentiment\n" + '"",a\n"",b\n' * 20)
    code, _, said = run_line("train", "same.csv", "--text", "review", "--target", "sentiment")
    assert code == 2 and "is empty" in said


def test_a_run_that_is_not_of_texts_takes_no_literal(tmp_path, monkeypatch, run_line):
    monkeypatch.chdir(tmp_path)
    assert (
        run_line("train", "iris", "--network", "mlp", "--epochs", "1", "--report", "none", "--out", "run")[0]
        == 0
    )
    code, _, said = run_line("predict", "run", "--input-text", "good")
    assert code == 2 and "trained on texts" in said


def test_a_published_encoder_is_refined_from_the_shell(tmp_path, run_line):
    pytest.importorskip("transformers")
    from published_folders import reviews, write, write_word_piece

    place = tmp_path / "tiny-bert"
    write(place, "bert", "Model")
    write_word_piece(place)
    reviews(tmp_path / "reviews.csv")
    code, value, said = run_line(
        "train", "reviews.csv", "--text", "review", "--target", "sentiment", "--weights", "tiny-bert", "--epochs", "8",
        "--set", "learning_rate=3e-3", "--report", "none", "--out", "run",
    )  # fmt: skip
    assert code == 0 and value["metrics"]["test"]["accuracy"] > 0.9, said
    assert "published, of tiny-bert" in (tmp_path / "run" / "plan.json").read_text()
    code, _, said = run_line("evaluate", "run")
    assert code == 0, said
    code, _, said = run_line("predict", "run", "--input-text", "the great old film", "--attention")
    assert code == 0 and "[CLS]" in said, said
    (place / "tokenizer_config.json").unlink()
    (place / "vocab.txt").unlink()
    code, _, said = run_line(
        "train", "reviews.csv", "--text", "review", "--target", "sentiment", "--weights", "tiny-bert"
    )
    assert code == 2 and "another tokenizer" in said and "--set tokenizer=" in said


def test_adapters_from_the_shell(tmp_path, run_line):
    line = ("train", "iris", "--network", "mlp", "--set", "widths=16,16", "--epochs", "2", "--report", "none")
    assert run_line(*line, "--out", "first")[0] == 0
    again = ("train", "iris", "--epochs", "2", "--report", "none", "--from", "first")
    code, _, said = run_line(*again, "--lora", "4", "--set", "lora.alpha=8", "--out", "second")
    assert code == 0, said
    told = {
        each["subject"]: each["choice"]
        for each in json.loads((tmp_path / "second" / "plan.json").read_text())["decisions"]
    }
    assert told["adapters"] == "rank 4 beside 2 layers"
    assert told["parameters"] == f"{4 * (4 + 16) + 4 * (16 + 16) + 16 * 3 + 3}"
    code, _, said = run_line(*again, "--lora", "0")
    assert code == 2 and "--lora is too small" in said
    code, _, said = run_line(*again, "--lora", "4", "--set", "lora.modules=*quory")
    assert code == 2 and "matches no linear layer" in said
