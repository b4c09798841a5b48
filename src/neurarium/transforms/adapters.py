"""Adapters: low-rank updates beside frozen layers (LoRA), and their merging into the weights."""

from __future__ import annotations

import copy
import fnmatch
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import OptionError, RefusalError, nearest
from neurarium.core.recipe import Recipe, recipe_of, recorded
from neurarium.core.seeds import generator
from neurarium.layers.dropout import Dropout
from neurarium.training.freezing import hold

APPLIED = "neurarium.transforms.transformation:apply"
# Their layers are not always called: the weights go into fused functions.
UNCALLED = (nn.MultiheadAttention, nn.TransformerEncoderLayer)


class LowRankLinear(nn.Module):
    """A frozen linear layer and an update of low rank beside it: y = W x + b + (alpha / rank) B A x.

    A starts at random and B at zero, so that nothing changes before the first step.

    Args:
        base: the layer; it is held.
        rank: rows of A, columns of B.
        alpha: the scale of the update, relative to the rank.
        dropout: the probability that a number of x is zero on the way through A, in training.

    `forward`: `(..., in_features)` -> `(..., out_features)`.

    Hu et al. 2021, arXiv:2106.09685, equation 3.

    >>> layer = nn.Linear(4, 3)
    >>> bool(torch.equal(LowRankLinear(layer, 2)(torch.ones(1, 4)), layer(torch.ones(1, 4))))
    True
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float = 16.0, dropout: float = 0.0):
        super().__init__()
        self.base, self.rank, self.scale = base, rank, alpha / rank
        self.down = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.up = nn.Parameter(base.weight.new_zeros(base.out_features, rank))
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    @property
    def in_features(self) -> int:
        return self.base.in_features

    @property
    def out_features(self) -> int:
        return self.base.out_features

    def forward(self, inputs: Tensor) -> Tensor:
        update = nn.functional.linear(nn.functional.linear(self.dropout(inputs), self.down), self.up)
        return self.base(inputs) + self.scale * update

    def merged(self) -> nn.Linear:
        """Return one linear layer with the update in its weights: W + (alpha / rank) B A."""
        layer = copy.deepcopy(self.base)
        with torch.no_grad():
            layer.weight.add_(self.scale * (self.up @ self.down))
        return layer.requires_grad_(True)

    def extra_repr(self) -> str:
        return f"rank={self.rank}, scale={self.scale:g}"


@recorded
class LoRA:
    """Hold all weights of a network, and learn an update of low rank beside its linear layers.

    The plan names the layers, and what is learned as a whole beside them. All else stays bitwise as it is, running
    statistics too.

    Args:
        rank: of the updates.
        alpha: their scale, relative to the rank.
        dropout: on what goes into them, in training.
        modules: patterns of the names of the layers, such as `("*query", "*value")`; all linear layers but the last of the
            head, and those that share weights, when left out.
        learned: parts that are learned as a whole, by name; when left out the last layer of the head, which may be fresh,
            unless it says tokens.
        seed: of the first factor's start.

    Raises:
        OptionError: a rank below one, or a pattern or a part that nothing has.
        RefusalError: no linear layer that is called, or one whose weights are tied.

    Hu et al. 2021, arXiv:2106.09685, section 4.1.

    >>> from neurarium.networks import MLP
    >>> from neurarium.transforms import transform
    >>> network = transform(MLP(10, 3, widths=(32,)), LoRA(rank=2))
    >>> [name for name, weight in network.named_parameters() if weight.requires_grad]
    ['body.0.down', 'body.0.up', 'head.weight', 'head.bias']
    """

    def __init__(
        self,
        rank: int = 8,
        alpha: float = 16.0,
        dropout: float = 0.0,
        modules: tuple[str, ...] | None = None,
        learned: tuple[str, ...] | None = None,
        seed: int = 0,
    ):
        if rank < 1:
            raise OptionError("an adapter has too low a rank", expected="1 or more", received=rank)
        self.rank, self.alpha, self.dropout, self.seed = rank, alpha, dropout, seed
        self.modules, self.learned = modules, learned

    def decide(self, network: nn.Module, data: Any = None) -> dict[str, Any]:
        tied, learned = _tied(network), self._learned(network)
        linear = [name for name in _called(network) if not any(_within(name, part) for part in learned)]
        if self.modules is None:
            head = _head(network)
            chosen = [name for name in linear if not _is_tied(network, name, tied) and name != head]
        else:
            chosen = _matching(linear, self.modules)
        if not chosen:
            raise RefusalError(
                f"{type(network).__name__} has no linear layer beside what is learned that an adapter could stand beside",
                expected="a network of linear layers, attention or recurrent layers of this library",
                received=", ".join(sorted({type(each).__name__ for each in network.modules()})[:12]),
                fix="fine-tune it as a whole, or hold parts of it: --freeze",
            )
        for name in (*chosen, *learned):
            if _is_tied(network, name, tied):
                raise RefusalError(
                    f"the weights of {name} are shared with another layer: a change of one would be one of both",
                    expected="layers with weights of their own",
                    received=name,
                    fix="leave it out of lora.modules and lora.learned",
                )
        held = {"rank": self.rank, "alpha": self.alpha, "dropout": self.dropout, "seed": self.seed}
        return {"modules": chosen, "learned": list(learned), **held}

    def apply(self, network: nn.Module, plan: dict[str, Any]) -> nn.Module:
        hold(network, [""], True)
        for name in plan["learned"]:
            hold(network, [name], False)
        for name in plan["modules"]:
            base = network.get_submodule(name)
            made = LowRankLinear(base, plan["rank"], plan["alpha"], plan["dropout"])  # type: ignore[arg-type]
            with torch.no_grad():
                bound = 1 / math.sqrt(base.in_features)  # type: ignore[arg-type]
                drawn = torch.rand(made.down.shape, generator=generator(plan["seed"], "adapter", name))
                made.down.copy_((2 * drawn - 1) * bound)
            _exchange(network, base, made)
        return network

    def _learned(self, network: nn.Module) -> tuple[str, ...]:
        names = [name for name, _ in network.named_modules()]
        if self.learned is not None:
            for part in self.learned:
                if part not in names:
                    near = nearest(part, names)
                    raise OptionError(
                        f"the network has no part '{part}' that could be learned",
                        received=part,
                        fix=f"did you mean '{near}'?" if near else None,
                    )
            return tuple(self.learned)
        head = _head(network)
        if head is None or _says_tokens(network, head):
            return ()
        return (head,)


def merge(network: nn.Module) -> nn.Module:
    """Return a copy of a network with its adapters inside its weights: the structure and the recipe it had before them.

    All weights can be learned again. A network without adapters comes back as it is.

    >>> from neurarium.networks import MLP
    >>> from neurarium.transforms import transform
    >>> merge(transform(MLP(10, 3, widths=(32,)), LoRA(rank=2))).body[0]
    Linear(in_features=10, out_features=32, bias=True)
    """
    if not adapters_of(network):
        return network
    merged = copy.deepcopy(network)
    for module in adapters_of(merged):
        _exchange(merged, module, module.merged())
    hold(merged, [""], False)
    recipe = recipe_of(network)
    if recipe is not None:
        object.__setattr__(merged, "_recipe", _before(recipe))
    return merged


def adapters_of(network: nn.Module) -> list[LowRankLinear]:
    """Return the adapters in a network."""
    return [each for each in network.modules() if isinstance(each, LowRankLinear)]


def _before(recipe: Recipe) -> Recipe:
    """Return a recipe without the step that added adapters."""
    if recipe.builder != APPLIED:
        return recipe
    inner = Recipe.from_json(recipe.options["network"])
    if recipe.options["how"]["builder"].endswith(":LoRA"):
        return inner
    return Recipe(recipe.builder, {**recipe.options, "network": _before(inner).to_json()})


def _called(network: nn.Module) -> list[str]:
    """Return the names of the linear layers that are called as modules."""
    outside = [name for name, each in network.named_modules() if isinstance(each, UNCALLED)]
    return [
        name
        for name, each in network.named_modules()
        if isinstance(each, nn.Linear)
        and name
        and not any(_within(name, part) for part in outside)
        and not _within_adapter(network, name)
    ]


def _head(network: nn.Module) -> str | None:
    """Return the name of the last linear layer of the head; None where there is none."""
    head = getattr(network, "head", None)
    if not isinstance(head, nn.Module):
        return None
    prefix = next(name for name, module in network.named_modules() if module is head)
    linear = [name for name, each in head.named_modules() if isinstance(each, nn.Linear)]
    return f"{prefix}.{linear[-1]}".rstrip(".") if linear else None


def _says_tokens(network: nn.Module, head: str) -> bool:
    return network.get_submodule(head).out_features == getattr(network, "vocabulary", None)


def _is_tied(network: nn.Module, name: str, tied: set[int]) -> bool:
    return any(id(parameter) in tied for parameter in network.get_submodule(name).parameters())


def _within_adapter(network: nn.Module, name: str) -> bool:
    parent = name.rpartition(".")[0]
    return isinstance(network.get_submodule(parent), LowRankLinear)


def _within(name: str, part: str) -> bool:
    return part in ("", name) or name.startswith(f"{part}.")


def _matching(names: list[str], patterns: Sequence[str]) -> list[str]:
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            near = nearest(pattern.strip("*"), [name.rpartition(".")[2] for name in names])
            raise OptionError(
                f"the pattern '{pattern}' matches no linear layer that can be adapted",
                expected=f"some of {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}",
                received=pattern,
                fix=f"did you mean '*{near}'?" if near else None,
            )
    return [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]


def _tied(network: nn.Module) -> set[int]:
    """Return the ids of parameters that stand in more than one module."""
    seen: set[int] = set()
    twice: set[int] = set()
    for module in network.modules():
        for parameter in module._parameters.values():
            if parameter is not None:
                (twice if id(parameter) in seen else seen).add(id(parameter))
    return twice


def _exchange(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put a module wherever another one stands: a shared one stands in several places."""
    for parent in list(network.modules()):
        for name, child in parent._modules.items():
            if child is old:
                setattr(parent, name, new)
