"""Language: a text file, a folder of them, or a column of a table, as what a language model learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurarium.core.errors import DataError, OptionError
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.language import LanguageKind, LanguagePreparation, fit_language
from neurarium.data.readers.language import raw_texts, texts_at

CONTEXT = 256


def language(
    source: Path | str | Sequence[str],
    *,
    text: str | None = None,
    test: str | None = None,
    validation: float | str = 0.05,
    test_fraction: float = 0.05,
    task: str | None = None,
    seed: int = 0,
    tokenizer: LanguageKind | None = None,
    vocabulary: int = 8000,
    context: int | None = None,
    encoding: str | None = None,
) -> Dataset:
    """Read text for a language model: its beginning is learned from, its end is held out, in this order.

    Args:
        source: a text file, a folder of `.txt` files (one after the other by name), a table with a column of texts, or a
            list of texts.
        text: that column of a table.
        test, validation: a file or folder of its own, or the fraction at the end (`test_fraction` of the test).
        task: "language-model".
        seed: has no effect: the order of a text is its own.
        tokenizer: "characters", "byte-pair", "word-piece" or "words", a folder with a published tokenizer or its hub id;
            None by the size of the text.
        vocabulary: tokens at most.
        context: tokens that the network sees at once; 256, or the length of the training text where that is shorter.
        encoding: of files that are not UTF-8.

    Returns:
        A dataset of `Tokens` -> `NextToken`, in windows that follow one another.

    Raises:
        DataError: no text, an empty one, one that is too short, or bytes of another encoding.
        OptionError: a column that the table does not have.

    >>> import tempfile
    >>> book = Path(tempfile.mkdtemp()) / "book.txt"
    >>> _ = book.write_text("To be, or not to be, that is the question. " * 50)
    >>> language(book, context=32)
    Dataset(book.txt: Tokens -> NextToken; train 61, validation 4, test 4)
    """
    given = isinstance(source, Path | str)
    texts = texts_at(Path(source), text, encoding) if given else raw_texts(source, text)  # type: ignore[arg-type]
    parts, notes = _split(texts, validation, test, test_fraction, text, encoding)
    found = dataset_of(
        parts, Path(source).name if given else "text", tokenizer=tokenizer, vocabulary=vocabulary,  # type: ignore[arg-type]
        context=context, decisions=notes,
    )  # fmt: skip
    found.preparation.column = text  # type: ignore[union-attr]
    return found


def dataset_of(
    parts: dict[str, list[str]], name: str, *, tokenizer: LanguageKind | None = None, vocabulary: int = 8000,
    context: int | None = None, decisions: Sequence[Decision] = (),
) -> Dataset:  # fmt: skip
    """Turn the texts of each split into a dataset.

    Raises:
        DataError: the training text is too short.
    """
    if context is not None and context < 1:
        raise OptionError("the context is too short", expected="1 token or more", received=context)
    ends = len(parts["train"]) > 1
    preparation, found = fit_language(
        parts["train"], kind=tokenizer, vocabulary=vocabulary, length=context or CONTEXT, ends=ends
    )
    decisions = [*decisions, *found]
    longest_known: Any = getattr(preparation.tokenizer, "longest", None)
    if context is None and longest_known:
        preparation.length = min(CONTEXT, longest_known)
    windows: dict[str, Any] = {"train": preparation.windows_of(parts["train"])}
    longest = len(windows["train"].tokens) - 1
    if longest < preparation.length:
        preparation.length = longest
        windows["train"] = preparation.windows_of(parts["train"])
        why = f"the training text has no more than {longest + 1:,} tokens"
    else:
        why = "given" if context else "what the network sees at once; a longer one costs time and memory"
    decisions.append(Decision("context", f"{preparation.length} tokens", why, "--set context="))
    for split in ("validation", "test"):
        if split in parts:
            try:
                windows[split] = preparation.windows_of(parts[split])
            except DataError:
                decisions.append(
                    Decision(split, "left out", "it would hold fewer than two tokens", f"--{split}")
                )
    summary = _summary(parts, windows, preparation)
    if summary["unknown tokens"]:
        shown = ", ".join(f"{split} {count:,}" for split, count in summary["unknown tokens"].items())
        decisions.append(
            Decision(
                "unknown tokens",
                shown,
                "the training text does not hold them: all are one token",
                "--set tokenizer=byte-pair",
            )
        )
    return Dataset(
        name, preparation.inputs, preparation.targets, **windows,
        preparation=preparation, decisions=decisions, summary=summary,
    )  # fmt: skip


def _split(
    texts: list[str], validation: float | str, test: str | None, test_fraction: float,
    column: str | None, encoding: str | None,
) -> tuple[dict[str, list[str]], list[Decision]]:  # fmt: skip
    """Cut off the end of the text: of one text by characters, of several by whole texts."""
    shares = {"validation": 0.0, "test": test_fraction}
    parts: dict[str, list[str]] = {}
    if isinstance(validation, str):
        parts["validation"] = texts_at(Path(validation), column, encoding)
    else:
        shares["validation"] = validation
    if test is not None:
        parts["test"], shares["test"] = texts_at(Path(test), column, encoding), 0.0
    if min(shares.values()) < 0 or sum(shares.values()) >= 1:
        raise OptionError(
            "the shares of validation and test leave nothing to learn from",
            expected="0 or more each, less than 1 together",
            received=", ".join(f"{name} {share:g}" for name, share in shares.items()),
        )
    size = len(texts) if len(texts) > 1 else len(texts[0])
    counts = {name: int(share * size) for name, share in shares.items()}
    stop = size - counts["test"]
    middle = stop - counts["validation"]
    bounds = {"train": (0, middle), "validation": (middle, stop), "test": (stop, size)}
    for name, (low, high) in bounds.items():
        if high > low or name == "train":
            parts[name] = texts[low:high] if len(texts) > 1 else [texts[0][low:high]]
    what = "texts" if len(texts) > 1 else "characters"
    shown = ", ".join(f"{name} {high - low:,}" for name, (low, high) in bounds.items() if high > low)
    ordered: dict[str, list[str]] = {
        name: parts[name] for name in ("train", "validation", "test") if name in parts
    }
    return ordered, [
        Decision(
            "split",
            f"{what}: {shown}",
            "in the order of the text: the end is held out",
            "--validation, --test",
        )
    ]


def _summary(
    parts: dict[str, list[str]], windows: dict[str, Any], preparation: LanguagePreparation
) -> dict[str, Any]:
    digest = hashlib.sha256()
    for name, texts in parts.items():
        for each in texts:
            digest.update(f"{name}:{len(each)}:".encode() + each.encode("utf-8", "surrogatepass"))
    return {
        "characters": sum(len(each) for texts in parts.values() for each in texts),
        "texts": sum(map(len, parts.values())),
        "vocabulary": preparation.tokenizer.size,
        "splits": {split: len(each) for split, each in windows.items()},
        "tokens": {split: len(each.tokens) for split, each in windows.items()},
        "unknown tokens": {
            split: count
            for split, each in windows.items()
            if (count := int((each.tokens == preparation.unknown).sum()))
        },
        "sha256": digest.hexdigest(),
    }
