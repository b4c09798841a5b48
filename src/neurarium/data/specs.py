"""Specs: what one example is. Networks are sized by them, methods choose their loss by them, raw data is checked by them.

A spec is a small frozen dataclass of numbers and names. `inputs` specs: `Table`, `Image`, `Tokens`, `Words`, `Series`, `Waveform`, `Window` (the past
of series and what is known of their future), `Array`, several of these in one row as `Mixed`. `targets` specs: `Classes`,
`Quantity`, several of these as `Targets`, `Mask` (a class per pixel), `Boxes` (things and where they are), `Tags` (a class per
token), `Frames` (what comes next, at every step), `NextToken` (of a text), `Horizon` (what comes next of series), `Text`
(tokens, one after the other), `Transcript` (symbols in their order). Each round-trips through JSON (`to_json`, `spec_from_json`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from neurarium.core.errors import ArtifactError, unknown
from neurarium.data import tag_chains

SPECS: dict[str, type[Spec]] = {}


@dataclasses.dataclass(frozen=True)
class Spec:
    """The root of all specs.

    Class attributes:
        every_step: of targets: a network answers at every position of a sequence.
        causal: of targets: an answer may depend on what came before it alone.
    """

    every_step: ClassVar[bool] = False
    causal: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        SPECS[cls.__name__] = cls

    def to_json(self) -> dict[str, Any]:
        """Return `{"spec": name, ...fields}` of plain values."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"spec": type(self).__name__, **{k: _listed(v) for k, v in values.items()}}


def spec_from_json(value: dict[str, Any]) -> Spec:
    """Rebuild a spec from its JSON form."""
    value = dict(value)
    name = value.pop("spec")
    if name not in SPECS:
        raise unknown("spec", name, SPECS)
    return _checked(SPECS[name], {key: _tupled(each) for key, each in value.items()})


def _checked(kind: type[Spec], fields: dict[str, Any]) -> Spec:
    """Check the types of what a file says, and that sizes are some: 10^12 pixels would be asked of the memory."""
    from pydantic import TypeAdapter, ValidationError

    try:
        found = TypeAdapter(kind).validate_python(fields)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise ArtifactError(
            f"a saved {kind.__name__} is damaged: '{place}': {error.errors()[0]['msg'].lower()}",
            fix="restore the file from a copy, or train again",
        ) from error
    for each in dataclasses.fields(found):
        value = getattr(found, each.name)
        numbers = value if isinstance(value, tuple) else (value,)
        if any(
            isinstance(one, int) and not isinstance(one, bool) and not 0 <= one <= 2**31 for one in numbers
        ):
            raise ArtifactError(f"a saved {kind.__name__} is damaged: its {each.name} is {value}")
    return found


def _listed(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.to_json()
    return [_listed(each) for each in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    if isinstance(value, dict) and "spec" in value:
        return spec_from_json(value)
    return tuple(_tupled(each) for each in value) if isinstance(value, list) else value


# ------------------------------------------------------------------------------------------------- inputs


@dataclasses.dataclass(frozen=True)
class Array(Spec):
    """A float tensor of fixed shape. Batch: `(batch, *shape)` float32."""

    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Table(Spec):
    """A row of numeric and categorical columns, prepared.

    Batch: `{"numeric": (batch, len(numeric)) float32, "categorical": (batch, len(categorical)) int64}`; a part with
    no column is absent. Category codes run from 0 to cardinality - 1; code 0 stands for a category unseen in
    training, a missing one has a code of its own.

    Args:
        numeric: names of the numeric parts, missing indicators among them (`age`, `age is missing`).
        categorical: names of the categorical columns.
        cardinalities: how many codes each categorical column has (unseen and missing included).
        edges: per numeric column, its quantiles on the training split after preparation (increasing, distinct): the
            bins of piecewise-linear embeddings. Empty for none.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    cardinalities: tuple[int, ...] = ()
    edges: tuple[tuple[float, ...], ...] = ()


@dataclasses.dataclass(frozen=True)
class Image(Spec):
    """An image. Batch: `(batch, channels, height, width)` float32, standardized per channel."""

    channels: int
    height: int
    width: int


@dataclasses.dataclass(frozen=True)
class Tokens(Spec):
    """A text of token indices. Batch: `{"tokens": (batch, length) int64, "mask": (batch, length) bool, True = real}`."""

    vocabulary: int
    length: int
    padding: int = 0


@dataclasses.dataclass(frozen=True)
class Words(Tokens):
    """A sentence of words and how they are spelled.

    Batch: as of `Tokens`, and `letters` `(batch, length, letters)` int32, 0 behind a word's end.

    Args:
        alphabet: how many letters there are, the padding among them.
        letters: of a word at most.
    """

    alphabet: int = 0
    letters: int = 0


@dataclasses.dataclass(frozen=True)
class Series(Spec):
    """A sequence of vectors. Batch: `{"series": (batch, length, channels) float32, "lengths": (batch,) int64}`."""

    channels: int
    length: int


@dataclasses.dataclass(frozen=True)
class Window(Spec):
    """The past of one or several channels, and what is known of it and of their future.

    Batch, flat: `series` `(batch, lookback, channels)` float32, standardized as the `Horizon` says; `past` `(batch, lookback,
    len(past))` and `future` `(batch, lookback + horizon, len(future))` float32, standardized; `id` `(batch,)` int64, which
    of several series it is, 0 for one that the training did not see; `unit` `(batch, 3, channels)` float32: mean, scale and
    seasonal naive error of its series, where each has its own. A part that there is none of is absent.

    Args:
        channels: how many values there are at each time.
        lookback: how many steps of the past are read.
        horizon: how many steps come after them.
        past: names of the covariates that are known up to now.
        future: names of those that are known beforehand (the calendar among them).
        ids: how many series there are; 0 where there is one.
        own_units: each series is standardized by itself.
    """

    channels: int
    lookback: int
    horizon: int
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    ids: int = 0
    own_units: bool = False


@dataclasses.dataclass(frozen=True)
class Waveform(Spec):
    """A recording. Batch: `{"waveform": (batch, length) float32 within [-1, 1], "lengths": (batch,) int64}`; what stands behind
    a recording's length is zero. With several channels `(batch, length, channels)`.

    Args:
        channels: 1 for mono.
        length: samples at most.
        rate: samples per second.
    """

    channels: int
    length: int
    rate: int


@dataclasses.dataclass(frozen=True)
class Mixed(Spec):
    """A row of several kinds: numbers and categories, texts, images.

    Batch, flat: `numeric` and `categorical` as of `Table`; for each text `KEY_tokens` and `KEY_mask` as of `Tokens`; for
    each image `KEY` as of `Image`. A missing text has no real token; a missing image is all zeros.

    Args:
        table: the numeric and categorical columns; it may have none.
        texts: (key, spec) of each text column, the key being `text_` and the column's name in letters and digits.
        images: (key, spec) of each column of images, `image_` likewise.

    >>> Mixed(Table(("age",)), (("text_note", Tokens(100, 8)),)).parts
    ('table', 'text_note')
    """

    table: Table
    texts: tuple[tuple[str, Tokens], ...] = ()
    images: tuple[tuple[str, Image], ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts: `table` where it has columns, then the keys."""
        table = ("table",) if self.table.numeric or self.table.categorical else ()
        return (*table, *(key for key, _ in self.texts), *(key for key, _ in self.images))


# ------------------------------------------------------------------------------------------------ targets


@dataclasses.dataclass(frozen=True)
class Classes(Spec):
    """One class of several, or several labels at once.

    Batch: `(batch,)` int64 class indices; with `several=True` `(batch, len(names))` float32 of zeros and ones.
    A network gives `outputs` numbers: one logit for two classes (sigmoid), else one per class.
    """

    names: tuple[str, ...]
    several: bool = False
    column: str = "class"
    kind: ClassVar[str] = "classification"

    @property
    def outputs(self) -> int:
        return 1 if len(self.names) == 2 and not self.several else len(self.names)

    def logits(self, outputs: Tensor) -> Tensor:
        """Turn a network's outputs `(batch, outputs)` into logits `(batch, len(names))`, one column per class."""
        if self.outputs == 1:
            outputs = outputs.reshape(outputs.shape[0], 1)
            return torch.cat([torch.zeros_like(outputs), outputs], dim=1)
        return outputs

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Turn outputs into probabilities `(batch, len(names))`; rows sum to 1 unless several labels are allowed."""
        if self.several:
            return torch.sigmoid(outputs)
        return torch.softmax(self.logits(outputs), dim=1)


@dataclasses.dataclass(frozen=True)
class Quantity(Spec):
    """One or several real numbers. Batch: `(batch, len(names))` float32, standardized: `(raw - mean) / scale`."""

    names: tuple[str, ...]
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    unit: str = ""
    kind: ClassVar[str] = "regression"

    @property
    def outputs(self) -> int:
        return len(self.names)

    def original(self, values: Tensor) -> Tensor:
        """Turn standardized values `(batch, len(names))` into the units of the data, in float64."""
        mean = torch.tensor(self.mean or (0.0,) * len(self.names), dtype=torch.float64, device=values.device)
        scale = torch.tensor(
            self.scale or (1.0,) * len(self.names), dtype=torch.float64, device=values.device
        )
        return values.to(torch.float64).reshape(len(values), -1) * scale + mean

    def standardized(self, values: Tensor) -> Tensor:
        """The inverse of `original`, in float32."""
        mean = torch.tensor(self.mean or (0.0,) * len(self.names), dtype=torch.float64, device=values.device)
        scale = torch.tensor(
            self.scale or (1.0,) * len(self.names), dtype=torch.float64, device=values.device
        )
        return ((values.to(torch.float64).reshape(len(values), -1) - mean) / scale).to(torch.float32)


@dataclasses.dataclass(frozen=True)
class Expectation(Quantity):
    """What comes next in a trace, or the window of it itself, in deviations of what came before.

    Batch: `(batch, len(names))` float32. A run of it finds anomalies: what is far from what was expected.
    """


@dataclasses.dataclass(frozen=True)
class Targets(Spec):
    """Several targets that are predicted together, classes and quantities side by side.

    Batch: `{name: the batch of that part}`. A network gives the parts' outputs side by side, `(batch, outputs)`.

    Args:
        parts: `Classes` and `Quantity` specs, the latter of one quantity each.

    >>> both = Targets((Classes(("no", "yes"), column="sold"), Quantity(("price",))))
    >>> both.names, both.outputs
    (('sold', 'price'), 2)
    """

    parts: tuple[Classes | Quantity, ...]
    kind: ClassVar[str] = "several"

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each part: its column."""
        return tuple(each.column if isinstance(each, Classes) else each.names[0] for each in self.parts)

    @property
    def outputs(self) -> int:
        return sum(each.outputs for each in self.parts)

    def pieces(self, outputs: Tensor) -> list[tuple[str, Classes | Quantity, Tensor]]:
        """Cut a network's outputs `(..., outputs)` into (name, spec, outputs) of the parts."""
        cut = outputs.split([each.outputs for each in self.parts], dim=-1)
        return list(zip(self.names, self.parts, cut, strict=True))


IGNORED = 255  # the code of pixels that count for nothing: masks are kept as bytes


@dataclasses.dataclass(frozen=True)
class Mask(Spec):
    """A class for each pixel.

    Batch: `(batch, height, width)` int64 class indices; 255 stands for pixels that count for nothing. A network gives one
    logit per class and pixel, `(batch, len(names), height, width)`.

    >>> Mask(("background", "digit"), 8, 8).decided(torch.tensor([[[[0.0]], [[1.0]]]])).tolist()
    [[[1]]]
    """

    names: tuple[str, ...]
    height: int
    width: int
    kind: ClassVar[str] = "segmentation"

    @property
    def outputs(self) -> int:
        return len(self.names)

    def decided(self, outputs: Tensor) -> Tensor:
        """Return the class of the highest logit, `(batch, height, width)` int64."""
        return outputs.argmax(dim=1)

    def tables(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return how many pixels of which class were taken for which, `(batch, classes, classes)` float64.

        Rows are the truth. Ignored pixels are not counted. So small a table per image is all that metrics read: no split
        has to be held in memory as probabilities.
        """
        count, images = len(self.names), torch.arange(len(outputs), device=outputs.device)
        known = targets != IGNORED
        cells = (images[:, None, None] * count + targets) * count + self.decided(outputs)
        found = torch.bincount(cells[known], minlength=len(outputs) * count * count)
        return found.reshape(len(outputs), count, count).cpu().double()


@dataclasses.dataclass(frozen=True)
class Boxes(Spec):
    """Things in an image, each with a class and an upright box around it.

    Batch: `{"boxes": (batch, most, 4) float32, "labels": (batch, most) int64, "present": (batch, most) bool}`; a box is
    (left, top, right, bottom) in pixels of the prepared image, and where `present` is False there is none. Beside these, for
    measuring: `crowd` `(batch, most)` bool, boxes in which single things cannot be told; `areas` `(batch, most)`, of the things
    in pixels of the picture; `pixel_area` `(batch,)`, how many of these a prepared pixel stands for; `frame` `(batch, 4)`, the
    border of the picture. A network gives
    maps of one level or more in a row, `(batch, len(names) + 4, cells)`: a logit per class that a thing has its centre there,
    and four raw distances from there to the sides of its box (see `data.geometry`).
    """

    names: tuple[str, ...]
    height: int
    width: int
    most: int
    kind: ClassVar[str] = "detection"

    @property
    def outputs(self) -> int:
        return len(self.names) + 4


NOTHING = -1  # in the place of a token: there is none to predict


@dataclasses.dataclass(frozen=True)
class NextToken(Spec):
    """At each position of a text the token that follows: what a language model learns.

    Batch: `(batch, length)` int64 token indices; -1 stands where there is nothing to predict. A network gives
    `(batch, length, vocabulary)` logits. A batch may hold `spans` `(batch, 2)` beside: how many characters and how many
    bytes of the text its tokens stand for.

    Args:
        vocabulary: how many tokens there are.
        length: how many positions an example has.

    >>> NextToken(65, 64).outputs
    65
    """

    vocabulary: int
    length: int
    kind: ClassVar[str] = "language"
    every_step: ClassVar[bool] = True
    causal: ClassVar[bool] = True

    @property
    def outputs(self) -> int:
        return self.vocabulary

    def surprise(self, outputs: Tensor, targets: Tensor, spans: Tensor | None = None) -> Tensor:
        """Return what metrics read of each example, `(batch, 4)` float64: the sum of -log p of its tokens, how many these
        are, and how many characters and bytes (0 where not known).

        So little is all they need: no split has to be held in memory as probabilities of every token.
        """
        nats = functional.cross_entropy(
            outputs.float().flatten(0, 1), targets.flatten(), ignore_index=NOTHING, reduction="none"
        ).reshape(targets.shape)
        parts = [nats.double().sum(dim=1), (targets != NOTHING).double().sum(dim=1)]
        known = torch.zeros(len(targets), 2) if spans is None else spans
        return torch.cat([torch.stack(parts, dim=1).cpu(), known.double().cpu()], dim=1)


ABSENT = -1  # stands where a sequence is padding: nothing is asked there


@dataclasses.dataclass(frozen=True)
class Tags(Spec):
    """A class for each token of a text.

    Batch: `(batch, length)` int64 indices; -1 where a text has ended. A network gives one logit per tag and token,
    `(batch, length, len(names))`; or a chain, a score per tag and tag before it, `(batch, length, len(names), len(names))`: see
    `data.tag_chains`.

    >>> Tags(("O", "B-PER"), 2).decided(torch.tensor([[[0.0, 1.0], [2.0, 1.0]]])).tolist()
    [[1, 0]]
    """

    names: tuple[str, ...]
    length: int
    kind: ClassVar[str] = "tagging"
    every_step: ClassVar[bool] = True

    @property
    def outputs(self) -> int:
        return len(self.names)

    def decided(self, outputs: Tensor) -> Tensor:
        """Return the tag of the highest logit, of a chain the tags of the best path, `(batch, length)` int64."""
        return tag_chains.best_path(outputs) if outputs.ndim == 4 else outputs.argmax(dim=-1)

    def probabilities(self, outputs: Tensor) -> Tensor:
        """Return the probability of each tag, of a chain its share of all paths, `(batch, length, len(names))`."""
        return tag_chains.marginals(outputs) if outputs.ndim == 4 else torch.softmax(outputs, dim=-1)

    def compared(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the logits that a loss compares with the targets, of a chain those given the true tags before."""
        return tag_chains.given_before(outputs, targets) if outputs.ndim == 4 else outputs


@dataclasses.dataclass(frozen=True)
class Frames(Spec):
    """Several yes or no at each step of a series: which notes the next frame of a piano roll holds.

    Batch: `(batch, length, len(names))` float32 of zeros and ones; -1 where a series has ended. The target of step t is
    what comes at t + 1, so that a network must not see what stands behind a step. It gives one logit per name and step.
    """

    names: tuple[str, ...]
    length: int
    kind: ClassVar[str] = "frames"
    every_step: ClassVar[bool] = True
    causal: ClassVar[bool] = True

    @property
    def outputs(self) -> int:
        return len(self.names)

    def tables(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return what metrics read of each example, `(batch, 5)` float64: nats, frames, hits, false alarms, misses.

        The nats of a frame are summed over its names: -sum_k y_k log p_k + (1 - y_k) log(1 - p_k).
        """
        known = targets != ABSENT
        logits, truth = outputs.double(), targets.double().clamp(min=0)
        nats = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="none") * known
        said, there = (logits > 0) & known, (truth > 0.5) & known
        counts = [nats, known[..., :1], said & there, said & ~there, there & ~said]
        return torch.stack([each.double().sum(dim=(1, 2)) for each in counts], dim=1).cpu()


@dataclasses.dataclass(frozen=True)
class Horizon(Spec):
    """The next values of one or several channels.

    Batch: `(batch, length, len(names))` float32, standardized: `(raw - mean) / scale`. A network gives as many numbers, or
    several per value, side by side, where the loss reads a distribution.

    Args:
        names: of the channels.
        length: how many steps.
        mean, scale: per channel; empty where each series has its own (the inputs' `unit`).
        season: steps after which like values come: of the seasonal naive forecast.
        seasonal_error: per channel, the mean absolute error of that forecast over the training part, in units of the data:
            what MASE divides by (the mean over series, where there are several).
        quantiles: the levels that are forecast instead of one value.

    >>> Horizon(("load",), 2, (10.0,), (2.0,)).original(torch.ones(1, 2, 1)).flatten().tolist()
    [12.0, 12.0]
    """

    names: tuple[str, ...]
    length: int
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    season: int = 1
    seasonal_error: tuple[float, ...] = ()
    quantiles: tuple[float, ...] = ()
    kind: ClassVar[str] = "forecast"

    @property
    def outputs(self) -> int:
        return self.length * len(self.names)

    def original(self, values: Tensor, unit: Tensor | None = None) -> Tensor:
        """Turn standardized values `(batch, ..., channels)` into the units of the data, in float64.

        Args:
            values: `(batch, steps, channels)`.
            unit: `(batch, 3, channels)`, where series have their own mean and scale.
        """
        mean, scale = self.units(unit, values)
        return values.double() * scale + mean

    def units(self, unit: Tensor | None, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and scale in float64, each `(batch or 1, 1, channels)`."""
        if unit is not None:
            return unit[:, :1].double(), unit[:, 1:2].double()
        count, place = len(self.names), like.device
        mean = torch.tensor(self.mean or (0.0,) * count, dtype=torch.float64, device=place)
        scale = torch.tensor(self.scale or (1.0,) * count, dtype=torch.float64, device=place)
        return mean[None, None], scale[None, None]


@dataclasses.dataclass(frozen=True)
class Text(Spec):
    """A text that is written token by token: a translation, a summary.

    Batch: `(batch, length)` int64 token indices, each text followed by `end`, then padding. The inputs hold the same text
    one place later, `decoder_tokens` (`begin` first) with `decoder_mask`: a network says each token from those before it
    (teacher forcing), and gives `(batch, length, vocabulary)` logits.

    Args:
        vocabulary: how many tokens there are, `begin` and `end` among them.
        length: tokens of a text at most, `end` among them.
        padding, begin, end: indices.
        task: "translation" or "summarization": it decides how decoded texts are measured.
        shared: whether the tokens that are read have the same indices.

    >>> Text(100, 8, begin=98, end=99).outputs
    100
    """

    vocabulary: int
    length: int
    padding: int = 0
    begin: int = 1
    end: int = 2
    task: str = "translation"
    shared: bool = False
    kind: ClassVar[str] = "text"

    @property
    def outputs(self) -> int:
        return self.vocabulary

    def tokens_told(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return what metrics read of each text, `(batch, 3)` float64: the sum of -log p of its tokens, how many of them had
        the highest logit, and how many there are."""
        nats = functional.cross_entropy(
            outputs.float().flatten(0, 1), targets.flatten(), ignore_index=self.padding, reduction="none"
        ).reshape(targets.shape)
        real = targets != self.padding
        right = (outputs.argmax(dim=-1) == targets) & real
        return torch.stack(
            [nats.double().sum(dim=1), right.double().sum(dim=1), real.double().sum(dim=1)], dim=1
        )


@dataclasses.dataclass(frozen=True)
class Transcript(Spec):
    """What is said, symbol by symbol, without saying when.

    Batch: `(batch, longest)` int64: indices of symbols from 1 on, padded with -1. A network gives logits
    `(batch, frames, outputs)`, of which the first is the blank, "no symbol"; frames behind the end of an example are certain
    of it (see `data.transcripts`).

    Args:
        symbols: the characters, in the order of their indices.
        longest: symbols per transcript at most.

    >>> Transcript(("a", "b"), 4).text([2, 1])
    'ba'
    """

    symbols: tuple[str, ...]
    longest: int
    kind: ClassVar[str] = "transcript"

    @property
    def outputs(self) -> int:
        return 1 + len(self.symbols)

    def text(self, indices: Sequence[int]) -> str:
        """Spell indices; blanks and padding say nothing."""
        return "".join(self.symbols[index - 1] for index in indices if index > 0)


@dataclasses.dataclass(frozen=True)
class Unlabeled(Spec):
    """No target: what density models and generators learn from."""

    kind: ClassVar[str] = "unlabeled"
    outputs: ClassVar[int] = 0
