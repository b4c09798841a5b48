"""Windows of series: examples that are views of the values, cut out when they are taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from neurarium.core import batches
from neurarium.data.examples import Examples


class Cut:
    """Turns the places where windows begin into windows: the last step of every batch.

    The values of all series lie one below the other, and are held once; a batch of windows is gathered from a view of them
    (`unfold`), so that memory does not grow with the length of a window.

    Args:
        values: `(rows, channels)` float32, standardized.
        lookback, horizon: steps.
        past: `(rows, covariates)`, or None.
        future: `(rows, covariates)`, or None; known for the steps of the horizon too.
        known: `(rows,)` float32, 0 where a value was missing and is filled in, or None where nothing was.
        units: `(series, 3, channels)`: mean, scale and seasonal naive error of each series, or None.
        numbers: `(series,)` int64, what the network knows each series by, or None.
        begins, firsts: `(series,)` int64, the first row of each series, and the step of the time axis that it is; None where
            there is one series that begins at 0.
    """

    def __init__(
        self,
        values: Tensor,
        lookback: int,
        horizon: int,
        *,
        past: Tensor | None = None,
        future: Tensor | None = None,
        known: Tensor | None = None,
        units: Tensor | None = None,
        numbers: Tensor | None = None,
        begins: Tensor | None = None,
        firsts: Tensor | None = None,
    ):
        self.lookback, self.horizon = lookback, horizon
        self.held = {
            "values": values, "past": past, "future": future, "known": known, "units": units, "numbers": numbers,
            "begins": begins,
            "firsts": firsts,
        }  # fmt: skip
        self._placed: dict[torch.device, dict[str, Tensor]] = {}

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        start, series = batch["start"], batch["series"]
        held, whole = self._on(start.device), self.lookback + self.horizon
        values = _windows(held["values"], start, whole)
        inputs = {"series": values[:, : self.lookback].contiguous()}
        if "past" in held:
            inputs["past"] = _windows(held["past"], start, self.lookback)
        if "future" in held:
            inputs["future"] = _windows(held["future"], start, whole)
        if "numbers" in held:
            inputs["id"] = held["numbers"][series]
        if "units" in held:
            inputs["unit"] = held["units"][series]
        found = {"inputs": inputs, "targets": values[:, self.lookback :].contiguous()}
        if "known" in held:
            found["weights"] = _windows(held["known"][:, None], start + self.lookback, self.horizon)[..., 0]
        return found

    def when(self, batch: dict[str, Any]) -> Tensor:
        """Return the step of the time axis at which each window begins, `(batch,)` int64."""
        start, series = batch["start"], batch["series"]
        held = self._on(start.device)
        if "begins" in held:
            start = start - held["begins"][series]
        return start + held["firsts"][series] if "firsts" in held else start

    def _on(self, device: torch.device) -> dict[str, Tensor]:
        """The values where the windows are wanted: copied there once."""
        if device not in self._placed:
            self._placed[device] = {k: v.to(device) for k, v in self.held.items() if v is not None}
        return self._placed[device]


def _windows(values: Tensor, start: Tensor, length: int) -> Tensor:
    """Return `(batch, length, channels)` from rows `start ... start + length - 1`."""
    return values.unfold(0, length, 1).index_select(0, start).transpose(1, 2)


class Windows(Examples):
    """A split of series: every window whose horizon lies in it.

    Args:
        cut: the values, and how windows are cut.
        start: `(windows,)` int64, the row where each begins.
        series: `(windows,)` int64, which series it is of.

    >>> cut = Cut(torch.arange(6.0)[:, None], 2, 1)
    >>> found = Windows(cut, torch.arange(4), torch.zeros(4, dtype=torch.int64)).take([0, 3])
    >>> found["inputs"]["series"][..., 0].tolist(), found["targets"].flatten().tolist()
    ([[0.0, 1.0], [3.0, 4.0]], [2.0, 5.0])
    """

    def __init__(self, cut: Cut, start: Tensor, series: Tensor):
        super().__init__({"start": start, "series": series}, finish=cut)
        self.cut = cut

    def subset(self, indices: Tensor | Sequence[int]) -> Windows:
        chosen = batches.take(self.batch, indices)
        return Windows(self.cut, chosen["start"], chosen["series"])

    def spread(self, most: int) -> Windows:
        """Return at most so many of the windows, at equal distances."""
        if len(self) <= most:
            return self
        return self.subset(torch.linspace(0, len(self) - 1, most).round().long())

    def seasonal(self, batch: dict[str, Tensor], season: int) -> Tensor:
        """Return the seasonal naive forecast of windows: the values one season before, over and over.

        Where a series does not reach back so far, its last value stands for them.

        Args:
            batch: `start` and `series` of the windows, as `Windows.batch` holds them.
            season: in steps; 1 is the naive forecast.

        Returns:
            `(batch, horizon, channels)`, standardized.
        """
        held, steps = self.cut._on(batch["start"].device), torch.arange(self.cut.horizon)
        now = batch["start"][:, None] + self.cut.lookback
        rows = now - season + steps.to(now.device) % season
        first = held["begins"][batch["series"]][:, None] if "begins" in held else torch.zeros_like(now)
        return held["values"][torch.where(rows < first, now - 1, rows)]

    @property
    def targets(self) -> Any:
        """All targets, `(windows, horizon, channels)`: as large as that."""
        return self.take(slice(None))["targets"]
