"""Language models from the shell: from a text file to a text."""

from __future__ import annotations

from pathlib import Path

import pytest

SMALL = (
    "--set",
    "context=16",
    "--set",
    "width=16",
    "--steps",
    "80",
    "--batch-size",
    "16",
    "--set",
    "learning_rate=0.01",
)
TEXT = "ring a ring of roses, a pocket full of posies.\n" * 60


@pytest.mark.parametrize("network", [("--set", "blocks=1", "--set", "heads=2"), ("--network", "gru")])
def test_from_a_text_to_a_text(network, run_line):
    Path("book.txt").write_text(TEXT)
    code, value, _ = run_line(
        "train", "book.txt", "--task", "language-model", *SMALL, *network, "--out", "run"
    )
    assert code == 0 and value["metrics"]["test"]["bits_per_character"] < 2.5
    code, value, _ = run_line(
        "generate", "run", "--prompt", "ring", "--tokens", "40", "--top-k", "5", "--top-p", "0.9"
    )
    assert code == 0 and value["tokens"] == 40 == len(value["text"]) and value["prompt"] == "ring"
    again = run_line(
        "generate", "run", "--prompt", "ring", "--tokens", "40", "--top-k", "5", "--top-p", "0.9"
    )[1]
    assert again["text"] == value["text"]
    code, value, _ = run_line("predict", "run", "--input-text", "ring a ring")
    assert code == 0 and value["predictions"][0]["tokens"] == 10
    report = Path("run/report.html").read_text()
    assert "What it writes" in report and "Bits per character" in report
    code, value, _ = run_line("evaluate", "run", "--input", "book.txt")
    assert code == 0 and value["metrics"]["perplexity"] > 1


def test_the_text_streams_to_the_terminal(capfd):
    from neurarium.cli.main import main

    Path("book.txt").write_text(TEXT)
    assert (
        main(
            ["train", "book.txt", *SMALL, "--set", "blocks=1", "--set", "heads=2", "--quiet", "--out", "run"]
        )
        == 0
    )
    capfd.readouterr()
    assert main(["generate", "run", "--prompt", "a €", "--tokens", "20"]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("a €") and len(out) == len("a €") + 20 + 1
    assert "does not hold '€'" in err and "it went on from the newer half" in err
    line = ["generate", "run", "--prompt", "a ", "--tokens", "40", "--temperature", "0"]
    assert main(line) == 0
    whole = capfd.readouterr().out
    assert main([*line, "--stop", whole[10:12], "--stop", "never"]) == 0
    assert capfd.readouterr().out == whole[: 2 + whole[2:].index(whole[10:12])] + "\n"
    assert main([*line, "--top-p", "3"]) == 2
    out, err = capfd.readouterr()
    assert out == "" and "to fix:   --top-p 0.95" in err  # the prompt is not printed before a mistake is told


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("train", "book.txt", "--task", "language-model", "--target", "x"), "--target"),
        (
            ("train", "book.txt", "--ensemble", "2", *SMALL, "--set", "blocks=1", "--set", "heads=2"),
            "not averaged as one",
        ),
        (("train", "book.txt", "--network", "text-cnn"), "sees what stands behind a step"),
        (("train", "book.txt", "--network", "lstm", "--set", "bidirectional=true"), "must not see"),
        (("train", "book.txt", "--augment", "flip"), "varies images"),
        (("train", "book.txt", "--buckets"), "one length"),
        (
            (
                "train",
                "table.csv",
                "--target",
                "y",
                "--method",
                "truncated-backpropagation",
                "--network",
                "mlp",
            ),
            "carries no state",
        ),
        (("generate", "nothing"), "nothing"),
        (("generate", "nothing", "--beam", "2", "--temperature", "1"), "draws nothing"),
    ],
)
def test_mistakes_are_told(line, said, run_line):
    Path("book.txt").write_text(TEXT)
    Path("table.csv").write_text("x,y\n" + "\n".join(f"{n},{n % 2}" for n in range(40)))
    code, _, printed = run_line(*line)
    assert code == 2 and said in printed, printed
