"""Options by name: text becomes values of the annotated types, and mistakes are named."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from neurarium.core.errors import OptionError
from neurarium.core.options import coerce, parameters


def marked(ignored: tuple[int, ...] | Literal["auto"] | None = "auto"): ...


def builder(
    widths: tuple[int, ...] = (),
    rates: Sequence[float] = (),
    pair: tuple[int, int] = (1, 2),
    dropout: float = 0.0,
    depth: int = 1,
    bias: bool = True,
    name: str = "",
    kind: Literal["one", "two"] = "one",
    limit: int | None = None,
    window: tuple[int, ...] | None = None,
    either: int | str = 0,
    anything: Any = None,
    **more: Any,
) -> None: ...


class Built:
    def __init__(self, width: int, *others: int, depth: int = 2):
        pass


def one(name: str, value: Any) -> Any:
    return coerce(builder, {name: value}, what="builder")[name]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("widths", "256,128", (256, 128)),
        ("widths", " 256 , 128 ", (256, 128)),
        ("widths", "(256, 128)", (256, 128)),
        ("widths", "[64]", (64,)),
        ("widths", "", ()),
        ("rates", "0.1,1e-3", [0.1, 1e-3]),
        ("pair", "3,4", (3, 4)),
        ("dropout", "0.5", 0.5),
        ("dropout", 1, 1.0),
        ("depth", "3", 3),
        ("bias", "false", False),
        ("bias", "yes", True),
        ("name", "a,b", "a,b"),
        ("kind", "two", "two"),
        ("limit", "none", None),
        ("limit", "None", None),
        ("limit", "7", 7),
        ("window", "none", None),
        ("window", "1,2,3", (1, 2, 3)),
        ("either", "word", "word"),
        ("anything", {"a": 1}, {"a": 1}),
    ],
)
def test_text_becomes_values(name, text, value):
    found = one(name, text)
    assert found == value and (name == "rates" or type(found) is type(value))


@given(some.lists(some.integers(), max_size=5), some.lists(some.floats(allow_nan=False), max_size=5))
def test_what_is_printed_is_read_back(widths, rates):
    assert one("widths", ",".join(map(str, widths))) == tuple(widths)
    assert list(one("rates", ",".join(map(repr, rates)))) == rates


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("widths", "a,b"),
        ("widths", "1.5"),
        ("pair", "1,2,3"),
        ("dropout", "half"),
        ("depth", "2.5"),
        ("bias", "perhaps"),
        ("kind", "three"),
        ("limit", "many"),
    ],
)
def test_values_of_another_type_are_refused_by_name(name, value):
    with pytest.raises(OptionError, match=f"option '{name}' of builder has the wrong type") as error:
        one(name, value)
    assert value in str(error.value) and f"--set {name}=VALUE" in str(error.value)


def test_an_unknown_option_names_the_nearest():
    with pytest.raises(OptionError, match="no option of builder 'dropot'") as error:
        one("dropot", "0.1")
    assert "did you mean 'dropout'?" in str(error.value)


def test_options_of_classes_functions_and_wrappers_are_found():
    @functools.wraps(builder)
    def wrapped(*args, **kwargs): ...

    assert list(parameters(Built)) == ["width", "depth"]
    assert list(parameters(wrapped)) == list(parameters(builder))
    assert "more" not in parameters(builder)
    assert coerce(Built, {"width": "3"}, what="built") == {"width": 3}


def test_a_number_is_one_of_a_sequence_where_words_are_taken_too():
    for text, value in (("7", (7,)), ("7,9", (7, 9)), ("auto", "auto"), ("none", None)):
        assert coerce(marked, {"ignored": text}, what="reader") == {"ignored": value}
    with pytest.raises(OptionError, match="option 'ignored' of reader"):
        coerce(marked, {"ignored": "always"}, what="reader")
