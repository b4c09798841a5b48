"""Raw columns: prepared inputs by the columns that a person knows, with values as they stood in the source."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy
import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.data.preparation.numeric import CUT

MOST = 64  # numbers of an array that are still columns


@dataclasses.dataclass(frozen=True)
class RawColumn:
    """One column of the source, and where it stands in prepared inputs.

    Args:
        name: of the column.
        numeric, categorical: its places in the two parts of a table's batch; `numeric` too for arrays of one axis.
        parts: for inputs of another kind (a text, an image beside a table): their keys of the batch; () for the above.
        column: what was fitted to it (`NumericColumn`, `CategoricalColumn`, `TextPreparation`, `ImageColumn`), where the
            preparation knows.
        gap: the place of `X is missing` among the numeric parts, or None.
    """

    name: str
    numeric: tuple[int, ...] = ()
    categorical: tuple[int, ...] = ()
    parts: tuple[str, ...] = ()
    column: Any = None
    gap: int | None = None

    def exchanged(self, inputs: Any, order: Tensor) -> Any:
        """Return inputs with this column alone taken in another order of the examples `(batch,)`."""
        if isinstance(inputs, Tensor):
            return _placed(inputs, self.numeric, order)
        changed = dict(inputs)
        if self.parts:
            return changed | {part: batches.take(changed[part], order) for part in self.parts}
        for part, places in (("numeric", self.numeric), ("categorical", self.categorical)):
            if places:
                changed[part] = _placed(changed[part], places, order)
        return changed

    @property
    def kind(self) -> str:
        """`categorical`, `numeric`, `date`, `text`, `image`, or `other`."""
        if self.parts:
            return "text" if hasattr(self.column, "tokenizer") else "image" if self.column else "other"
        if self.categorical:
            return "categorical"
        return "date" if getattr(self.column, "part", "") == "days" else "numeric"

    def said(self, value: float) -> str | None:
        """Return how a person writes one of its values; None where it is a number, which each page writes its own way."""
        return day(value) if self.kind == "date" else None

    def values(self, inputs: Any) -> numpy.ndarray | None:
        """Return the raw values of a batch: float64 with NaN for missing, or names with None; None for other kinds.

        Numbers beyond the range of the training rows come back as the end of that range, where the preparation cut
        them there.
        """
        if self.parts:
            return None
        if self.categorical:
            return self._names(inputs)
        held = inputs if isinstance(inputs, Tensor) else inputs["numeric"]
        if not self.numeric or (self.column is not None and not self.column.value):
            gaps = held[:, self.gap or 0].cpu().numpy() > 0.5
            return numpy.where(gaps, numpy.nan, getattr(self.column, "fill", 0.0))
        values = _original(self.column, held[:, self.numeric[0]].double().cpu().numpy())
        if self.gap is not None:
            values = numpy.where(held[:, self.gap].cpu().numpy() > 0.5, numpy.nan, values)
        return values

    def texts(self, inputs: Any) -> list[str] | None:
        """Return the texts of a batch, as their tokens spell them; None for other kinds."""
        return self.column.decode(inputs[self.parts[0]]) if self.kind == "text" else None

    def codes(self, inputs: Any) -> tuple[numpy.ndarray, list[str | None]]:
        """Return a categorical column's codes `(batch,)` and the name of each code; None stands for missing."""
        codes = inputs["categorical"][:, self.categorical[0]].cpu().numpy()
        names = getattr(self.column, "categories", None)
        if names is None:
            return codes, [f"code {code}" for code in range(int(codes.max(initial=0)) + 1)]
        return codes, ["(unseen in training)", *names, None]

    def _names(self, inputs: Any) -> numpy.ndarray:
        codes, names = self.codes(inputs)
        return numpy.array(names, dtype=object)[numpy.minimum(codes, len(names) - 1)]


def day(value: float) -> str:
    """Return days since 1970 as a date, with the time where it is not midnight.

    >>> day(19723.0), day(19723.5)
    ('2024-01-01', '2024-01-01 12:00')
    """
    moment = numpy.datetime64("1970-01-01T00:00") + numpy.timedelta64(round(value * 1440), "m")
    date, _, clock = str(moment).partition("T")
    return date if clock == "00:00" else f"{date} {clock}"


def raw_columns(preparation: Any, inputs: Any) -> list[RawColumn]:
    """Return the raw columns of prepared inputs, in the order of the source; none for images alone.

    Args:
        preparation: of the run; None where the inputs came prepared.
        inputs: a batch of them: a table's dict, or a tensor `(batch, features)`.

    >>> [each.name for each in raw_columns(None, torch.zeros(2, 3))]
    ['feature 0', 'feature 1', 'feature 2']
    """
    if isinstance(inputs, Tensor):
        if inputs.ndim != 2 or inputs.shape[1] > MOST:
            return []
        return [RawColumn(f"feature {place}", (place,)) for place in range(inputs.shape[1])]
    if not isinstance(inputs, dict):
        return []
    found = [
        *_numeric(preparation, inputs.get("numeric")),
        *_categorical(preparation, inputs.get("categorical")),
    ]
    texts, images = (list(getattr(preparation, name, ()) or ()) for name in ("texts", "images"))
    known = {"numeric", "categorical"}
    for key, source, fitted in texts:
        parts = tuple(name for name in (f"{key}_tokens", f"{key}_mask", "tokens", "mask") if name in inputs)
        found += [RawColumn(source, parts=parts, column=fitted)] if parts else []
        known |= set(parts)
    for key, fitted in images:
        found += [RawColumn(fitted.source, parts=(key,), column=fitted)] if key in inputs else []
        known.add(key)
    if found:  # beside a table; alone, a text or an image without a name is no column
        found += [RawColumn(key, parts=(key,)) for key in inputs if key not in known]
    names = getattr(
        preparation, "columns", ()
    )  # those of a table; of other sources where things stand in their files
    order = {name: place for place, name in enumerate(names if isinstance(names, list | tuple) else ())}
    return sorted(found, key=lambda each: order.get(each.name, len(order)))


def _numeric(preparation: Any, held: Tensor | None) -> list[RawColumn]:
    if held is None:
        return []
    fitted = list(getattr(preparation, "numeric", ()) or ())
    values = [each for each in fitted if getattr(each, "value", True)]
    gaps = [each for each in fitted if getattr(each, "indicator", False)]
    if not fitted or len(values) + len(gaps) != held.shape[1]:
        return [RawColumn(f"number {place}", (place,)) for place in range(held.shape[1])]
    found: dict[str, RawColumn] = {}
    for place, each in enumerate([*values, *gaps]):
        name, late = each.source, place >= len(values)
        before = found.get(name) or RawColumn(name, column=each)
        places = (*before.numeric, place)
        single = sum(other.source == name for other in values) <= 1
        gap = place if late and single else before.gap
        found[name] = dataclasses.replace(before, numeric=places, gap=gap)
    return list(found.values())


def _categorical(preparation: Any, held: Tensor | None) -> list[RawColumn]:
    if held is None:
        return []
    fitted = list(getattr(preparation, "categorical", ()) or ())
    if len(fitted) != held.shape[1]:
        return [RawColumn(f"category {place}", (), (place,)) for place in range(held.shape[1])]
    return [RawColumn(each.source, (), (place,), column=each) for place, each in enumerate(fitted)]


def _placed(held: Tensor, places: tuple[int, ...], order: Tensor) -> Tensor:
    changed = held.clone()
    for place in places:
        changed[:, place] = held[order, place]
    return changed


def _original(column: Any, prepared: numpy.ndarray) -> numpy.ndarray:
    """Undo a numeric column's scaling; knots that are whole numbers give whole numbers."""
    scaling = getattr(column, "scaling", "none")
    if scaling == "quantile" and len(column.knots):
        values = numpy.interp(prepared, column.scores, column.knots)
        whole = bool((column.knots == numpy.round(column.knots)).all())
        return numpy.round(values) if whole else _rounded(values)
    if scaling == "robust" and len(column.knots):
        within = numpy.clip(prepared / CUT, -1 + 1e-7, 1 - 1e-7)  # what is farther was cut to this
        return _rounded(CUT * within / numpy.sqrt(1 - within**2) * column.scores[0] + column.knots[0])
    if scaling == "standard" and len(column.knots):
        return _rounded(prepared * column.scores[0] + column.knots[0])
    return _rounded(prepared)


def _rounded(values: numpy.ndarray, digits: int = 5) -> numpy.ndarray:
    """Keep the digits that float32 carries through a scaling."""
    with numpy.errstate(divide="ignore"):
        power = numpy.floor(numpy.log10(numpy.abs(values), where=values != 0, out=numpy.zeros_like(values)))
    unit = 10.0 ** (power - digits + 1)
    return numpy.round(values / unit) * unit


def sampled(examples: Any, most: int, seed: int = 0) -> Tensor:
    """Return the places of at most `most` examples, drawn evenly and in their order."""
    from neurarium.core.seeds import generator

    if len(examples) <= most:
        return torch.arange(len(examples))
    return torch.randperm(len(examples), generator=generator(seed, "report"))[:most].sort().values
