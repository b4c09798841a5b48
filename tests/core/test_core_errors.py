"""Errors: what was expected, what was received, what to do; and the exit code that belongs to them."""

from __future__ import annotations

import pytest

from neurarium.core import errors
from neurarium.core.errors import (
    MissingDependencyError,
    NeurariumError,
    OptionError,
    UserError,
    nearest,
    require,
    unknown,
)

KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, UserError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_mistake_of_a_user_exits_with_2(kind):
    error = kind("the thing is wrong", expected="a", received="b", fix="do c")
    assert error.exit_code == 2 and isinstance(error, NeurariumError)
    assert str(error).splitlines() == [
        "the thing is wrong",
        "  expected: a",
        "  received: b",
        "  to fix:   do c",
    ]
    assert (error.problem, error.expected, error.received, error.fix) == (
        "the thing is wrong",
        "a",
        "b",
        "do c",
    )


def test_what_is_not_known_is_left_out():
    assert str(UserError("wrong", received=0)).splitlines() == ["wrong", "  received: 0"]
    assert NeurariumError("ours").exit_code == 1


@pytest.mark.parametrize(
    ("name", "found"), [("incme", "income"), ("AGE", "age"), ("ag", "age"), ("zzz", None), ("", None)]
)
def test_the_nearest_name_is_found(name, found):
    assert nearest(name, ["age", "income", "education"]) == found


def test_long_lists_are_cut():
    error = unknown("column", "x", [f"column{n:03}" for n in range(90)])
    assert isinstance(error, OptionError) and "(90 in all)" in str(error) and "column050" not in str(error)


def test_a_missing_package_says_how_to_install_it():
    with pytest.raises(MissingDependencyError, match=r'pip install "neurarium\[tune\]"'):
        require("no_such_package_at_all", extra="tune")
    assert require("json", extra="none").dumps([1]) == "[1]"
