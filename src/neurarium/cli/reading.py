"""Reading: the data that a command names, and what is said of it before anything is learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from neurarium.cli.command import Command
from neurarium.cli.output import Output
from neurarium.core.errors import DataError
from neurarium.core.wording import counted

if TYPE_CHECKING:
    from neurarium.data.dataset import Dataset

UNITS = {  # what one example is called: by the targets, else by the inputs
    "Text": "pair", "NextToken": "window", "Tags": "sentence", "Expectation": "window", "Horizon": "window", "Table": "row",
    "Mixed": "row", "Image": "image", "Tokens": "text", "Words": "sentence", "Series": "sequence", "Waveform": "recording",
}  # fmt: skip


def read(command: Command, resume: Path | None, output: Output) -> Dataset:
    """Read the data; where a run goes on, or is done again, it should be what it was."""
    from neurarium.report.question import question
    from neurarium.studies.planning.assignment import reader_options
    from neurarium.studies.planning.reading import ASKED, read_data, with_letters
    from neurarium.studies.planning.source_kinds import kind_of
    from neurarium.studies.planning.transfer import with_tokenizer

    _, reader = kind_of(command.data or "", command.given())
    options = reader_options(command.set, reader, command.network, command.method)
    options = with_letters(with_tokenizer(options, reader, command.weights), reader, command.network)
    dataset = read_data(
        command.data or "", **{name: getattr(command, name) for name in ASKED}, options=options
    )
    output.told(data=f"{dataset.name}: {_sizes(dataset)}", asked=question(dataset))
    if broken := dataset.summary.get("quarantined"):
        named = f"{broken[0]['file']} ({broken[0]['reason']})" + (", ..." if len(broken) > 1 else "")
        output.told(**{"left out": f"{counted(len(broken), 'file')} that cannot be read: {named}"})
    for each in dataset.decisions:
        if each.subject == "short series":
            output.told(**{"left out": f"{str(each.choice).removesuffix(' left out')} series: {each.reason}"})
    before, now = command.data_sha256, dataset.summary.get("sha256")
    if before and now and before != now:
        if resume is not None:
            raise DataError(
                f"{command.data} has changed since the run {resume} began",
                expected=f"SHA-256 {before[:12]}...",
                received=f"{now[:12]}...",
                fix="restore the file, or start anew with --from RUN",
            )
        output.note(f"{command.data} has changed since that run: the result will be another")
    command.data_sha256 = now
    if dataset.summary.get(
        "streamed"
    ):  # the splits are others in memory: whoever reads it again shall stream it too
        command.set = {**command.set, "stream": True}
    return dataset


def _sizes(dataset: Dataset) -> str:
    """Say how many examples do what.

    >>> import neurarium as nr
    >>> _sizes(nr.data.load("iris"))
    '106 rows to learn from, 22 validate, 22 test'
    """
    first, *others = ((name, len(split)) for name, split in dataset.splits.items())
    verbs = {"validation": "validate", "test": "test"}
    said = [f"{count:,} {verbs.get(name, name)}" for name, count in others]
    kinds = (type(dataset.targets).__name__, type(dataset.inputs).__name__)
    unit = next((UNITS[kind] for kind in kinds if kind in UNITS), "example")
    return ", ".join([f"{counted(first[1], unit)} to learn from", *said])
