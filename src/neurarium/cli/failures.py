"""Failures: one message for a user's mistake, a short one for ours, never a traceback unless it is asked for."""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from neurarium.cli.output import first_process
from neurarium.core.errors import ABBREVIATIONS, NeurariumError, OptionError, Terminated, UserError, nearest
from neurarium.report.words import in_shell

INTERRUPTED = 130
# options that other programs have, and where ours is; and options that `--set` reaches
ELSEWHERE = {
    "gpu": "--device cuda", "cuda": "--device cuda", "cpu": "--device cpu", "model": "--network NAME", "arch": "--network NAME",
    "bs": "--batch-size N", "batch": "--batch-size N", "test_size": "--test SHARE", "val": "--validation FILE",
    "label": "--target COLUMN", "y": "--target COLUMN", "num_epochs": "--epochs N", "random_state": "--seed N",
    "num_workers": "--workers N", "early_stopping": "--patience N", "bf16": "--precision bfloat16", "fp16": "--precision float16",
    "pretrained": "--weights FILE", "drop": "--set drop=COLUMN", "output": "--out FOLDER", "output_dir": "--out FOLDER",
}  # fmt: skip
SETTABLE = (
    "learning_rate", "weight_decay", "optimizer", "schedule", "warmup", "dropout", "widths", "depth", "width", "layers",
    "clip_norm", "accumulate", "average", "activation", "class_weights", "loss", "regularizer", "initializer", "tokenizer",
)  # fmt: skip
WRITERS = ("neurarium", "rich", "typer", "click")  # what writes to the console
USAGE = typer.BadParameter.__mro__[2]  # typer's root of usage errors has had several homes


def itself(error: BaseException) -> BaseException:
    """Return the error that typer and rich took for the end of the console: EOF and broken pipes are elsewhere too."""
    hidden = error.__cause__ if isinstance(error, typer.Abort) else error.__context__
    ended = isinstance(error, SystemExit | typer.Abort) and isinstance(hidden, EOFError | BrokenPipeError)
    return hidden if ended and hidden is not None else error


def unread(error: BaseException) -> bool:
    """Return whether nobody reads what is printed (`neurarium runs | head`); other pipes lead to other processes.

    >>> unread(BrokenPipeError())
    False
    """
    place = error.__traceback__ if isinstance(error, BrokenPipeError) else None
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals.get("__name__", "").split(".")[0] in WRITERS


def told(error: BaseException, arguments: Sequence[str]) -> int:
    """Print what a person needs to know of an error, and return the exit code."""
    as_json = "--json" in arguments
    if isinstance(error, Terminated):
        _print("ended by SIGTERM", as_json, {"problem": "ended by SIGTERM"}, error.code)
        return error.code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 0
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        _print("interrupted", as_json, {"problem": "interrupted"}, INTERRUPTED)
        return INTERRUPTED
    if isinstance(error, USAGE):
        error = usage(error, arguments)
    if isinstance(error, UserError):
        details = {name: getattr(error, name) for name in ("problem", "expected", "received", "fix")}
        _print(_for_the_shell(str(error)), as_json, details, 2)
        return 2
    message = _ours(error, "--debug" in arguments or bool(os.environ.get("NEURARIUM_DEBUG")))
    _print(message, as_json, {"problem": message}, 1)
    return 1


def usage(error: Any, arguments: Sequence[str] = ()) -> UserError:
    """Turn typer's complaint about the command line into one of ours, with the nearest match."""
    name = type(error).__name__
    context = getattr(error, "ctx", None)
    verb = next(iter(arguments), "-")
    path = (
        context.command_path
        if context is not None
        else f"neurarium {verb}"
        if verb.isalpha()
        else "neurarium"
    )
    options = (
        [each for parameter in context.command.params for each in parameter.opts]
        if context is not None
        else []
    )
    if name == "NoSuchOption":
        fix = _for_option(error.option_name, options) or f"see `{path} --help`"
        return OptionError(f"`{path}` has no option {error.option_name}", received=error.option_name, fix=fix)
    unknown = re.match(r"No such command '(.*?)'", error.format_message())
    if unknown and context is not None:
        verbs = list(getattr(context.command, "commands", {}))
        near = nearest(unknown[1], verbs)
        fix = f"did you mean `{path} {near}`?" if near else f"see `{path} --help`"
        return OptionError(
            f"there is no command '{unknown[1]}'", expected=", ".join(verbs), received=unknown[1], fix=fix
        )
    message = error.format_message().strip()
    more = re.match(r"Got unexpected extra arguments? \((.*)\)", message)
    if more and all(os.path.exists(each) for each in more[1].split()[:3]):
        fix = (
            "quote a pattern, so that neurarium sees it whole: neurarium train 'parts/*.csv' --target COLUMN"
        )
        return OptionError(
            "there are several files where one name is expected", received=more[1][:120], fix=fix
        )
    return OptionError(message[:1].lower() + message[1:].rstrip("."), fix=f"see `{path} --help`")


def _for_option(name: str, options: Sequence[str]) -> str | None:
    """Return what to write instead of an unknown option: `--set` where it is one of a network or a method."""
    word = re.split("=", name.lstrip("-"))[0].lower().replace("-", "_")
    if word in ELSEWHERE and ELSEWHERE[word].split()[0] in options:
        return f"did you mean {ELSEWHERE[word]}?"
    if "--set" in options and word not in ("", *(each.lstrip("-") for each in options)):
        known = nearest(word, SETTABLE)
        if known and (
            ABBREVIATIONS.get(word) == known or difflib.SequenceMatcher(None, word, known).ratio() > 0.8
        ):
            return f"--set {known}=VALUE"
    near = nearest(name, options)
    return f"did you mean {near}?" if near else None


def _for_the_shell(message: str) -> str:
    """Say in shell terms what a reader's advice says in Python's: encoding='latin-1' is --set encoding=latin-1."""
    head, mark, fix = message.partition("  to fix:   ")
    return head + mark + in_shell(fix)


def _ours(error: BaseException, debug: bool) -> str:
    if debug:
        traceback.print_exception(error)
    text = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    if isinstance(error, NeurariumError):
        said = str(error)
    if debug:
        return f"neurarium failed: {said}"
    try:
        handle, path = tempfile.mkstemp(prefix="neurarium-failure-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            traceback.print_exception(error, file=stream)
        place = f"the traceback is in {path}"
    except OSError:
        place = "NEURARIUM_DEBUG=1 shows the traceback"
    return f"neurarium failed, which is our fault: {said}\n  {place}; please report it with the command"


def _print(message: str, as_json: bool, details: dict[str, Any], code: int) -> None:
    if not first_process():
        return
    first, _, rest = message.partition("\n")
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        first = f"\x1b[1;31merror:\x1b[0m \x1b[1m{first}\x1b[0m"
    else:
        first = f"error: {first}"
    print(first + ("\n" + rest if rest else ""), file=sys.stderr, flush=True)
    if as_json:
        shown = {name: None if value is None else str(value) for name, value in details.items()}
        print(json.dumps({"error": shown, "exit_code": code}), flush=True)
