"""Command: what `neurarium train` was told, from the shell or from a config.yaml; the two say the same thing."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

from neurarium.core.errors import ArtifactError, OptionError, unknown


@dataclasses.dataclass
class Command:
    """The options of `neurarium train`; None where nothing was said.

    `set` holds the options by key; `data_sha256` is no option: it is what the data was when it was read.
    """

    data: str | None = None
    target: str | None = None
    image: str | None = None
    sound: str | None = None
    text: str | None = None
    folder: str | None = None
    masks: str | None = None
    boxes: str | None = None
    horizon: int | None = None
    series: str | None = None
    past: str | None = None
    future: str | None = None
    parallel: str | None = None
    columns: str | None = None
    task: str | None = None
    test: str | float | None = None
    validation: str | float | None = None
    split: str | None = None
    group: str | None = None
    time: str | None = None
    split_seed: int | None = None
    network: str | None = None
    method: str | None = None
    ensemble: int | None = None
    augment: str | None = None
    set: dict[str, Any] = dataclasses.field(default_factory=dict)
    epochs: int | None = None
    steps: int | None = None
    batch_size: int | None = None
    patience: int | None = None
    monitor: str | None = None
    keep: str | None = None
    time_limit: str | float | None = None
    seed: int | None = None
    device: str | None = None
    precision: str | None = None
    compile: bool | None = None
    rematerialize: bool | None = None
    buckets: bool | None = None
    log: str | None = None
    shard: bool | None = None
    workers: int | None = None
    report: str | None = None
    start: str | None = None
    weights: str | None = None
    freeze: str | int | float | None = None
    unfreeze_every: int | None = None
    lora: int | None = None
    data_sha256: str | None = None

    def given(self) -> dict[str, Any]:
        """Return the options that were said, as plain values."""
        held = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in held.items() if value not in (None, {})}

    def over(self, other: Command) -> Command:
        """Return a command with this one's options, and the other's where this one says nothing."""
        both = {**other.given(), **self.given()}
        return Command(**{**both, "set": {**other.set, **self.set}})

    def line(self) -> str:
        """Return the line to type for it.

        >>> Command(data="a b.csv", target="y", set={"widths": "8,8"}, start="runs/a-1").line()
        "neurarium train 'a b.csv' --target y --set widths=8,8 --from runs/a-1"
        """
        words = ["neurarium", "train", *([str(self.data)] if self.data else [])]
        for name, value in self.given().items():
            flag = {"start": "--from"}.get(name, f"--{name.replace('_', '-')}")
            if name == "set":
                words += [word for key, each in value.items() for word in ("--set", f"{key}={_text(each)}")]
            elif isinstance(value, bool):
                words.append(flag if value else f"--no-{name}")
            elif name not in ("data", "data_sha256"):
                words += [flag, str(value)]
        return shlex.join(words)

    @classmethod
    def from_mapping(cls, held: Any, origin: Path | str) -> Command:
        """Read a command from the content of a YAML file: a run's config.yaml, or the options alone.

        Raises:
            OptionError: an unknown option, with the nearest, or a value of a wrong type.
        """
        if isinstance(held, Mapping) and "format_version" in held:
            held = held.get("command")
        if not isinstance(held, Mapping) or not held:
            raise OptionError(
                f"{origin} holds no command",
                expected="options of `neurarium train` by name (data: ..., epochs: ...)",
                received="a run that Python started" if held in (None, {}) else type(held).__name__,
                fix="rerun the Python program that made the run, or write the options yourself",
            )
        names = {str(name).replace("-", "_"): value for name, value in held.items()}
        names["start"] = names.pop("from", names.get("start"))
        said = {name: value for name, value in names.items() if value is not None}
        return cls(**_checked(said, origin))

    @classmethod
    def from_file(cls, path: Path) -> Command:
        """Read a YAML file.

        Raises:
            ArtifactError: missing, or no YAML.
        """
        from neurarium.core.files import read_yaml

        path = path / "config.yaml" if path.is_dir() else path
        if not path.is_file():
            raise ArtifactError(
                f"there is no file {path}", expected="a config.yaml", fix="`neurarium runs` lists the runs"
            )
        return cls.from_mapping(read_yaml(path), path)


def _checked(said: Mapping[str, Any], origin: Path | str) -> dict[str, Any]:
    """Check names and types; unlike text of the shell, "none" in a file is the word."""
    from pydantic import TypeAdapter, ValidationError

    types, found = get_type_hints(Command), {}
    for name, value in said.items():
        if name not in types:
            raise unknown(f"option in {origin}:", name, types)
        try:
            found[name] = TypeAdapter(types[name]).validate_python(value)
        except ValidationError as error:
            raise OptionError(
                f"option '{name}' in {origin} has the wrong type",
                expected=str(Command.__annotations__[name]),
                received=repr(value),
            ) from error
    return found


def pairs(texts: list[str] | None) -> dict[str, str]:
    """Read `key=value` texts.

    Raises:
        OptionError: a text without `=`, or a key given twice.

    >>> pairs(["widths=256,256", "dropout = 0.1"])
    {'widths': '256,256', 'dropout': '0.1'}
    """
    found: dict[str, str] = {}
    for text in texts or []:
        key, mark, value = text.partition("=")
        key = key.strip().replace("-", "_")
        if not mark or not key:
            raise OptionError(
                "an option is set as key=value", expected="--set widths=256,256", received=f"--set {text}"
            )
        if key in found:
            raise OptionError(
                f"the option '{key}' is set twice", received=f"{found[key]} and {value}", fix="give it once"
            )
        found[key] = value.strip()
    return found


def seconds(text: str | float | None) -> float | None:
    """Read a time: seconds, or numbers with h, m, s.

    Raises:
        OptionError: no time.

    >>> seconds("90"), seconds("10m"), seconds("1h30m")
    (90.0, 600.0, 5400.0)
    """
    if text is None:
        return None
    found = re.fullmatch(r"(?:([\d.]+)h)?(?:([\d.]+)m(?:in)?)?(?:([\d.]+)s?)?", str(text).strip().lower())
    total = 0.0
    with contextlib.suppress(ValueError):  # "1.2.3"
        parts = zip(found.groups() if found else (), (3600, 60, 1), strict=False)
        total = sum((float(part) * unit for part, unit in parts if part), 0.0)
    if total <= 0:
        raise OptionError(
            "the time limit is no time", expected="seconds, or for example 10m or 1h30m", received=text
        )
    return total


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
