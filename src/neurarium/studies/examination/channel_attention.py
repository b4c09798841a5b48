"""Channel attention: which channels of a series a network reads together, where its tokens are channels."""

from __future__ import annotations

from typing import Any

import torch

from neurarium.core import batches
from neurarium.data.specs import Horizon
from neurarium.data.windows import Windows
from neurarium.networks.series.i_transformer import ITransformer
from neurarium.studies.prediction.learner import evaluating
from neurarium.training.method import Method

WINDOWS, TOKENS = 64, 24  # that are looked at; of more channels and covariates the picture would be a carpet


def channel_attention(method: Method, examples: Windows, targets: Horizon, inputs: Any) -> dict[str, Any]:
    """Return the mean attention between channels over windows at equal distances, of the first and of the last block.

    Args:
        method: trained.
        examples: a split.
        targets: of the run: the names of its channels.
        inputs: its `Window`: the names of its covariates.

    Returns:
        `names` of the tokens, channels first, and `blocks`, by number a matrix of a row per channel, a column per token; rows sum
        to 1. Empty for a network of other tokens, for one token alone, and for more than 24.

    Liu et al., arXiv:2310.06625, section 4.3.
    """
    network = method.deployed
    names = [*targets.names, *inputs.past, *inputs.future]
    if not isinstance(network, ITransformer) or not 1 < len(names) <= TOKENS:
        return {}
    batch = examples.spread(WINDOWS).take(slice(None))
    with evaluating(method) as device:
        every = network.attention(batches.to(batch["inputs"], device)).float().cpu()
    means = torch.mean(every, dim=(0, 2))[:, : len(targets.names)]
    shown = sorted({0, len(means) - 1})
    return {"names": names, "blocks": {str(number + 1): means[number].tolist() for number in shown}}
