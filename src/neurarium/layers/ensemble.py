"""Batched ensembles: several linear maps, scalings or networks computed as one, and how their predictions combine.

Legend of the shapes: `batch` examples, `members` of the ensemble, `inputs` and `outputs` of a layer. Hidden layers keep
the members first, `(members, batch, inputs)`: the matrices then read contiguous memory (three times faster than
transposing on the way, measured). What a method sees has the batch first.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurarium.core.errors import unknown
from neurarium.core.recipe import recorded

Combination = str  # "mean", "sigmoid", "softmax", "gaussian", or several with their widths

VARIANCE_FLOOR = 1e-6


@recorded
class EnsembleLinear(nn.Module):
    """One linear map per member, computed as one batched matrix product.

    Z[:, m] = X[:, m] W[m] + b[m]

    Weights: `(members, inputs, outputs)`, biases: `(members, outputs)`, both uniform in +-1/sqrt(inputs) at the start.
    `forward`: `(batch, members, inputs)` -> `(batch, members, outputs)`; nothing is copied when the inputs are a
    transposed view of a `(members, batch, inputs)` or `(members, inputs, batch)` tensor, and the result is one too.

    >>> EnsembleLinear(4, 3, 2)(torch.zeros(5, 4, 3)).shape
    torch.Size([5, 4, 2])
    """

    def __init__(self, members: int, inputs: int, outputs: int, bias: bool = True):
        super().__init__()
        self.members, self.inputs, self.outputs = members, inputs, outputs
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs))
        self.bias = nn.Parameter(torch.empty(members, outputs)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights and biases anew."""
        bound = 1 / math.sqrt(max(self.inputs, 1))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, inputs: Tensor) -> Tensor:
        if inputs.stride(0) == 1:
            outputs = torch.bmm(self.weight.transpose(1, 2), inputs.permute(1, 2, 0)).permute(2, 0, 1)
        else:
            outputs = torch.bmm(inputs.transpose(0, 1), self.weight).transpose(0, 1)
        return outputs if self.bias is None else outputs + self.bias

    def extra_repr(self) -> str:
        return f"members={self.members}, inputs={self.inputs}, outputs={self.outputs}, bias={self.bias is not None}"


@recorded
class EnsembleScale(nn.Module):
    """One scaling vector per member: the adapter that makes the members of an ensemble differ.

    Y[m] = r[m] * X, with r `(members, features)`

    Args:
        initial: `ones`; `random-signs` (+-1 by chance); `normal` (standard normal).
        chunks: sizes of groups of neighbouring features that start with one common value (all the numbers that
            describe one column of a table); empty for one value per feature.

    `forward`: `(batch, features)` or `(members, batch, features)` -> `(members, batch, features)`; a `shift`
    `(members, features)` is added to it.

    The vectors r of BatchEnsemble (Wen et al. 2020, arXiv:2002.06715) and TabM (arXiv:2410.24210, section 3.3).

    >>> EnsembleScale(3, 4, "random-signs")(torch.ones(2, 4)).abs().sum()
    tensor(24., grad_fn=<SumBackward0>)
    """

    def __init__(
        self,
        members: int,
        features: int,
        initial: Literal["ones", "random-signs", "normal"] = "ones",
        chunks: tuple[int, ...] = (),
    ):
        super().__init__()
        self.initial, self.chunks = initial, tuple(chunks) or (1,) * features
        self.weight = nn.Parameter(torch.empty(members, features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the vectors anew."""
        drawn = torch.ones(self.weight.shape[0], len(self.chunks))
        if self.initial == "random-signs":
            drawn = drawn.bernoulli_(0.5).mul_(2).sub_(1)
        elif self.initial == "normal":
            drawn = drawn.normal_()
        elif self.initial != "ones":
            raise unknown("initial scaling", self.initial, ("ones", "random-signs", "normal"))
        with torch.no_grad():
            self.weight.copy_(drawn.repeat_interleave(torch.tensor(self.chunks), dim=1))

    def forward(self, inputs: Tensor, shift: Tensor | None = None) -> Tensor:
        if shift is None:
            inputs, weight = _in_autocast_precision(inputs, self.weight)
            return inputs * weight.unsqueeze(1)
        inputs, weight, shift = _in_autocast_precision(inputs, self.weight, shift)
        return torch.addcmul(shift.unsqueeze(1), inputs, weight.unsqueeze(1))

    def extra_repr(self) -> str:
        return f"members={self.weight.shape[0]}, features={self.weight.shape[1]}, initial={self.initial!r}"


@recorded
class BatchEnsembleLinear(nn.Module):
    """A linear map whose matrix the members share, between scalings of their own.

    Z[m] = s[m] * (W (r[m] * X[m])) + b[m]

    Args:
        initial, chunks: how r starts (see `EnsembleScale`); s starts at one.

    `forward`: `(batch, inputs)` or `(members, batch, inputs)` -> `(members, batch, outputs)`.

    BatchEnsemble (Wen et al. 2020, arXiv:2002.06715, eq. 5); TabM (arXiv:2410.24210, section 3.3).

    >>> BatchEnsembleLinear(4, 3, 2)(torch.zeros(4, 5, 3)).shape
    torch.Size([4, 5, 2])
    """

    def __init__(
        self,
        members: int,
        inputs: int,
        outputs: int,
        initial: Literal["ones", "random-signs", "normal"] = "ones",
        chunks: tuple[int, ...] = (),
    ):
        super().__init__()
        self.scale_in = EnsembleScale(members, inputs, initial, chunks)
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.scale_out = EnsembleScale(members, outputs)
        # All members start from one bias, as from one matrix (the authors' code).
        bound = 1 / math.sqrt(max(inputs, 1))
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound).repeat(members, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.scale_out(self.linear(self.scale_in(inputs)), self.bias)


def combine(members: Tensor, combination: Combination, shares: Tensor | None = None) -> Tensor:
    """Combine the members' outputs into one prediction, in the form that one network would give.

    Args:
        members: `(batch, members, outputs)`.
        combination: what the outputs are.
            `mean`: quantities; y = mean of y_m.
            `sigmoid`: logits of independent events; logit of the mean probability.
            `softmax`: logits of one class of several; log of the mean probabilities.
            `gaussian`: means and raw variances; those of the mixture, mu = mean of mu_m,
            sigma^2 = mean of (sigma_m^2 + mu_m^2) - mu^2 (Lakshminarayanan et al. 2017, arXiv:1612.01474, section 2.4).
            `softmax 3, mean 1`: several targets side by side, each with its number of outputs.
        shares: `(members,)`, which sum to one: the mean is weighted by them, of all but `gaussian`; None for equal ones.

    Returns:
        `(batch, outputs)`.

    >>> combine(torch.tensor([[[0.0], [2.0]]]), "mean")
    tensor([[1.]])
    >>> torch.sigmoid(combine(torch.tensor([[0.2], [0.6]]).logit()[None], "sigmoid"))
    tensor([[0.4000]])
    """
    if "," in combination:
        parts = [each.split() for each in combination.split(",")]
        cut = members.split([int(width) for _, width in parts], dim=-1)
        each_part = zip(cut, parts, strict=True)
        return torch.cat([combine(each, how, shares) for each, (how, _) in each_part], dim=-1)
    if combination == "mean":
        return members.mean(dim=1) if shares is None else torch.einsum("bmo,m->bo", members, shares)
    if combination == "gaussian":
        return _mixture(members)
    members = members.float() if members.dtype in (torch.bfloat16, torch.float16) else members
    weights = members.new_tensor(-math.log(members.shape[1])) if shares is None else shares.log()[:, None]
    if combination == "softmax":
        return (functional.log_softmax(members, dim=-1) + weights).logsumexp(dim=1)
    if combination == "sigmoid":
        positive, negative = (
            functional.logsigmoid(members) + weights,
            functional.logsigmoid(-members) + weights,
        )
        return positive.logsumexp(dim=1) - negative.logsumexp(dim=1)
    raise unknown("combination", combination, ("mean", "sigmoid", "softmax", "gaussian"))


def mixture_shares(likelihoods: Tensor, prior: float, steps: int = 500) -> Tensor:
    r"""Return the shares of a mixture that suit examples best, by expectation maximization.

    w maximizes sum_i log(sum_m w_m p_m(y_i | x_i)) + prior sum_m log w_m: as if each member had explained so many more.

    Args:
        likelihoods: p_m(y_i | x_i), `(examples, members)`.
        prior: examples per member; the larger, the more equal the shares.
        steps: of the iteration w_m <- (prior + sum_i w_m p_im / sum_k w_k p_ik) / (n + M prior).

    Returns:
        `(members,)`, summing to one.

    Dempster, Laird and Rubin 1977, section 4.3.

    >>> mixture_shares(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), prior=1.0)
    tensor([0.7171, 0.2829], dtype=torch.float64)
    """
    likelihoods = likelihoods.double().clamp(min=1e-300)
    count, members = likelihoods.shape
    shares = likelihoods.new_full((members,), 1 / members)
    for _ in range(steps):
        explained = shares * likelihoods
        shares = (prior + (explained / explained.sum(dim=1, keepdim=True)).sum(dim=0)) / (
            count + members * prior
        )
    return shares


def gaussian_moments(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Split the outputs of a network with `distribution="gaussian"` into means and variances.

    mu = outputs[..., 0::2], sigma^2 = softplus(outputs[..., 1::2]) + 1e-6

    Args:
        outputs: `(..., 2 n)`, mean and raw variance of each quantity side by side.

    Returns:
        Means and variances, each `(..., n)`.

    >>> mean, variance = gaussian_moments(torch.tensor([[3.0, 0.0]]))
    >>> mean.item(), round(variance.item(), 4)
    (3.0, 0.6931)
    """
    return outputs[..., 0::2], functional.softplus(outputs[..., 1::2]) + VARIANCE_FLOOR


def _in_autocast_precision(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Round factors before they are multiplied, where the product would be rounded next: half the memory traffic."""
    device = tensors[0].device.type
    if not torch.is_autocast_enabled(device):
        return tensors
    return tuple(tensor.to(torch.get_autocast_dtype(device)) for tensor in tensors)


def _mixture(members: Tensor) -> Tensor:
    """Return mean and raw variance of the even mixture of the members' Gaussians."""
    means, variances = gaussian_moments(members)
    mean = means.mean(dim=1)
    # The spread about the mean, not mean of squares less square of the mean: that cancels in float32.
    variance = variances.mean(dim=1) + (means - mean.unsqueeze(1)).square().mean(dim=1)
    excess = (variance - VARIANCE_FLOOR).clamp_min(torch.finfo(variance.dtype).tiny)
    # The inverse of softplus, log(exp(v) - 1), written so that large v does not overflow.
    return torch.stack([mean, excess + torch.log(-torch.expm1(-excess))], dim=-1).flatten(-2)
