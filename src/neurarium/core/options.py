"""Options by name: `--set widths=256,256` reaches the argument `widths` of whatever is built, checked by its type."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from neurarium.core.errors import OptionError, unknown, unknown_option

Kind = TypeVar("Kind", bound=type)


def parameters(builder: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the named options of a class or function (without self, *args and **kwargs)."""
    start: Any = builder.__init__ if inspect.isclass(builder) else builder  # type: ignore[misc]
    # What has a signature of its own stands for itself: a variant of a family does not take the options that it fixes.
    target = inspect.unwrap(start, stop=lambda each: hasattr(each, "__signature__"))
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = inspect.signature(target).parameters.values()
    return {each.name: each for each in found if each.kind in named and each.name not in ("self", "cls")}


def annotations_of(builder: Callable[..., Any]) -> dict[str, Any]:
    """Return the resolved annotations of a builder's options."""
    target = inspect.unwrap(builder.__init__) if inspect.isclass(builder) else inspect.unwrap(builder)  # type: ignore[misc]
    return typing.get_type_hints(target)


def naming_options(cls: Kind) -> Kind:
    """Class decorator: a keyword that the constructor does not take is told with the nearest that it takes.

    >>> @naming_options
    ... class Scale:
    ...     def __init__(self, factor: float = 2.0): ...
    >>> Scale(facter=3.0)
    Traceback (most recent call last):
    neurarium.core.errors.UnknownOptionError: Scale has no option 'facter'
      expected: one of factor
      received: facter
      to fix:   did you mean 'factor'?
    """
    original = cls.__init__  # type: ignore[misc]
    require = requirement(cls)

    @functools.wraps(original)
    def __init__(self, *args, **kwargs):
        if type(self) is cls:
            require(kwargs)
        original(self, *args, **kwargs)

    cls.__init__ = __init__  # type: ignore[misc]
    return cls


def requirement(cls: type) -> Callable[[Mapping[str, Any]], None]:
    """Return what refuses the keywords that the constructor of a class does not take: nothing where it takes any."""
    kinds = {each.kind for each in inspect.signature(cls.__init__).parameters.values()}  # type: ignore[misc]
    known = set(parameters(cls))

    def require(keywords: Mapping[str, Any]) -> None:
        if not known.issuperset(keywords):
            wrong = next(each for each in keywords if each not in known)
            raise unknown_option(cls.__qualname__, wrong, known)

    return (lambda keywords: None) if inspect.Parameter.VAR_KEYWORD in kinds else require


def coerce(builder: Callable[..., Any], options: Mapping[str, Any], *, what: str) -> dict[str, Any]:
    """Check options against a builder's annotations and turn text into values.

    Args:
        builder: the class or function the options are for.
        options: names to values; text is parsed (`"256,256"` for a tuple of integers).
        what: how the message calls the builder (`network 'mlp'`).

    Raises:
        OptionError: an unknown name (with the nearest), or a value of another type.

    >>> def build(widths: tuple[int, ...] = (64,), dropout: float = 0.0): ...
    >>> coerce(build, {"widths": "256,128", "dropout": "0.1"}, what="builder")
    {'widths': (256, 128), 'dropout': 0.1}
    """
    known, types_ = parameters(builder), annotations_of(builder)
    values = {}
    for name, value in options.items():
        if name not in known:
            raise unknown(f"option of {what}", name, known)
        values[name] = _coerced(name, value, types_.get(name, Any), what)
    return values


def _coerced(name: str, value: Any, annotation: Any, what: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    candidate = _split(value, annotation) if isinstance(value, str) else value
    try:
        return TypeAdapter(annotation, config={"arbitrary_types_allowed": True}).validate_python(candidate)
    except ValidationError as error:
        raise OptionError(
            f"option '{name}' of {what} has the wrong type: {error.errors()[0]['msg'].lower()}",
            expected=inspect.formatannotation(annotation),
            received=repr(value),
            fix=f"--set {name}=VALUE (several values with commas)",
        ) from error


SIZES = ("width", "widths", "heads", "kernel", "blocks", "members")


def require_sizes(options: Mapping[str, Any], what: str) -> None:
    """Refuse sizes that are none: a layer of no width learns nothing, without an error.

    Raises:
        OptionError: the option and its value.

    >>> require_sizes({"widths": (8, 0)}, "network 'mlp'")
    Traceback (most recent call last):
    neurarium.core.errors.OptionError: option 'widths' of network 'mlp' is too small
      expected: 1 or more
      received: 8,0
      to fix:   for example --set widths=64
    """
    for name, value in options.items():
        numbers = value if isinstance(value, list | tuple) else (value,)
        least = 1 if name in SIZES else 0
        whole = [each for each in numbers if isinstance(each, int) and not isinstance(each, bool)]
        if any(each < least for each in whole) and "seed" not in name:
            raise OptionError(
                f"option '{name}' of {what} is too small",
                expected=f"{least} or more",
                received=",".join(map(str, numbers)),
                fix=f"for example --set {name}=64"
                if name in ("width", "widths")
                else f"leave out --set {name}=",
            )


def _split(text: str, annotation: Any) -> Any:
    """Split `a,b` where the annotation takes a sequence, and read `none` where it takes None."""
    choices = typing.get_args(annotation) if _is_union(annotation) else (annotation,)
    if type(None) in choices and text.strip().lower() in ("none", "null"):
        return None
    words = [typing.get_args(choice) for choice in choices if typing.get_origin(choice) is typing.Literal]
    if str in choices or any(
        text in each for each in words
    ):  # `tuple[int, ...] | Literal["auto"]` takes 7 and auto
        return text
    if "," not in text and {int, float, bool} & set(choices):  # `int | tuple[int, int]` takes 128 and 128,96
        return text
    for choice in choices:
        origin = typing.get_origin(choice) or choice
        if origin in _SEQUENCES or (
            inspect.isclass(origin) and issubclass(origin, tuple | list | set | frozenset)
        ):
            return [part.strip() for part in text.strip("()[] ").split(",") if part.strip()]
    return text


_SEQUENCES = (typing.Sequence, typing.get_origin(typing.Sequence[int]))


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)
