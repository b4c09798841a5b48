"""The Stanford sentiment trees as tables of sentences, and of all their phrases to learn from, as Kim (2014) uses them.

    python scripts/sst_phrases.py TREES OUT

TREES holds train.txt, dev.txt and test.txt, one tree in brackets a line: `(3 (2 The) (4 film))`, 0 very negative to 4 very
positive (Socher et al. 2013; the archive trainDevTestTrees_PTB of nlp.stanford.edu/sentiment). OUT gets train.tsv,
dev.tsv and test.tsv with the columns text and sentiment: neutral ones are left out, the others are two classes. The
training table has every phrase of a training tree once, the sentences among them (arXiv:1408.5882, section 3: "we train
the model on both phrases and sentences but only score on sentences at test time"); no phrase that is a sentence of dev
or test is among them.
"""

from __future__ import annotations

import argparse
import csv
import re
from collections.abc import Iterator
from pathlib import Path

PIECE = re.compile(r"\(|\)|[^\s()]+")
WRITTEN = {"-LRB-": "(", "-RRB-": ")"}


def phrases(tree: str) -> Iterator[tuple[str, int]]:
    """Yield every phrase of a tree and its label, parts before wholes: the sentence comes last.

    >>> list(phrases("(3 (2 a) (4 gem))"))
    [('a', 2), ('gem', 4), ('a gem', 3)]
    """
    open_: list[tuple[int, list[str]]] = []
    label_follows = False
    for piece in PIECE.findall(tree):
        if piece == "(":
            label_follows = True
        elif piece == ")":
            label, words = open_.pop()
            yield " ".join(words), label
            if open_:
                open_[-1][1].extend(words)
        elif label_follows:
            open_.append((int(piece), []))
            label_follows = False
        else:
            open_[-1][1].append(WRITTEN.get(piece, piece).replace("\\/", "/"))


def sides(found: dict[str, int]) -> list[tuple[str, str]]:
    """Return text and class of what is not neutral."""
    return [(text, "positive" if label > 2 else "negative") for text, label in found.items() if label != 2]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trees", type=Path)
    parser.add_argument("out", type=Path)
    said = parser.parse_args()
    said.out.mkdir(parents=True, exist_ok=True)
    read = {
        part: (said.trees / f"{part}.txt").read_text(encoding="utf-8").splitlines()
        for part in ("train", "dev", "test")
    }
    tables: dict[str, list[tuple[str, str]]] = {}
    for part in ("dev", "test"):
        sentences = [list(phrases(tree))[-1] for tree in read[part] if tree.strip()]
        tables[part] = [row for text, label in sentences for row in sides({text: label})]
    held = {text.lower() for part in ("dev", "test") for text, _ in tables[part]}
    learned: dict[str, int] = {}
    for tree in read["train"]:
        for text, label in phrases(tree):  # the whole sentence last, so that its own label stands
            if text.lower() not in held:
                learned[text] = label
    tables["train"] = sides(learned)
    for part, rows in tables.items():
        with (said.out / f"{part}.tsv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
            writer.writerow(["text", "sentiment"])
            writer.writerows(rows)
        print(
            f"{part}: {len(rows):,} texts, {sum(side == 'positive' for _, side in rows) / len(rows):.3f} positive"
        )


if __name__ == "__main__":
    main()
