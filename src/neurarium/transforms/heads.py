"""Heads: a network's last layer exchanged for one of another size."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.recipe import recorded
from neurarium.core.trust import buildable
from neurarium.data.specs import Spec
from neurarium.transforms.transformation import transform


@recorded
class NewHead:
    """Exchange the last linear layer of a network for a fresh one: y = W features + b, W and b drawn anew.

    The plan is the name of that layer, its inputs and its outputs. A head of several layers (VGG, MobileNetV3) keeps all but
    the last, unless `whole`.

    Args:
        outputs: how many numbers are predicted.
        whole: the whole head becomes one linear layer.

    Raises:
        OptionError: fewer than one output.
        RefusalError: a network without a head, or a head without a linear layer.

    >>> from neurarium.networks import ResNet18
    >>> network = transform(ResNet18(3, 1000, stem="small"), NewHead(2))
    >>> network.fc
    Linear(in_features=512, out_features=2, bias=True)
    """

    def __init__(self, outputs: int, whole: bool = False):
        if outputs < 1:
            raise OptionError("a head has too few outputs", expected="1 or more", received=outputs)
        self.outputs, self.whole = outputs, whole

    def decide(self, network: nn.Module, data: Any = None) -> dict[str, Any]:
        head = getattr(network, "head", None)
        if not isinstance(head, nn.Module):
            raise RefusalError(
                f"{type(network).__name__} has no head that could be exchanged",
                expected="a network with `features` and `head`",
                fix="exchange its last layer by hand",
            )
        prefix = next(name for name, module in network.named_modules() if module is head)
        linear = [(name, each) for name, each in head.named_modules() if isinstance(each, nn.Linear)]
        if not linear:
            raise RefusalError(
                f"the head of {type(network).__name__} has no linear layer", received=str(head)
            )
        name, layer = linear[-1]
        if self.whole:
            return {"layer": prefix, "inputs": linear[0][1].in_features, "outputs": self.outputs}
        return {
            "layer": f"{prefix}.{name}" if name else prefix,
            "inputs": layer.in_features,
            "outputs": self.outputs,
        }

    def apply(self, network: nn.Module, plan: dict[str, Any]) -> nn.Module:
        parent, _, name = plan["layer"].rpartition(".")
        like = next(network.parameters())
        fresh = nn.Linear(plan["inputs"], plan["outputs"], device=like.device, dtype=like.dtype)
        setattr(network.get_submodule(parent), name, fresh)
        return network


@buildable
def new_head(
    network: nn.Module, targets: Spec | int, *, whole: bool = False, seed: int | None = None
) -> nn.Module:
    """Return a copy of a network with a fresh last layer; all else keeps its weights.

    Args:
        network: one with a head.
        targets: what it shall predict: a targets spec, or the number of outputs.
        whole: exchange a head of several layers as a whole.
        seed: of the fresh weights; None draws them from torch's stream.

    Raises:
        OptionError, RefusalError: as for `NewHead`.

    >>> from neurarium.networks import MLP
    >>> new_head(MLP(4, 3, widths=(8,)), 5)(torch.zeros(2, 4)).shape
    torch.Size([2, 5])
    """
    outputs = targets if isinstance(targets, int) else targets.outputs  # type: ignore[attr-defined]
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        return transform(network, NewHead(outputs, whole))
