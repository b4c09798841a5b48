"""Translation from the shell: parallel files and a table, texts and files in, the alignment in the terminal and on a page."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

NOUNS = {"Hund": "dog", "Katze": "cat", "Mann": "man", "Frau": "woman"}
VERBS = {"rennt": "runs", "schläft": "sleeps", "isst": "eats", "liest": "reads"}
PAIRS = [(f"ein {n} {v} hier gern", f"one {NOUNS[n]} {VERBS[v]} here gladly") for n in NOUNS for v in VERBS]
TRAIN = ("--network", "seq2seq-lstm", "--set", "width=32", "--set", "dropout=0", "--set", "learning_rate=0.01",
         "--set", "tokenizer=words", "--epochs", "8", "--batch-size", "32")  # fmt: skip


def write(name, pairs):
    for ending, side in (("de", 0), ("en", 1)):
        Path(f"{name}.{ending}").write_text("".join(f"{pair[side]}\n" for pair in pairs), encoding="utf-8")


def parallel():
    write("train", PAIRS * 12)
    write("val", PAIRS)
    write("test", PAIRS[::2])
    return (
        "train.de",
        "--parallel",
        "train.en",
        "--task",
        "translation",
        "--validation",
        "val.de",
        "--test",
        "test.de",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("translation")


@pytest.fixture
def trained(folder, monkeypatch, run_line):
    monkeypatch.chdir(folder)
    if not Path("run").exists():
        code, value, _ = run_line("train", *parallel(), *TRAIN, "--out", "run")
        assert code == 0 and value["metrics"]["test"]["bleu"] > 95
    return folder


def test_texts_and_files_are_translated(trained, run_line, capfd):
    code, value, _ = run_line("translate", "run", "--input-text", "ein Hund rennt hier gern")
    assert (code, value["predictions"][0]["prediction"]) == (0, "one dog runs here gladly")
    Path("new.de").write_text("ein Mann liest hier gern\n\nein Frau isst hier gern\n", encoding="utf-8")
    code, value, _ = run_line("translate", "run", "--input", "new.de", "--output", "new.en", "--beam", "2")
    assert (code, value["rows"], value["beam"]) == (0, 3, 2)
    assert Path("new.en").read_text().split("\n") == [
        "one man reads here gladly",
        "",
        "one woman eats here gladly",
        "",
    ]
    code, _, _ = run_line("predict", "run", "--input", "new.de", "--output", "new.csv")
    rows = list(csv.DictReader(Path("new.csv").read_text().splitlines()))
    assert [row["prediction"] for row in rows] == Path("new.en").read_text().split("\n")[:-1]
    assert float(rows[0]["score"]) < 0
    capfd.readouterr()
    from neurarium.cli.main import main

    assert main(["translate", "run", "--input", "new.de"]) == 0
    assert capfd.readouterr().out == Path("new.en").read_text()


def test_what_is_cut_off_and_what_is_unknown_is_said(trained, run_line):
    Path("long.de").write_text("ein Hund rennt hier gern " * 40 + "\nein Hund rennt\n", encoding="utf-8")
    _, value, told = run_line("translate", "run", "--input", "long.de")
    assert value["rows"] == 2 and "1 text longer than the 5 tokens" in told and "unknown" not in told
    _, _, told = run_line("translate", "run", "--input-text", "😀 שלום")
    assert "1 text with words that the training texts do not hold" in told


@pytest.mark.parametrize("verb", ["translate", "predict"])
def test_the_alignment_is_shown_and_written(verb, trained, run_line):
    text = "ein Katze schläft hier gern"
    code, value, _ = run_line(verb, "run", "--input-text", text, "--attention", "--out", f"{verb}.html")
    found = value["attention"]
    assert (code, found["goal"], found["source"]) == (
        0,
        ["one", "cat", "sleeps", "here", "gladly"],
        text.split(),
    )
    assert all(sum(row) == pytest.approx(1.0, abs=1e-3) for row in found["weights"])
    page = Path(f"{verb}.html").read_text()
    assert "gladly" in page and page.count("<rect") == 25
    from neurarium.cli.main import main

    assert main([verb, "run", "--input-text", text, "--attention"]) == 0


def test_the_report_shows_texts_and_where_it_looked(trained):
    page = Path("run/report.html").read_text()
    assert "What it writes" in page and "Where it looked" in page and "ein Hund" in page
    plan = {row["subject"]: row for row in json.loads(Path("run/plan.json").read_text())["decisions"]}
    assert plan["tokenizer of de and en"]["choice"].startswith("words")
    assert "length of de" in plan and "BLEU" in plan["decoding"]["reason"]


def test_evaluate_and_rerun(trained, run_line):
    code, value, _ = run_line("evaluate", "run", "--split", "validation")
    assert code == 0 and value["metrics"]["bleu"] > 95 and "bleu" in value["intervals"]
    code, value, _ = run_line(
        "train", "--config", "run/config.yaml", "--epochs", "1", "--report", "none", "--out", "again"
    )
    assert code == 0 and "bleu" in value["metrics"]["test"]


def test_a_table_of_long_and_short_texts_is_summarized(folder, monkeypatch, run_line):
    monkeypatch.chdir(folder)
    with Path("notes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("long", "short"), *PAIRS * 12])
    told = ("notes.csv", "--text", "long", "--target", "short", "--task", "summarization")
    code, value, _ = run_line("train", *told, *TRAIN, "--report", "none", "--out", "notes")
    assert code == 0 and value["metrics"]["test"]["rouge_l"] > 0.9 and "bleu" not in value["metrics"]["test"]
    code, value, _ = run_line("translate", "notes", "--input", "notes.csv", "--beam", "1")
    assert (code, value["rows"]) == (0, 192)


MISTAKES = [
    (("translate", "run"), "nothing to translate"),
    (("translate", "run", "--input", "a", "--input-text", "b"), "two things"),
    (("translate", "run", "--input-text", "a", "--beam", "0"), "--beam"),
    (("translate", "run", "--input-text", " "), "empty"),
    (("translate", "run", "--input", "a", "--attention"), "one text"),
    (("translate", "run", "--input-text", "a", "--out", "a.html"), "--attention"),
    (("translate", "run", "--input-text", "a", "--attention", "--out", "a.png"), "format of a page"),
    (("translate", "run", "--input", "nothing.de"), "nothing.de"),
    (("train", "train.de", "--task", "translation"), "one side"),
    (("train", "train.de", "--parallel", "short.en"), "not parallel"),
    (("train", "train.de", "--parallel", "train.de"), "translation of itself"),
    (("train", "train.de", "--parallel", "nowhere.en"), "nowhere.en"),
    (("train", "notes.csv", "--task", "summarization"), "which column is read"),
    (("train", "train.de", "--parallel", "train.en", "--target", "x"), "no columns"),
    (("train", "train.de", "--parallel", "train.en", "--network", "mlp"), "'mlp' cannot take Tokens inputs"),
    (("train", "train.de", "--parallel", "train.en", "--set", "score=manhattan"), "score"),
    (("train", "train.de", "--parallel", "train.en", "--split", "stratified"), "random"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_mistakes_are_told(words, said, trained, run_line):
    write("short", PAIRS[:3])
    if not Path("notes.csv").exists():
        Path("notes.csv").write_text("long,short\na,b\n")
    code, _, told = run_line(*words)
    assert code == 2 and said in told, told


def test_a_transformer_that_is_asked_for_writes(run_line):
    words = (
        "--network",
        "transformer",
        "--set",
        "width=16",
        "--set",
        "blocks=1",
        "--set",
        "heads=2",
        "--steps",
        "2",
    )
    code, told, _ = run_line("train", *parallel(), *words, "--report", "none")
    assert code == 0 and {"bleu", "perplexity"} <= set(told["metrics"]["test"])
    plan = {
        each["subject"]: each for each in json.loads(Path(told["run"], "plan.json").read_text())["decisions"]
    }
    assert plan["network"]["choice"] == "encoder-decoder"
    assert plan["network"]["reason"].startswith("transformer was asked for")
