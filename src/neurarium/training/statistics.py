"""Running statistics of normalizations, kept as they are while a loss is evaluated again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from torch import nn


@contextlib.contextmanager
def statistics_held(networks: Sequence[nn.Module]) -> Iterator[None]:
    """Keep running statistics as they are while a loss is evaluated again."""
    norms = [
        module
        for network in networks
        for module in network.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
    ]
    for module in norms:
        module.track_running_stats = False
    try:
        yield
    finally:
        for module in norms:
            module.track_running_stats = True
