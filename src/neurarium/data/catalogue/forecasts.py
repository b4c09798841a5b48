"""Readers of the series to forecast in the catalogue."""

from __future__ import annotations

from pathlib import Path

from neurarium.data.assembly.forecasting import Scaling, forecast
from neurarium.data.dataset import Dataset

MONTHS = 30 * 24  # hours, as all who use these sets count them


def etth1(
    *, folder: Path, target: str | tuple[str, ...] = "all", horizon: int = 96, lookback: int = 336,
    past: tuple[str, ...] = (), calendar: str | tuple[str, ...] = "none", quantiles: tuple[float, ...] = (),
    scaling: Scaling | None = None, stride: int = 1,
) -> Dataset:  # fmt: skip
    """Hours of an electricity transformer, with the published borders: 12 months train, 4 validate, 4 test."""
    return forecast(
        folder / "ETTh1.csv", target, time="date", horizon=horizon, lookback=lookback, past=past, calendar=calendar,
        quantiles=quantiles, scaling=scaling, stride=stride, borders=(12 * MONTHS, 16 * MONTHS, 20 * MONTHS),
    )  # fmt: skip


def airline_passengers(
    *, folder: Path, horizon: int = 12, lookback: int | None = None, season: int | None = None,
    calendar: str | tuple[str, ...] = "auto", quantiles: tuple[float, ...] = (), validation: float = 0.15,
    test_fraction: float = 0.2, stride: int = 1,
) -> Dataset:  # fmt: skip
    """Monthly passengers of airlines, 1949 to 1960: the latest fifth tests."""
    return forecast(
        folder / "airline-passengers.csv", time="Month", horizon=horizon, lookback=lookback, season=season,
        calendar=calendar, quantiles=quantiles, validation=validation, test_fraction=test_fraction, stride=stride,
    )  # fmt: skip


def daily_temperatures(
    *, folder: Path, horizon: int = 7, lookback: int | None = None, season: int | None = None,
    calendar: str | tuple[str, ...] = "auto", quantiles: tuple[float, ...] = (), validation: float = 0.15,
    test_fraction: float = 0.2, stride: int = 1,
) -> Dataset:  # fmt: skip
    """Daily minimum temperatures in Melbourne, 1981 to 1990: the latest fifth tests."""
    return forecast(
        folder / "daily-min-temperatures.csv", time="Date", horizon=horizon, lookback=lookback, season=season,
        calendar=calendar, quantiles=quantiles, validation=validation, test_fraction=test_fraction, stride=stride,
    )  # fmt: skip


def sunspots(
    *, folder: Path, horizon: int = 12, lookback: int | None = None, season: int | None = None,
    calendar: str | tuple[str, ...] = "auto", quantiles: tuple[float, ...] = (), validation: float = 0.15,
    test_fraction: float = 0.2, stride: int = 1,
) -> Dataset:  # fmt: skip
    """Monthly sunspots, 1749 to 1983: the latest fifth tests."""
    return forecast(
        folder / "monthly-sunspots.csv", time="Month", horizon=horizon, lookback=lookback, season=season,
        calendar=calendar, quantiles=quantiles, validation=validation, test_fraction=test_fraction, stride=stride,
    )  # fmt: skip
