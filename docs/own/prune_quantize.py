"""Two transforms: prune by magnitude, then quantize to a uniform grid; both stay true while one fine-tunes.

Each is a parametrization of the matrices: w -> mask * w (Han et al., 2015, arXiv:1506.02626), and
w -> scale * round(w / scale) with the gradient passed straight through (Bengio et al., 2013, arXiv:1308.3432).
"""

from torch import nn
from torch.nn.utils.parametrize import ParametrizationList, register_parametrization

import neurarium as nr
from neurarium.transforms import transform


class Masked(nn.Module):
    def __init__(self, weight, threshold):
        super().__init__()
        self.register_buffer("mask", weight.detach().abs() > threshold)  # travels with the weights

    def forward(self, weight):
        return weight * self.mask


class Rounded(nn.Module):
    def __init__(self, scale, most):
        super().__init__()
        self.scale, self.most = scale, most

    def forward(self, weight):
        grid = (weight / self.scale).round().clamp(-self.most, self.most) * self.scale
        return weight + (grid - weight).detach()


def matrices(network):
    """Yield (place, module, name, weight) of every weight with two axes or more, whatever its parametrization."""
    for place, module in network.named_modules():
        names = [*dict(module.named_parameters(recurse=False)), *getattr(module, "parametrizations", ())]
        for name in () if isinstance(module, ParametrizationList) else names:
            if getattr(module, name).ndim > 1:
                yield f"{place}.{name}", module, name, getattr(module, name)


@nr.recorded
class Prune:
    def __init__(self, sparsity: float = 0.5):
        self.sparsity = sparsity

    def decide(self, network, data=None):
        return {place: w.abs().quantile(self.sparsity).item() for place, _, _, w in matrices(network)}

    def apply(self, network, plan):
        for place, module, name, weight in list(matrices(network)):
            register_parametrization(module, name, Masked(weight, plan[place]))
        return network


@nr.recorded
class Quantize:
    def __init__(self, bits: int = 4):
        self.most = 2 ** (bits - 1) - 1

    def decide(self, network, data=None):
        return {place: w.abs().max().item() / self.most for place, _, _, w in matrices(network)}

    def apply(self, network, plan):
        for place, module, name, _ in list(matrices(network)):
            register_parametrization(module, name, Rounded(plan[place], self.most))
        return network


# -- an example -----------------------------------------------------------------------------------------------


def example(epochs=6):
    """Prune digits' weights to 20 %, round them to 15 levels, fine-tune; return both accuracies and the zeros."""
    digits = nr.data.load("digits")
    dense = nr.networks.MLP.for_data(digits.inputs, digits.targets, widths=(64,))
    nr.fit(nr.methods.Supervised(dense), digits, epochs=epochs, progress=False)
    small = transform(transform(dense, Prune(0.8)), Quantize(4))
    nr.fit(nr.methods.Supervised(small), digits, epochs=epochs, progress=False)
    tested = [(each(digits.test.inputs).argmax(1) == digits.test.targets) for each in (dense, small)]
    zeros = [(weight == 0).float().mean().item() for _, _, _, weight in matrices(small)]
    return [each.float().mean().item() for each in tested], zeros


if __name__ == "__main__":
    (dense, small), zeros = example()
    print(f"accuracy {dense:.3f} dense, {small:.3f} with {min(zeros):.0%} zeros or more in 4 bits")
