"""`neurarium generate`: a language model goes on with a text, word by word as it comes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neurarium.cli import arguments as a
from neurarium.cli.folders import find_run
from neurarium.cli.output import Output
from neurarium.core.wording import counted


def _option(flag: str, metavar: str, help: str) -> typer.models.OptionInfo:
    return typer.Option(flag, metavar=metavar, help=help, show_default=False)


Prompt = Annotated[str, _option("--prompt", "TEXT", "What it goes on with; a new line by default.")]
Tokens = Annotated[int, _option("--tokens", "N", "How many to write at most; 200 by default.")]
Temperature = Annotated[
    float | None,
    _option(
        "--temperature", "X", "Below 1 more likely, above 1 more varied, 0 the likeliest; 0.8 by default."
    ),
]
TopK = Annotated[int | None, _option("--top-k", "K", "Draw from the K likeliest tokens.")]
TopP = Annotated[
    float | None, _option("--top-p", "P", "Draw from the likeliest that have this share together.")
]
Repetition = Annotated[
    float,
    _option(
        "--repetition-penalty", "X", "Above 1: what was written already becomes less likely; 1.2 is usual."
    ),
]
Stop = Annotated[
    list[str] | None, _option("--stop", "TEXT", "End before this text; the option may come several times.")
]
Beam = Annotated[
    int | None, _option("--beam", "N", "Search for the likeliest text with N beginnings at once.")
]
Seed = Annotated[int, _option("--seed", "N", "Another draw.")]


def generate(
    run: a.RunName,
    prompt: Prompt = "",
    tokens: Tokens = 200,
    temperature: Temperature = None,
    top_k: TopK = None,
    top_p: TopP = None,
    repetition_penalty: Repetition = 1.0,
    stop: Stop = None,
    seed: Seed = 0,
    beam: Beam = None,
    as_json: a.Json = False,
    quiet: a.Quiet = False,
    debug: a.Debug = False,
) -> None:
    """Go on with a text: a language model writes what may follow. RUN may be a published model: its folder or hub id.

    Example: neurarium generate runs/book-1 --prompt "It was" --tokens 500 --temperature 0.8
    """
    from neurarium.core.errors import OptionError
    from neurarium.studies.prediction.generation import generate as generated
    from neurarium.studies.prediction.published_language import is_published, published_language_model
    from neurarium.training.run import Run

    if beam is not None and temperature is not None:
        raise OptionError(
            "a beam search draws nothing", received="--beam with --temperature", fix="leave one of them out"
        )
    said = Output(as_json, quiet)
    if is_published(run):
        folder, trained = Path(run), published_language_model(run)
    else:
        folder = find_run(run)
        trained = Run.load(folder)

    begun = [False]

    def write(piece: str) -> None:
        sys.stdout.write(
            piece if begun[0] else prompt + piece
        )  # not before it is known that something follows
        begun[0] = True
        sys.stdout.flush()

    found = generated(
        trained, prompt, tokens=tokens, temperature=0.8 if temperature is None else temperature,
        top_k=top_k, top_p=top_p, repetition_penalty=repetition_penalty, stop=stop or (), seed=seed, beam=beam,
        write=None if as_json else write,
    )  # fmt: skip
    if not as_json:
        write("\n")
    if found.unseen:
        said.note(f"the training text does not hold {found.unseen!r}: each counts as one unknown token")
    if found.slid:
        said.note(
            f"longer than the {found.context} tokens that it sees at once: {counted(found.slid, 'time')} it went on from the "
            "newer half"
        )
    said.finish({"run": folder, **found.to_json()})
