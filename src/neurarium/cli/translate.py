"""`neurarium translate`: texts in, translations (or summaries) out, with the alignment on demand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurarium.cli import arguments as a
from neurarium.cli.folders import find_run
from neurarium.cli.output import Output, escape, table
from neurarium.cli.tables import FORMATS, write_table
from neurarium.core.errors import OptionError, unknown
from neurarium.core.files import write_text, writing
from neurarium.core.wording import counted

if TYPE_CHECKING:
    from neurarium.studies.prediction.alignment import Alignment

Input = Annotated[
    Path | None,
    typer.Option(
        "--input",
        "-i",
        metavar="FILE",
        help="A text per line, or a table with the column of texts.",
        show_default=False,
    ),
]
InputText = Annotated[
    str | None,
    typer.Option("--input-text", metavar="TEXT", help="A text, as it stands here.", show_default=False),
]
Beam = Annotated[int, typer.Option("--beam", metavar="N", help="Beginnings kept at each step; 1 is greedy.")]
Penalty = Annotated[
    float,
    typer.Option(
        "--length-penalty", metavar="P", help="0 prefers short texts, 1 compares the mean log p of tokens."
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Where to write: .csv, .tsv, .parquet, .jsonl with scores, anything else a text per line; else standard output.",
        show_default=False,
    ),
]
Attention = Annotated[
    bool, typer.Option("--attention", help="Show which word of --input-text each written word looked at.")
]
Page = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="PATH", help="With --attention: a page with the heat map.", show_default=False
    ),
]


def translate(
    run: a.RunName,
    input: Input = None,
    input_text: InputText = None,
    beam: Beam = 5,
    length_penalty: Penalty = 1.0,
    output: OutputFile = None,
    attention: Attention = False,
    out: Page = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Translate or summarize texts by a run that was trained on pairs of texts, one per line, in their order.

    Example: neurarium translate runs/multi30k-1 --input-text "Ein Hund rennt." --attention --out page.html
    Example: neurarium translate runs/multi30k-1 --input new.de --beam 5 --output new.en
    """
    _check(input, input_text, beam, attention, out)
    from neurarium.studies.prediction.translation import pair_preparation, translate_with_notes
    from neurarium.training.run import Run

    said = Output(as_json, quiet)
    folder = find_run(run)
    trained = Run.load(folder)
    pair_preparation(trained)
    seen = None
    if attention and input_text is not None:
        from neurarium.studies.prediction.alignment import align

        seen = align(trained, input_text, beam=beam, length_penalty=length_penalty)
    raw: Any = input if input is not None else [input_text]
    frame, notes = translate_with_notes(trained, raw, beam=beam, length_penalty=length_penalty)
    if notes.get("cut"):
        length = trained.preparation.read.length
        said.note(
            f"{counted(notes['cut'], 'text')} longer than the {length} tokens that the network reads: the rest was cut off"
        )
    if notes.get("unknown"):
        held = counted(notes["unknown"], "text")
        said.note(f"{held} with words that the training texts do not hold: each counts as one unknown word")
    if output is not None:
        if output.suffix.lower() in FORMATS:
            write_table(frame, output)
        else:
            with writing(output):
                write_text(output, "".join(f"{each}\n" for each in frame["prediction"]))
        said.say(f"{frame.height:,} texts in {output}")
    elif not as_json:
        sys.stdout.write("".join(f"{each}\n" for each in frame["prediction"]))
    value: dict[str, Any] = {
        "run": folder,
        "input": input,
        "output": output,
        "rows": frame.height,
        "beam": beam,
    }
    if seen is not None:
        value["attention"] = show_alignment(seen, out, said)
    if output is None:
        value["predictions"] = frame.to_dicts() if as_json else None
    said.finish(value)


def _check(input: Path | None, input_text: str | None, beam: int, attention: bool, out: Path | None) -> None:
    """Find what is missing or contradicts itself before the run is loaded."""
    if (input is None) == (input_text is None):
        raise OptionError(
            "there is nothing to translate" if input is None else "there are two things to translate",
            expected="either --input FILE or --input-text TEXT",
            received="neither" if input is None else "both",
            fix='for example --input-text "Ein Hund rennt."',
        )
    if beam < 1:
        raise OptionError("--beam is too small", expected="1 or more", received=beam, fix="leave out --beam")
    if input_text is not None and not input_text.strip():
        raise OptionError(
            "the text is empty", expected="at least one word", received=repr(input_text),
            fix="write the text behind --input-text; empty lines of --input stay empty",
        )  # fmt: skip
    if attention and input_text is None:
        raise OptionError(
            "--attention shows the words of one text", received="no --input-text",
            fix='--input-text "Ein Hund rennt." --attention',
        )  # fmt: skip
    if out is not None and not attention:
        raise OptionError(
            "--out writes the page of the alignment", received=f"--out {out}",
            fix="add --attention; or write the translations with --output FILE",
        )  # fmt: skip
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise unknown("format of a page", out.suffix or out.name, (".html", ".htm"))


def show_alignment(found: Alignment, out: Path | None, said: Output) -> dict[str, Any]:
    """Show which word each written word looked at most, and write the page."""
    from neurarium.report.alignment_page import strongest, write_alignment

    shown = table("written", "looks most at", "weight", "", right=(2,))
    for goal, word, weight in strongest(found):
        shown.add_row(escape(goal), escape(word), f"{weight:.4f}", "█" * max(round(24 * weight), 1))
    if not said.as_json:
        said.say(shown)
    if out is not None:
        with writing(out):
            write_alignment(found, out)
        said.say(f"[dim]page[/] {escape(str(out))}")
    return found.to_json()
