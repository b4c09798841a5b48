"""Machine: how networks of images are computed where nothing is said: in which type, and how their maps lie in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from neurarium.data.dataset import Dataset, Decision
from neurarium.data.specs import Image
from neurarium.studies.probes.profiling import summary

MANY = 2_000_000  # products per image from which bfloat16 is faster: below, turning numbers into it costs as much
UNCOMPILED = (
    "compiling takes a minute, and a step of ResNet-18 in bfloat16 was no shorter for it on processors"
)


def computed(
    network: nn.Module, data: Dataset, descent: Mapping[str, Any], device: Any = None
) -> tuple[dict[str, Any], list[Decision]]:
    """Choose what a network of images is computed in.

    Convolutions are in bfloat16 where the machine multiplies it in hardware and the network has enough to multiply, and their
    maps lie channels last, as the networks themselves see to.

    Args:
        network: built for the data.
        data: the dataset.
        descent: the options of the descent; a precision among them stays.
        device: that was asked for, or None.

    Returns:
        The options of the descent, and the decisions.
    """
    options = dict(descent)
    decisions: list[Decision] = []
    if not isinstance(data.inputs, Image) or not _convolves(network):
        return options, decisions
    if _lies_channels_last(network):
        reason = "pooling is some eight times faster so on processors, convolutions a fifth and more"
        decisions.append(Decision("memory format", "channels last", reason, "a network of your own"))
    if "precision" not in options:
        products = summary(network, data.train.take(slice(0, 1))["inputs"]).multiply_adds
        options["precision"], reason = _precision(products, device)
        decisions.append(Decision("precision", options["precision"], reason, "--precision"))
    return options, decisions


def uncompiled(network: nn.Module, data: Dataset, compile: bool | None) -> list[Decision]:
    """Say that a network of images is not compiled, and why; nothing where it was asked for."""
    if compile or not isinstance(data.inputs, Image) or not _convolves(network):
        return []
    return [Decision("compile", "no", UNCOMPILED, "--compile")]


def multiplies_bfloat16(device: Any = None) -> bool:
    """Return whether a device multiplies bfloat16 matrices in hardware; None asks the one that `fit` would take."""
    try:
        kind = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")).type
    except RuntimeError:  # no device: `fit` says so
        return False
    if kind == "cuda":
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return kind == "cpu" and any(getattr(torch.cpu, name, lambda: False)() for name in checks)


def _precision(products: int, device: Any) -> tuple[str, str]:
    if not multiplies_bfloat16(device):
        return "float32", "this machine does not multiply bfloat16 in hardware"
    if products < MANY:
        return "float32", f"{products:,} products per image: too few for bfloat16 to be faster"
    return "bfloat16", f"{products:,} products per image, and this machine multiplies bfloat16 in hardware"


def _convolves(network: nn.Module) -> bool:
    return any(isinstance(each, nn.Conv2d) for each in network.modules())


def _lies_channels_last(network: nn.Module) -> bool:
    """Return whether the weights of all convolutions over places lie so; with one channel or one place both orders are one."""
    weights = [each.weight for each in network.modules() if isinstance(each, nn.Conv2d)]
    return all(each.is_contiguous(memory_format=torch.channels_last) for each in weights)
