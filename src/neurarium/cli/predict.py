"""`neurarium predict`: raw new data in, classes with probabilities or values with intervals out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurarium.cli import arguments as a
from neurarium.cli.folders import find_run
from neurarium.cli.output import Output, escape, table
from neurarium.cli.tables import FORMATS, SHOWN, preview, write_table
from neurarium.core.errors import OptionError, unknown
from neurarium.core.files import writing

if TYPE_CHECKING:
    import polars


Input = Annotated[
    Path | None,
    typer.Option(
        "--input",
        "-i",
        metavar="FILE",
        help="New data in the original format: a table, an image, a recording, a folder.",
        show_default=False,
    ),
]
InputText = Annotated[
    str | None,
    typer.Option(
        "--input-text", metavar="TEXT", help="A text to predict, as it stands here.", show_default=False
    ),
]
Attention = Annotated[
    bool, typer.Option("--attention", help="Show which tokens of --input-text the network looked at.")
]
Page = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="PATH",
        help="Runs of masks or boxes: the folder of masks, overlays, pictures. With --attention: a page with heat maps.",
        show_default=False,
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Where to write: .csv, .tsv, .parquet, .jsonl; else standard output.",
        show_default=False,
    ),
]
Keep = Annotated[
    str | None,
    typer.Option(
        "--keep",
        metavar="A,B",
        help="Columns of the input to write beside the predictions, or all.",
        show_default=False,
    ),
]


Beam = Annotated[
    int,
    typer.Option("--beam", metavar="N", help="Transcripts: beginnings that are kept in the search; 1 takes the likeliest symbol of each frame."),
]  # fmt: skip
Components = Annotated[
    bool,
    typer.Option("--components", help="Forecasts: a column for each part that they are the sum of, such as trend and seasonality."),
]  # fmt: skip

TOLD = ("unseen", "unreadable", "otherwise", "quarantined")  # the notes that the JSON object holds


def predict(
    run: a.RunName,
    input: Input = None,
    input_text: InputText = None,
    attention: Attention = False,
    out: Page = None,
    boxes: a.Boxes = None,
    output: OutputFile = None,
    keep: Keep = None,
    dropout_samples: a.DropoutSamples = None,
    beam: Beam = 1,
    components: Components = False,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Predict new data: a row per example, in its order.

    Example: neurarium predict runs/adult-1 --input new.csv --output predictions.csv
    Example: neurarium predict runs/photos-1 --input new/ --out found/ --boxes new.json
    Example: neurarium predict runs/sst2-1 --input-text "I love this movie" --attention
    """
    _check(input, input_text, attention, out, components, boxes)
    if output is not None and output.suffix.lower() not in FORMATS:
        raise unknown("format of a table of predictions", output.suffix or output.name, FORMATS)
    from neurarium.studies.prediction.learner import with_dropout
    from neurarium.studies.prediction.study import predict_with_notes
    from neurarium.training.run import Run

    said = Output(as_json, quiet)
    folder = find_run(run)
    trained = Run.load(folder)
    if dropout_samples is not None:
        trained = with_dropout(trained, dropout_samples)
    raw: Any = input
    seen: Any = None
    if input_text is not None:
        raw, seen = _literal(trained, input_text, attention)  # refused before anything is printed
    pictures = out is not None and not attention
    if pictures:
        found = _pictured(trained, input, out, boxes)
    else:
        found = predict_with_notes(trained, raw, beam=beam, components=components)
    frame, notes = found
    if keep is not None:
        frame = _beside(frame, notes, keep, output)
    for line in _remarks(notes):
        said.note(line)
    if pictures and output is None:
        said.say(f"{len(notes['files']):,} images in {out}")
    else:
        _written(frame, output, said)
    value: dict[str, Any] = {
        "run": folder,
        "input": input,
        "output": output,
        "rows": frame.height,
        "columns": frame.columns,
    }
    value["notes"] = {name: notes[name] for name in TOLD if name in notes}
    if seen is not None:
        value["attention"] = _shown(seen, frame.row(0, named=True), out, said)
    if output is None and not pictures:
        value["predictions"] = frame.to_dicts() if as_json else None
    said.finish(value)


def _written(frame: polars.DataFrame, place: Path | None, said: Output) -> None:
    """Write the predictions into a file; or to standard output, as CSV, of which a terminal gets the beginning as a table."""
    if place is not None:
        write_table(frame, place)
        said.say(f"{frame.height:,} predictions in {place}")
    elif said.as_json:
        return
    elif sys.stdout.isatty() and not said.quiet:
        said.say(preview(frame))
        if frame.height > SHOWN:
            said.say(
                f"[dim]the first {SHOWN} of {frame.height:,}; --output FILE.csv writes them all, to every digit[/]"
            )
    else:
        sys.stdout.write(frame.write_csv())


def _check(
    input: Path | None,
    input_text: str | None,
    attention: bool,
    out: Path | None,
    components: bool,
    boxes: str | None,
) -> None:
    """Find what is missing or contradicts itself before the run is loaded."""
    if boxes is not None and (out is None or attention):
        raise OptionError(
            "--boxes gives the ids of the images to the files that --out writes",
            expected="--out FOLDER beside it", received=f"--boxes {boxes} alone", fix="add --out FOLDER, or leave it out",
        )  # fmt: skip
    if (input is None) == (input_text is None):
        raise OptionError(
            "there is nothing to predict" if input is None else "there are two things to predict",
            expected="either --input FILE or --input-text TEXT",
            received="neither" if input is None else "both",
            fix='for example --input-text "I love this movie"',
        )
    if components and (out is not None or input_text is not None):
        raise OptionError(
            "--components are columns of a table of forecasts", expected="--input FILE and --output FILE",
            received="--out" if out is not None else "--input-text", fix="write them with --output FILE.csv",
        )  # fmt: skip
    if attention and input_text is None:
        raise OptionError(
            "--attention shows the tokens of one text",
            received="no --input-text",
            fix='--input-text "I love this movie" --attention',
        )
    if out is not None and not attention and (input is None or out.suffix.lower() in (".html", ".htm")):
        raise OptionError(
            "--out writes the page of the attention, or masks and pictures with boxes into a folder",
            received=f"--out {out}",
            fix="add --attention; or write predictions with --output FILE",
        )
    if out is not None and attention and out.suffix.lower() not in (".html", ".htm"):
        raise unknown("format of a page", out.suffix or out.name, (".html", ".htm"))


def _literal(run: Any, text: str, attention: bool) -> tuple[Any, Any]:
    """Return a literal text as the run reads it, and what it looked at where that is asked for."""
    if type(run.targets).__name__ == "Text":
        from neurarium.studies.prediction.alignment import align

        return [text], align(run, text) if attention else None
    from neurarium.studies.prediction.tagging import is_tagged, words_of
    from neurarium.studies.prediction.text_attention import attend, text_row

    raw = words_of(text) if is_tagged(run) and not attention else text_row(run, text)
    return raw, attend(run, text) if attention else None


def _shown(found: Any, predicted: dict[str, Any], out: Path | None, said: Output) -> dict[str, Any]:
    if hasattr(found, "goal"):
        from neurarium.cli.translate import show_alignment

        return show_alignment(found, out, said)
    return _attention(found, predicted, out, said)


def _attention(found: Any, predicted: dict[str, Any], out: Path | None, said: Output) -> dict[str, Any]:
    """Show the weights of a text's tokens, and write the page."""
    top = max(found.weights) or 1.0
    shown = table("token", "weight", "", right=(1,))
    for number, (token, weight) in enumerate(zip(found.tokens, found.weights, strict=True)):
        if found.cut and number == found.gap:
            shown.add_row("…", "", "")
        shown.add_row(escape(token), f"{weight:.4f}", "█" * max(round(24 * weight / top), 1))
    if not said.as_json:
        said.say(shown)
    if found.of:
        said.note(f"the attention is that of {found.of}")
    if found.cut:
        said.note(f"the text is longer than what the network reads: {found.cut} tokens were left out")
    if out is not None:
        from neurarium.report.attention_page import write_attention

        with writing(out):
            write_attention(found, predicted, out)
        said.say(f"[dim]page[/] {escape(str(out))}")
    return found.to_json()


def _pictured(run: Any, input: Any, out: Any, boxes: Any) -> tuple[polars.DataFrame, dict[str, Any]]:
    """Write what is found in images as pictures, and as a table beside them.

    Raises:
        OptionError: a run that finds neither masks nor boxes.
    """
    from neurarium.studies.prediction.scenes import is_dense, predict_scenes

    if not is_dense(run):
        raise OptionError(
            "--out is for runs of masks or boxes, whose answers are pictures, and for the page of --attention",
            received=f"--out {out}",
            fix="write the table with --output FILE",
        )
    frame, notes = predict_scenes(run, input, out, boxes)
    write_table(frame, out / "predictions.csv")
    return frame, notes


def _beside(
    frame: polars.DataFrame, notes: dict[str, Any], keep: str, place: Path | None
) -> polars.DataFrame:
    """Put columns of the input before the predictions: as they were written, or numbers as numbers where the format knows them."""
    raw = notes.get("raw")
    if raw is None:
        raise OptionError(
            "--keep is for tables",
            received=f"--keep {keep}",
            fix="leave it out: images have their file's name",
        )
    names = raw.columns if keep == "all" else [each.strip() for each in keep.split(",")]
    for name in names:
        if name not in raw.columns:
            raise unknown("column in the input:", name, raw.columns)
    clash = {name: f"{name}_predicted" for name in frame.columns if name in names}
    kept = raw.select(names)
    typed = place is not None and place.suffix.lower() not in (".csv", ".tsv")
    return (_as_numbers(kept) if typed else kept).hstack(frame.rename(clash))


def _as_numbers(frame: polars.DataFrame) -> polars.DataFrame:
    """Turn columns of plain numbers as text into numbers; codes such as 00501 stay text."""
    import polars

    plain = r"^[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"
    for name in frame.columns:
        column = frame.get_column(name)
        if column.dtype == polars.String and column.count() and column.str.contains(plain).all():
            frame = frame.with_columns(column.cast(polars.Float64))
    return frame


def _remarks(notes: dict[str, Any]) -> list[str]:
    """What a person should know of the new data."""
    lines = []
    for column, values in notes.get("unseen", {}).items():
        shown = (
            f"{len(values)} categories"
            if hasattr(values, "__len__") and not isinstance(values, str)
            else values
        )
        lines.append(f"column {column}: {shown} unseen in training")
    for column, count in notes.get("unreadable", {}).items():
        lines.append(f"column {column}: {count} values are no numbers; they count as missing")
    for column, style in notes.get("otherwise", {}).items():
        lines.append(f"column {column}: written otherwise than in training; read as {style}")
    if notes.get("left_out"):
        names = notes["left_out"]
        shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        lines.append(f"left out {len(names)} series that are shorter than the look-back: {shown}")
    for each in notes.get("quarantined", [])[:10]:
        lines.append(f"left out {each['file']}: {each['reason']}")
    return lines
