"""Tagging from the shell: train, evaluate, predict a literal and a file; an unseen name is tagged by its looks."""

from __future__ import annotations

import json
from pathlib import Path

import polars
import pytest

TRAIN = ("--task", "tagging", "--set", "width=32", "--set", "embedding=32", "--epochs", "6",
         "--batch-size", "8", "--set", "learning_rate=0.01")  # fmt: skip


@pytest.fixture
def sentences(tagged_corpus):
    return tagged_corpus.write_conll(Path("sentences.conll"), tagged_corpus.corpus(300))


def test_tags_are_learned_measured_and_predicted(sentences, run_line, tagged_corpus):
    code, value, _ = run_line("train", sentences, *TRAIN, "--out", "run")
    assert code == 0
    found = value["metrics"]["test"]
    assert found["span_f1"] > 0.9 and found["accuracy"] > 0.95
    report = json.loads(Path("run/evaluation/test.json").read_text())
    assert sum(map(sum, report["confusion"])) == sum(row["tokens"] for row in report["per_class"].values())
    assert "Confusion of tags" in Path("run/report.html").read_text()
    subjects = [each["subject"] for each in json.loads(Path("run/plan.json").read_text())["decisions"]]
    assert {"words", "tags", "length buckets"} <= set(subjects)

    code, value, _ = run_line("predict", "run", "--input-text", "Velmo visits New Zornau.")
    rows = value["predictions"]
    assert [row["word"] for row in rows] == ["Velmo", "visits", "New", "Zornau", "."]
    assert [row["prediction"] for row in rows] == ["B-PER", "O", "B-LOC", "I-LOC", "O"]

    new = tagged_corpus.write_conll(Path("new.conll"), tagged_corpus.corpus(30, seed=9))
    code, value, _ = run_line("predict", "run", "--input", new, "--output", "tags.csv")
    frame = polars.read_csv("tags.csv")
    truth = [tag for each in tagged_corpus.corpus(30, seed=9) for _, tag in each]
    assert frame.height == len(truth) and frame["sentence"].max() == 30
    assert sum(a == b for a, b in zip(frame["prediction"], truth, strict=True)) / len(truth) > 0.95
    code, value, _ = run_line("evaluate", "run", "--input", new)
    assert code == 0 and value["metrics"]["span_f1"] > 0.9


@pytest.mark.parametrize("network", ["lstm", "gru", "transformer", "tcn", "text-cnn"])
def test_other_networks_tag_too(network, sentences, run_line):
    small = (
        "--set",
        "width=32",
        "--epochs",
        "8",
        "--batch-size",
        "8",
        "--report",
        "none",
        "--network",
        network,
    )
    code, value, _ = run_line("train", sentences, "--task", "tagging", *small)
    assert code == 0 and value["metrics"]["test"]["accuracy"] > 0.8


def test_files_of_their_own_in_columns_as_they_come(run_line, tagged_corpus):
    """Tabs, numbers of words, comments and other names of files; what training says of them; a broken one is told by its line."""
    for name, count, seed in (("train.conll", 60, 0), ("dev.tsv", 9, 1), ("gold.annotated", 9, 2)):
        held = tagged_corpus.corpus(count, seed=seed)
        rows = [
            "# sent_id = 1\n" + "\n".join(f"{n}\t{w}\t_\t{t}" for n, (w, t) in enumerate(each, 1))
            for each in held
        ]
        Path(name).write_text("\n\n".join(rows) + "\n")
    files = ("train.conll", "--task", "tagging", "--validation", "dev.conll", "--test", "gold.annotated")
    Path("dev.tsv").rename("dev.conll")
    small = ("--set", "width=8", "--epochs", "1", "--out", "own")
    code, value, said = run_line("train", *files, *small)
    assert code == 0, said
    assert set(value["metrics"]) == {"validation", "test"} and "usual tag of each word" in said
    plan = {each["subject"]: each for each in json.loads(Path("own/plan.json").read_text())["decisions"]}
    assert (
        plan["columns"]["choice"] == "word 2, tag 4" and "first counts the words" in plan["columns"]["reason"]
    )
    assert plan["network"]["choice"] == "bilstm-crf" and plan["monitor"]["choice"] == "span_f1"
    assert "letters" in plan and "in lower case" in plan["words"]["reason"]
    report = json.loads(Path("own/evaluation/test.json").read_text())
    assert set(report["spans"]) == {"PER", "LOC"} and report["examples"] == 9
    code, _, _ = run_line("train", *files, "--network", "gru", *small[:-1], "words", "--report", "none")
    plan = {each["subject"] for each in json.loads(Path("words/plan.json").read_text())["decisions"]}
    assert code == 0 and "letters" not in plan
    broken = Path("gold.annotated").read_text().replace("\t_\tO\n", "\t_\n", 1)
    line = next(n for n, each in enumerate(broken.split("\n"), 1) if each.endswith("\t_"))
    Path("gold.annotated").write_text(broken)
    code, value, _ = run_line("train", *files, *small[:-1], "broken")
    problem = value["error"]["problem"]
    assert (
        code == 2 and problem.startswith(f"line {line} of ") and problem.endswith("gold.annotated has no tag")
    )


def test_mistakes(sentences, run_line):
    Path("words.txt").write_text("Anna sings\n")
    code, value, _ = run_line("train", sentences, "--task", "tagging", "--network", "text-bag")
    assert code == 2 and "cannot predict Tags" in value["error"]["problem"]
    code, value, _ = run_line("train", "words.txt", "--task", "tagging")
    assert code == 2 and "sentences" not in value.get("run", "")
    code, value, _ = run_line("train", sentences, "--task", "tagging", "--split", "stratified")
    assert code == 2 and "at random" in value["error"]["problem"]


def test_folds_of_sentences(sentences, run_line):
    small = ("--set", "width=8", "--epochs", "1", "--folds", "3", "--out", "folds")
    code, _, said = run_line("cross-validate", sentences, "--task", "tagging", *small)
    assert code == 0, said
    frame = polars.read_csv("folds/predictions.csv")
    words = [len(row.split()) for row in frame["target"]]
    assert words == [len(row.split()) for row in frame["prediction"]] and sum(words) > 900
