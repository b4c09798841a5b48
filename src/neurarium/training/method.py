"""Method: how a network learns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import RefusalError
from neurarium.data.sources.minibatches import Minibatches
from neurarium.data.sources.source import Source
from neurarium.data.sources.token_batches import token_batches
from neurarium.data.token_windows import TokenWindows
from neurarium.training import distributed, sharding
from neurarium.training.context import Context
from neurarium.training.descent import Descent

ADAPTED = 4096  # training examples that a network takes constants from


class Evaluation(NamedTuple):
    """What metrics are computed from.

    Args:
        predictions: probabilities `(batch, classes)`, or quantities in the units of the data; None where there is
            a loss alone to measure.
        targets: in the same terms.
        weights: `(batch,)` or None.
        loss: (sum, weight) of the batch, or None.
    """

    predictions: Any
    targets: Any
    weights: Tensor | None = None
    loss: tuple[Tensor, Any] | None = None


class Method(nn.Module):
    """The root of all ways of learning.

    A method holds networks in roles (attributes: `network`, `generator`, `critic`), owns its losses, and makes updates
    only through its descents. To write one: set the networks and descents in `__init__`, define `step(batch)`; define
    `evaluate(batch)` where there is something to measure. All its state is in its one `state_dict()`.

    Class attributes:
        deployed_role: the attribute that is exported, compressed, explained, saved as weights.
        second_order: it differentiates twice; compiled and sharded networks are refused by name.
        shardable: its parameters may be sharded over ranks.
    """

    deployed_role: ClassVar[str] = "network"
    second_order: ClassVar[bool] = False
    shardable: ClassVar[bool] = True

    @property
    def deployed(self) -> nn.Module:
        """The network that is used after training."""
        return getattr(self, self.deployed_role)

    def measured_at_once(self, learned_at_once: int | None = None) -> int:
        """Return how many examples are measured in one batch: fewer where a network answers for every pixel or token.

        Args:
            learned_at_once: the batch size of the training; no smaller one is measured.
        """
        targets = getattr(self, "targets", None)
        if (
            getattr(targets, "kind", "") == "language"
        ):  # a number for every token of the vocabulary at every place
            return max(1, 2**24 // (targets.length * targets.vocabulary))  # type: ignore[union-attr]
        held = getattr(getattr(self, self.deployed_role, None), "at_once", None)
        if held is not None:  # recordings become far more numbers inside a network than they have
            return max(learned_at_once or 0, held)
        if getattr(targets, "kind", "") in ("segmentation", "detection"):
            return max(1, 2**20 // (targets.height * targets.width))  # type: ignore[union-attr]
        if (
            getattr(targets, "kind", "") == "text"
        ):  # a probability for every token of the vocabulary at every place
            return max(1, 2**26 // (targets.length * targets.vocabulary))  # type: ignore[union-attr]
        return max(learned_at_once or 0, 1024)

    def descents(self) -> list[Descent]:
        """Return the descents, in the order of their definition."""
        return [module for module in self.modules() if isinstance(module, Descent)]

    def networks(self) -> Iterator[tuple[str, nn.Module]]:
        """Yield (role, network) of each child that is no descent."""
        for role, module in self.named_children():
            if not isinstance(module, Descent):
                yield role, module

    def source(self, examples: Any, *, batch_size: int, seed: int, **options: Any) -> Source:
        """Return the source that feeds `step` from a split: minibatches, or windows of a text, unless a method says otherwise."""
        if isinstance(examples, TokenWindows):
            return token_batches(examples, batch_size, seed, options)
        return Minibatches(examples, batch_size, seed=seed, **options)

    def begin(self, context: Context) -> None:
        """Prepare for training: called once by `fit`, after the networks are on their device.

        Raises:
            RefusalError: sharding was asked for and this method cannot have it.
        """
        descents = self.descents()
        if context.shard and (self.second_order or not self.shardable or not descents):
            raise RefusalError(
                f"{type(self).__name__} cannot train sharded parameters",
                expected="a first-order method that descends",
                fix="train without --shard",
            )
        self._adapt(context)
        if distributed.together() and not sharding.is_sharded([self]):
            distributed.broadcast_state(self)
        for descent in descents if context.training else ():
            descent.second_order = self.second_order
            descent.begin(context, others=[each for each in descents if each is not descent])

    def _adapt(self, context: Context) -> None:
        """Let networks that take constants from data (`adapt_to(inputs)`: thresholds, scales) see training inputs, once."""
        networks: list[Any] = [module for module in self.modules() if hasattr(module, "adapt_to")]
        if networks and context.train is not None:
            some = context.train.take(slice(0, min(len(context.train), ADAPTED)))["inputs"]
            for network in networks:
                network.adapt_to(batches.to(some, context.device))

    def step(self, batch: Any) -> dict[str, Tensor]:
        """Learn from one batch; return detached metrics."""
        raise RefusalError(f"{type(self).__name__} does not say how it learns", fix="define step(batch)")

    def predict(self, inputs: Any) -> Any:
        """Return the deployed network's outputs for prepared inputs."""
        return self.deployed(inputs)

    def evaluate(self, batch: Any) -> Evaluation | None:
        """Return what metrics are computed from, or None where a batch has nothing to measure."""
        return None
