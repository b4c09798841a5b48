"""Assignment: which part of a training takes an option given by name alone.

`--set dropout=0.1` is an option of the network, `--set clip_norm=1` of the descent, `--set encoding=latin-1` of the
reader. The rule for a name that several have: the network's comes first, then the method's, the descent's, the
initialization's, the reader's. A prefix chooses (`descent.average=0.99`), and reaches the options of what an option
names: `optimizer.betas=0.8,0.9`, `schedule.floor=0.01`, `loss.delta=2`, `regularizer.strength=0.01`, `augment.alpha=0.4`,
`augment.crop.padding=2`.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from neurarium.core.errors import OptionError, nearest
from neurarium.core.members import find
from neurarium.core.options import annotations_of as types_of
from neurarium.core.options import coerce, parameters
from neurarium.data.dataset import Decision
from neurarium.studies.planning.owners import HIDDEN, NESTED, READ, SHARED, usual_method


@dataclasses.dataclass
class Assignment:
    """Options by owner: `network`, `method`, `descent`, `initialization`, `reader`."""

    options: dict[str, dict[str, Any]]
    decisions: list[Decision]

    def __getitem__(self, owner: str) -> dict[str, Any]:
        return self.options[owner]


def assign(options: Mapping[str, Any], owners: Mapping[str, Callable[..., Any]]) -> Assignment:
    """Give each option to the part that has it.

    Args:
        options: names (with a prefix or not) to values or text.
        owners: the parts by name, in the order in which they are asked.

    Raises:
        OptionError: no part has it (with the nearest name of all), or no part has such a prefix.

    >>> def network(dropout: float = 0.0): ...
    >>> def descent(average: float = 0.0, dropout: float = 0.0): ...
    >>> found = assign({"dropout": "0.1", "average": "0.9"}, {"network": network, "descent": descent})
    >>> found["network"], found["descent"]
    ({'dropout': '0.1'}, {'average': '0.9'})
    """
    known = {owner: _names(owner, builder) for owner, builder in owners.items()}
    found = Assignment({owner: {} for owner in owners}, [])
    for name, value in options.items():
        prefix, _, rest = name.partition(".")
        if rest:
            _nested(found, known, prefix, rest, value)
            continue
        having = [owner for owner, names in known.items() if name in names]
        if not having:
            raise _unknown(name, known)
        found.options[having[0]][name] = value
        if len(having) > 1 and name not in SHARED:
            reason = (
                f"'{name}' is an option of the {' and of the '.join(having)}; the {having[0]} comes first"
            )
            found.decisions.append(
                Decision(f"option {name}", f"of the {having[0]}", reason, f"--set {having[1]}.{name}=")
            )
    return found


def values(assigned: Mapping[str, Any], builder: Callable[..., Any], what: str) -> dict[str, Any]:
    """Turn the text of assigned options into values, checked by the builder's annotations; nests stay as they are."""
    nests = {name: value for name, value in assigned.items() if isinstance(value, Mapping)}
    plain = {name: _loose(value, builder, name) for name, value in assigned.items() if name not in nests}
    return {**coerce(builder, plain, what=what), **nests}


def parse(text: str) -> Any:
    """Read a value without an annotation: a number, a truth value, none, several with commas, else text.

    >>> parse("0.9,0.99"), parse("true"), parse("1e-3"), parse("relu")
    ((0.9, 0.99), True, 0.001, 'relu')
    """
    if "," in text:
        return tuple(parse(part) for part in text.strip("()[] ").split(",") if part.strip())
    short = text.strip().lower()
    if short in ("true", "false", "none"):
        return {"true": True, "false": False, "none": None}[short]
    with contextlib.suppress(ValueError):
        return int(text)
    with contextlib.suppress(ValueError):
        return float(text)
    return text.strip()


def reader_options(
    options: Mapping[str, Any], reader: Callable[..., Any], network: str | None, method: str | None
) -> dict[str, Any]:
    """Return those of the options that the reader of the data takes, and no part before it does; and what suits the network."""
    owners = owners_of(network, method)
    known = {owner: _names(owner, builder) for owner, builder in owners.items()}
    own = _names("reader", reader)
    found: dict[str, Any] = {
        name: value for name, value in READ.get(network or "", {}).items() if name in own
    }
    for name, value in options.items():
        prefix, _, rest = name.partition(".")
        if prefix == "reader" and rest in own:
            found[rest] = value
        elif name in own and (name in SHARED or not any(name in names for names in known.values())):
            found[name] = value
    return found


def owners_of(network: str | None, method: str | None) -> dict[str, Callable[..., Any]]:
    """Return the parts that take options, in their order; without a network's name it is left out."""
    from neurarium.initializers.initialization import initialize
    from neurarium.training.descent import Descent

    found: dict[str, Any] = {"network": find("network", network)} if network else {}
    found |= {
        "method": find("method", method or usual_method(network)),
        "descent": Descent,
        "initialization": initialize,
    }
    return found


def asks_for_steps(options: Mapping[str, Any], precision: str | None, method: str | Any | None) -> bool:
    """Return whether something was asked for that only a training in steps has: a loss, a rate, a method that descends.

    >>> asks_for_steps({"learning_rate": 0.1}, None, None), asks_for_steps({"lookback": 7}, None, None)
    (True, False)
    """
    if precision is not None or (
        method is not None and not getattr(find("method", method), "closed_form", False)
    ):
        return True
    parts = {**owners_of("dlinear", "supervised")}
    own = {name for owner, builder in parts.items() for name in _names(owner, builder)} | {*NESTED, *parts}
    return any(name.partition(".")[0] in own for name in options)


def _names(owner: str, builder: Callable[..., Any]) -> set[str]:
    own = getattr(builder, "option_names", None)  # several builders together say theirs
    names = set(parameters(builder) if own is None else own) - HIDDEN.get(owner, set())
    return {"initializer" if owner == "initialization" and name == "rule" else name for name in names}


def _nested(found: Assignment, known: Mapping[str, set[str]], prefix: str, rest: str, value: Any) -> None:
    value = parse(value) if isinstance(value, str) and prefix in NESTED else value
    if prefix in NESTED and NESTED[prefix][0] in known:
        owner, option = NESTED[prefix]
        found.options[owner].setdefault(option, {})[rest] = value
    elif prefix in known and rest in known[prefix]:
        found.options[prefix][rest] = value
    elif prefix in known:
        raise _unknown(rest, {prefix: known[prefix]})
    else:
        near = nearest(prefix, [*known, *NESTED])
        raise OptionError(
            f"no part of the training is called '{prefix}'",
            expected=", ".join([*known, *NESTED]),
            received=f"{prefix}.{rest}",
            fix=f"did you mean '{near}.{rest}'?" if near else "leave the prefix out",
        )


def _unknown(name: str, known: Mapping[str, set[str]]) -> OptionError:
    every = sorted({each for names in known.values() for each in names})
    near = nearest(name, every)
    listed = "; ".join(f"{owner}: {', '.join(sorted(names))}" for owner, names in known.items() if names)
    return OptionError(
        f"there is no option '{name}'",
        expected=listed,
        received=name,
        fix=f"did you mean --set {near}=...?" if near else "see `neurarium train --help`",
    )


def _loose(value: Any, builder: Callable[..., Any], name: str) -> Any:
    """Text for an option without an annotation that says what it is."""
    if not isinstance(value, str):
        return value
    annotation = types_of(builder).get(name, Any)
    return parse(value) if annotation is Any else value
