"""Transfer: weights that others trained as the start, and parts of the network held for a while or for good."""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy
from torch import nn

from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.hub import fetched, is_hub_id
from neurarium.core.members import find, table
from neurarium.core.options import parameters
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.preparation.published_tokenizer import has_tokenizer
from neurarium.networks.published.layouts import Translated, network_of, translate
from neurarium.networks.published.loading import load_weights
from neurarium.networks.published.weights import Weights, read_weights
from neurarium.training.callbacks.callback import Callback
from neurarium.training.callbacks.unfreezing import Unfreezing
from neurarium.training.freezing import chosen, freeze
from neurarium.transforms.adapters import LoRA, adapters_of
from neurarium.transforms.transformation import apply

# Of the 1.28 million training images of ImageNet, per colour, in bytes: what published image weights were trained with.
MEAN, SCALE = numpy.array([0.485, 0.456, 0.406]) * 255, numpy.array([0.229, 0.224, 0.225]) * 255


RANK = 8  # of adapters where none is given


@dataclasses.dataclass
class Transfer:
    """What a training starts from and what it holds.

    Args:
        weights: a file, a folder or a hub id of published weights; see `networks.read_weights`.
        freeze: what is held: so many parts from the inputs on, a share of them, "all" but the head, or names; see
            `training.freeze`.
        unfreeze_every: free the highest held part every so many epochs; None holds them for good.
        lora: the rank of updates beside the linear layers, which alone are learned; see `transforms.LoRA`.

    Raises:
        OptionError: parts to free, and none that is held; adapters and frozen parts.
    """

    weights: str | Path | None = None
    freeze: int | float | str | Sequence[str] | None = None
    unfreeze_every: int | None = None
    lora: int | None = None

    def __post_init__(self) -> None:
        if self.lora is not None and self.freeze is not None:
            raise OptionError(
                "adapters hold all other weights already",
                expected="--lora or --freeze",
                received=f"--lora {self.lora} --freeze {self.freeze}",
                fix="leave --freeze out",
            )
        if self.unfreeze_every is not None and self.freeze is None:
            raise OptionError(
                "nothing is frozen that could be freed",
                expected="--freeze with --unfreeze-every",
                fix="add --freeze all, or leave --unfreeze-every out",
            )
        self._read: Weights | None = None
        self._filled = False

    @property
    def read(self) -> Weights:
        """The weights, read once."""
        if self._read is None:
            self._read = read_weights(self.weights or "")
        return self._read

    @property
    def tuning(self) -> str:
        """How gentle the training shall be: "" for one from scratch, "weights" for all weights, "adapters" for those."""
        if self.weights is None:
            return ""
        return "weights" if self.lora is None else "adapters"

    @functools.cached_property
    def translated(self) -> Translated:
        """The weights under our names."""
        return translate(self.read)

    def network(self) -> tuple[str, Mapping[str, Any]] | None:
        """Return the name and the options of the network that the weights are of, where it is one of ours."""
        return None if self.weights is None else network_of(self.read, self.translated)

    def shaped(self, network: Any, options: Mapping[str, Any]) -> tuple[dict[str, Any], list[Decision]]:
        """Return what the shapes of the weights say of a network's options, where these do not: a ResNet's stem.

        Args:
            network: the name that was asked for, or None.
            options: what was asked for.
        """
        if self.weights is None or not isinstance(network, str) or "stem" in options:
            return {}, []
        first = self.translated.state.get("conv1.weight")
        known = table("network").get(network)
        if first is None or known is None or "stem" not in parameters(find("network", network)):
            return {}, []
        stem = "large" if first.shape[-1] == 7 else "small"
        sides = " x ".join(map(str, first.shape[2:]))
        reason = f"the first convolution of the weights is {sides}, whatever the size of the images"
        return {"stem": stem}, [Decision("stem", stem, reason, "--set stem=")]

    def start(
        self, network: nn.Module, options: Mapping[str, Any], seed: int = 0
    ) -> tuple[nn.Module, list[Decision]]:
        """Fill a network with the weights, in place, and put adapters beside its layers, into a copy; say what was done.

        Args:
            network: what the method will learn.
            options: of `LoRA`.
            seed: of its start.

        Raises:
            ArtifactError, RefusalError: weights that cannot be read, or are of another architecture; nothing to adapt.
        """
        decisions = [] if self.weights is None else [self._fill(network)]
        if self.lora is None:
            return network, decisions
        how = LoRA(**{"rank": self.lora, **options}, seed=seed)
        plan = how.decide(network)
        network = apply(network, how, plan)
        count = sum(each.down.numel() + each.up.numel() for each in adapters_of(network))
        beside = f"; learned as a whole: {', '.join(plan['learned'])}" if plan["learned"] else ""
        reason = f"{count:,} numbers; all other weights stay bitwise (arXiv:2106.09685){beside}"
        shown = f"rank {how.rank} beside {len(plan['modules'])} layers"
        return network, [*decisions, Decision("adapters", shown, reason, "--lora")]

    def begin(self, network: nn.Module, data: Dataset) -> tuple[Dataset, list[Callback], list[Decision]]:
        """Fill a network where `start` did not, freeze it; return the data as its weights want it, callbacks, decisions.

        Raises:
            ArtifactError, RefusalError: weights that cannot be read, or are of another architecture.
            OptionError: nothing of that name, or not so many parts.
        """
        decisions: list[Decision] = []
        if self.weights is not None:
            decisions += [] if self._filled else [self._fill(network)]
            data, more = standardized_as_published(data)
            decisions += more
        if self.freeze is None:
            return data, [], decisions
        names = chosen(network, self.freeze)
        reason = "asked for; their running statistics stay too"
        decisions.append(Decision("frozen", ", ".join(names) or "nothing", reason, "--freeze"))
        if self.unfreeze_every is None:
            freeze(network, self.freeze)
            return data, [], decisions
        reason = "from the head down (arXiv:1801.06146, section 3.3)"
        decisions.append(
            Decision("freed", f"one part every {self.unfreeze_every} epochs", reason, "--unfreeze-every")
        )
        return data, [Unfreezing(network, names, self.unfreeze_every)], decisions

    def _fill(self, network: nn.Module) -> Decision:
        found = self.translated
        table = getattr(getattr(network, "entry", network), "embed", None)
        if found.vocabulary and isinstance(table, nn.Embedding) and table.num_embeddings != found.vocabulary:
            raise RefusalError(
                "the texts were read with another tokenizer than that of the weights",
                expected=f"{found.vocabulary:,} tokens",
                received=f"{table.num_embeddings:,} tokens",
                fix=f"--set tokenizer={self.weights}: a folder with the tokenizer.json of these weights",
            )
        loaded = load_weights(network, found.state, found.network)
        self._filled = True
        fresh = f"; fresh: {', '.join(loaded.fresh)}" if loaded.fresh else ""
        shown = f"{len(loaded.taken)} from {self.read.origin}"
        return Decision("weights", shown, f"SHA-256 {self.read.sha256[:16]}{fresh}", "--weights")


def adapter_rank(lora: int | None, options: Mapping[str, Any]) -> int | None:
    """Return the rank of adapters: as given, or as an option `lora.` asks for them; None for none.

    >>> adapter_rank(None, {"dropout": "0.1"}), adapter_rank(4, {}), adapter_rank(None, {"lora.alpha": "32"})
    (None, 4, 8)
    """
    if lora is None and any(name.startswith("lora.") for name in options):
        return RANK
    return lora


def with_tokenizer(
    options: Mapping[str, Any], reader: Callable[..., Any], weights: str | Path | None
) -> dict[str, Any]:
    """Let a reader of texts take the tokenizer that lies beside published weights, where no other is asked for.

    Args:
        options: of the reader.
        reader: the function that reads the data.
        weights: a file, a folder or a hub id.
    """
    if weights is None or "tokenizer" in options or "tokenizer" not in parameters(reader):
        return dict(options)
    path = fetched(str(weights)) if is_hub_id(weights) else Path(weights)
    folder = path if path.is_dir() else path.parent
    if not has_tokenizer(folder) or not (folder / "config.json").is_file():
        return dict(options)
    return {**options, "tokenizer": str(weights if is_hub_id(weights) else folder)}


def standardized_as_published(data: Dataset) -> tuple[Dataset, list[Decision]]:
    """Return a dataset of colour images standardized by ImageNet's statistics, as published weights expect; others as
    they are."""
    preparation: Any = data.preparation
    if len(getattr(preparation, "mean", ())) != 3 or not getattr(preparation, "bytes", False):
        return data, []
    changed = copy.copy(data)
    changed.preparation = dataclasses.replace(preparation, mean=MEAN, scale=SCALE)
    for name, split in data.splits.items():
        again = copy.copy(split)
        again.finish = changed.preparation.finish()  # type: ignore[union-attr]
        setattr(changed, name, again)
    reason = "published weights were trained on images standardized so"
    return changed, [
        Decision("standardization", "ImageNet's mean and deviation", reason, "leave out --weights")
    ]
