"""Shared options: a verb takes the options of `train` that fit it, without writing them again."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from neurarium.cli.command import Command, pairs
from neurarium.cli.train import train


def options_of_train(
    *groups: str, without: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a verb `verb(command, **own)`: it gets the options of these groups of `train`, as a `Command`, before its
    own.

    >>> @options_of_train("How long", without=("keep", "monitor", "patience", "batch_size"))
    ... def verb(command: Command, folds: int = 5) -> None: ...
    >>> list(inspect.signature(verb).parameters)
    ['epochs', 'steps', 'time_limit', 'folds']
    """
    types = typing.get_type_hints(train, include_extras=True)
    theirs = [
        each.replace(annotation=types[each.name])
        for each in inspect.signature(train).parameters.values()
        if _group(types[each.name]) in groups and each.name not in without
    ]

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        own_types = typing.get_type_hints(verb, include_extras=True)
        own = [
            each.replace(annotation=own_types[each.name])
            for each in inspect.signature(verb).parameters.values()
            if each.name != "command"
        ]

        @functools.wraps(verb)
        def wrapper(**said: Any) -> None:
            asked = {each.name: said.pop(each.name) for each in theirs}
            verb(Command(**{**asked, "set": pairs(asked.get("set"))}), **said)

        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [each.replace(kind=keyword) for each in (*theirs, *own)]
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
        return wrapper

    return decorate


def _group(annotation: Any) -> str | None:
    return next(
        (each.rich_help_panel for each in typing.get_args(annotation) if hasattr(each, "rich_help_panel")),
        None,
    )
