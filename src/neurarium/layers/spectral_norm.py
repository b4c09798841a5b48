"""The spectral norm: weights whose largest singular value is 1."""

from __future__ import annotations

from torch import nn
from torch.nn.utils import parametrizations, parametrize

from neurarium.core.errors import OptionError, RefusalError

LAYERS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Embedding,
)


def normalize_spectrum(network: nn.Module, *, iterations: int = 1) -> list[str]:
    """Divide the weight of each linear and convolutional layer by its spectral norm: W / sigma(W), so that |W x| <= |x|.

    sigma is the largest singular value of W as a matrix `(out, everything else)`, by power iteration that goes on from
    step to step in training and stands still in evaluation. In place, by torch's parametrization: the trainable tensor
    becomes `parametrizations.weight.original`. For a convolution this bounds the layer by sqrt(height * width) of its
    kernel, not by 1.

    Args:
        network: a network or a single layer.
        iterations: power iterations per training step.

    Returns:
        The names of the layers ("" for the network itself).

    Raises:
        OptionError: fewer than one iteration.
        RefusalError: no layer that it could act on.

    Miyato et al., "Spectral normalization for generative adversarial networks", arXiv 1802.05957, equation 8.

    >>> import torch
    >>> network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    >>> normalize_spectrum(network, iterations=5)
    ['0', '2']
    """
    if iterations < 1:
        raise OptionError("power iteration needs a step", expected="1 or more", received=iterations)
    touched = []
    for name, module in list(network.named_modules()):
        if isinstance(module, LAYERS) and not parametrize.is_parametrized(module, "weight"):
            parametrizations.spectral_norm(module, n_power_iterations=iterations)
            touched.append(name)
    if not touched:
        raise RefusalError(
            "the spectral norm finds no layer to act on",
            expected="a linear, convolutional or embedding layer that is not normalized yet",
            received=type(network).__name__,
        )
    return touched
