"""Season: what a network that forecasts by waves is told where the data's season is longer than its waves."""

from __future__ import annotations

from typing import Any

from torch import nn

from neurarium.data.dataset import Decision


def slow_season(network: nn.Module, targets: Any) -> list[Decision]:
    """Return a line of the plan where a network has a basis of waves and a season does not fit into the horizon.

    The waves of N-BEATS have one period in the horizon, or several (arXiv:1905.10437, equation 3): a longer season is left to
    its other stacks.

    >>> from neurarium.data.specs import Horizon
    >>> from neurarium.networks import NBEATS
    >>> targets = Horizon(("load",), 6, season=24)
    >>> [each.choice for each in slow_season(NBEATS(1, 48, 6, stacks=("trend", "seasonality"), width=8), targets)]
    ['waves of 6 steps and less']
    """
    season, length = getattr(targets, "season", 1), getattr(targets, "length", 0)
    waves = any(
        name.startswith("seasonality")
        for each in network.modules()
        for name in getattr(each, "stack_names", ())
    )
    if not waves or season <= length:
        return []
    reason = f"one period in the horizon at most, as in the paper; the season of {season} steps is left to the other stacks"
    return [Decision("seasonality", f"waves of {length} steps and less", reason, f"--horizon {season}")]
