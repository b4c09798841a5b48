"""Signal: what flows through a network before its first step, forward and backward."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.display import Displayed
from neurarium.core.errors import ShapeError
from neurarium.core.seeds import generator
from neurarium.initializers.probing import undisturbed
from neurarium.studies.probes.signal_layers import Watch, watched

# A signal that changes a hundredfold from end to end is called vanishing or exploding.
LIMIT = 100.0
# Chance alone turns off up to half of the units of a deep ReLU network: the deeper, the more alike all examples are.
DEAD_SHARE = 0.6


@dataclasses.dataclass(frozen=True)
class LayerSignal:
    """What one layer gives and gets.

    Args:
        name, kind: of the module.
        shape: of its outputs.
        mean, variance: of its outputs, over examples, positions and units.
        gradient_variance: of the loss's gradient with respect to its outputs; None where no gradient comes.
        units: how many; dead: those that are 0 on the whole batch; identical: those that are another one's twin, in
            outputs, weights and gradients.
        weighted: whether it is a layer of weights (linear, convolutional, recurrent).
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    mean: float
    variance: float
    gradient_variance: float | None
    units: int
    dead: int
    identical: int
    weighted: bool


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong: its `kind`, a sentence that says what, and what to do."""

    kind: str
    text: str
    fix: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}\n  to fix: {self.fix}"


@dataclasses.dataclass(frozen=True)
class SignalReport(Displayed):
    """The signal of a network at its start.

    Args:
        layers: in the order in which they are called.
        forward_growth: factor per layer of weights on the standard deviation of activations, from the inputs on.
        backward_growth: factor per layer of weights on the standard deviation of gradients, from the outputs back.
        findings: what is wrong; empty for a healthy start.

    `str(report)` is a table; `plot(path)` draws it.
    """

    layers: tuple[LayerSignal, ...]
    forward_growth: float
    backward_growth: float
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        return not self.findings

    @property
    def kinds(self) -> set[str]:
        """The kinds of the findings, such as `vanishing gradients`."""
        return {finding.kind for finding in self.findings}

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        titles = ("layer", "kind", "outputs", "mean", "variance", "gradient var.", "dead", "identical")
        rows = [titles, *(_row(layer) for layer in self.layers)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        growth = f"per layer of weights: activations x {self.forward_growth:.3g}, gradients x {self.backward_growth:.3g}"
        return "\n".join([*lines, growth, *(map(str, self.findings) if self.findings else ["healthy"])])

    def plot(self, path: Path | str) -> None:
        """Draw standard deviations of activations and gradients by layer (PNG, SVG or PDF, by the name's ending)."""
        from neurarium.studies.probes.signal_plot import plot_signal

        plot_signal(self, path)


def check_signal(
    network: nn.Module,
    inputs: Any,
    *,
    targets: Any = None,
    loss: Callable[[Any, Any], Any] | None = None,
    seed: int = 0,
) -> SignalReport:
    """Measure a network's signal at its start, and predict whether it vanishes or explodes.

    One forward and one backward pass in training mode. The growth per layer is the median slope of log standard
    deviation between any two layers of weights (Theil-Sen); carried over the depth it predicts a change, which is called
    vanishing or exploding beyond a factor of 100. Nothing of the network changes, bit by bit: parameters, gradients,
    buffers, modes, and the random generators.

    Args:
        network: any module.
        inputs: a batch of its inputs, two examples or more.
        targets, loss: `loss(outputs, targets)` gives a scalar or a `Sum`; without them a random projection of the
            outputs is differentiated, whose gradient at the outputs has variance 1.
        seed: of dropout and of the projection.

    Raises:
        ShapeError: fewer than two examples: twins and dead units cannot be told apart from chance.

    Glorot and Bengio (2010), section 4.2; He et al., arXiv 1502.01852, section 2.2.

    >>> from neurarium.initializers import initialize
    >>> network = nn.Sequential(*[nn.Linear(64, 64) for _ in range(8)])
    >>> touched = initialize(network, "gaussian")
    >>> sorted(check_signal(network, torch.randn(32, 64)).kinds)
    ['vanishing activations', 'vanishing gradients']
    """
    if batches.size(inputs) < 2:
        raise ShapeError(
            "the signal needs a batch", expected="two examples or more", received=batches.size(inputs)
        )
    parameters = [parameter for parameter in network.parameters() if parameter.is_floating_point()]
    with undisturbed(network, seed=seed), torch.enable_grad(), watched(network) as watches:
        for parameter in parameters:
            parameter.requires_grad_(True)
        outputs = network(inputs)
        scalar = _scalar(outputs, targets, loss, seed)
        if parameters and scalar.requires_grad:
            torch.autograd.grad(scalar, parameters, allow_unused=True)
    layers = tuple(_measured(watch) for watch in watches)
    forward, backward = _growths(layers)
    return SignalReport(layers, forward, backward, tuple(_findings(layers, forward, backward)))


def _scalar(outputs: Any, targets: Any, loss: Callable[[Any, Any], Any] | None, seed: int) -> Tensor:
    if loss is not None:
        value = loss(outputs, targets)
        return value if isinstance(value, Tensor) else value.mean()
    source = generator(seed, "signal")
    terms = []
    for _, output in batches.tensors(outputs):
        if output.is_floating_point():
            direction = torch.randn(output.shape, generator=source)
            terms.append((output * direction.to(output)).sum())
    return torch.stack(terms).sum()


def _measured(watch: Watch) -> LayerSignal:
    return LayerSignal(
        name=watch.name,
        kind=type(watch.module).__name__,
        shape=watch.shape,
        mean=watch.values.mean,
        variance=watch.values.variance,
        gradient_variance=watch.gradients.variance if watch.gradients.count else None,
        units=watch.units,
        dead=watch.dead,
        identical=watch.identical,
        weighted=watch.weighted,
    )


def _growths(layers: Sequence[LayerSignal]) -> tuple[float, float]:
    """Fit both ways. What is zero in one way alone is left out: a residual branch that ends in zeros on purpose."""
    pairs = [(each.variance, each.gradient_variance) for each in layers if each.weighted]
    forward = [value for value, gradient in pairs if value or not gradient]
    backward = [
        gradient for value, gradient in reversed(pairs) if gradient is not None and (gradient or not value)
    ]
    return growth(forward), growth(backward)


def growth(variances: Sequence[float]) -> float:
    """Return the factor per step on the standard deviation: the median slope between any two (Theil-Sen).

    0 where a variance falls to 0, infinity where one is not finite, 1 for fewer than two.

    >>> growth([1.0, 0.25, 0.0625])
    0.5
    """
    if any(not math.isfinite(each) for each in variances):
        return math.inf
    if len(variances) < 2:
        return 1.0
    if min(variances) == 0:
        return 0.0
    logs = [0.5 * math.log(each) for each in variances]
    slopes = sorted((logs[b] - logs[a]) / (b - a) for a in range(len(logs)) for b in range(a + 1, len(logs)))
    middle = len(slopes) // 2
    return math.exp(slopes[middle] if len(slopes) % 2 else 0.5 * (slopes[middle - 1] + slopes[middle]))


def _findings(layers: Sequence[LayerSignal], forward: float, backward: float) -> list[Finding]:
    found = []
    twins = [layer for layer in layers if layer.identical]
    if twins:
        found.append(
            Finding(
                "identical units",
                f"{_named(twins, 'identical')}: they compute the same and get the same gradient, for ever",
                "initialize the weights by chance, not with zeros or a constant",
            )
        )
    dying = [layer for layer in layers if layer.dead > DEAD_SHARE * layer.units and layer.variance > 0]
    if dying:
        fix = "smaller steps and biases of 0; leaky-relu or gelu; inputs with mean 0"
        found.append(Finding("dead units", f"{_named(dying, 'dead')} are 0 on the whole batch", fix))
    depth = sum(layer.weighted for layer in layers)
    for what, factor in (("activations", forward), ("gradients", backward)):
        kind = _verdict(factor, depth)
        if kind:
            total = factor ** (depth - 1)
            text = f"x {factor:.3g} per layer, x {total:.2g} over {depth} layers of weights"
            found.append(Finding(f"{kind} {what}", text, _advice(kind)))
    return found


def _verdict(factor: float, depth: int) -> str:
    if depth < 2:
        return ""
    total = (
        (depth - 1) * math.log(factor) if 0 < factor < math.inf else math.log(factor) if factor else -math.inf
    )
    return "exploding" if total > math.log(LIMIT) else "vanishing" if total < -math.log(LIMIT) else ""


def _advice(kind: str) -> str:
    first = "larger" if kind == "vanishing" else "smaller"
    clip = "" if kind == "vanishing" else "; clip the gradients"
    return f"{first} weights: he-normal for relu, glorot-normal for tanh, lecun-normal for selu; a norm, or skips{clip}"


def _named(layers: Sequence[LayerSignal], count: str) -> str:
    shown = ", ".join(
        f"{getattr(layer, count)} of {layer.units} in {layer.name or layer.kind}" for layer in layers[:3]
    )
    return shown + (f", and {len(layers) - 3} more" if len(layers) > 3 else "")


def _row(layer: LayerSignal) -> tuple[str, ...]:
    gradient = "-" if layer.gradient_variance is None else f"{layer.gradient_variance:.3g}"
    return (
        layer.name or "(network)",
        layer.kind,
        "x".join(map(str, layer.shape)),
        f"{layer.mean:.3g}",
        f"{layer.variance:.3g}",
        gradient,
        f"{layer.dead}/{layer.units}",
        f"{layer.identical}/{layer.units}" if layer.weighted else "-",
    )
