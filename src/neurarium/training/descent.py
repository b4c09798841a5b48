"""Descent: from a loss to an update. The only place where it happens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import NeurariumError, OptionError
from neurarium.training import distributed, finiteness, memory, precision, sharding
from neurarium.training.averaging import Average
from neurarium.training.context import Context
from neurarium.training.exchange import Exchange
from neurarium.training.optimizers.building import Optimizer, build_optimizers
from neurarium.training.schedules import schedule as make_schedule

LossFunction = Callable[[Any], Any]


class Descent(nn.Module):
    r"""Take gradient steps on the parameters of some networks.

    `descent(loss_function, batch)` evaluates `loss_function(batch) -> (sum, weight)` or `(sum, weight, metrics)` (a bare
    scalar counts as one of weight 1), and takes one step along

    .. math:: \nabla \; \frac{\sum_{ranks} \sum_{micro-batches} sum}{\sum_{ranks} \sum_{micro-batches} weight}

    so that masks, sample weights and short last batches come out right however the batch is split. Only its own
    parameters receive gradients. A step that is skipped (fp16 overflow) advances neither schedule nor average.

    Args:
        networks: modules whose trainable parameters are moved.
        optimizer: a name (`adamw`, `muon`, `lbfgs`, `sam`, ...) or a partial of a torch optimizer.
        learning_rate: None for the optimizer's usual one.
        weight_decay: None for the optimizer's default; biases and norms are exempt.
        optimizer_options: further options of the optimizer.
        schedule: name of a learning-rate schedule; needs the number of steps, which `fit` gives.
        warmup: share of training with a rising rate.
        schedule_options: of the schedule.
        clip_norm: greatest Euclidean norm of the whole gradient.
        clip_value: greatest absolute value of each of its entries.
        accumulate: into how many micro-batches each batch is split.
        precision: "float32", or "bfloat16" / "float16" by autocast (float16 with a loss scaler).
        average: decay of an exponential moving average of the weights; None for none.
        regularizers: objects with `penalty(named_parameters)` or `proximal_(named_parameters, learning_rate)`.
        guard: stop with a named source when the loss is not finite.

    Raises:
        OptionError: an unknown optimizer, schedule or precision.
        NeurariumError: no parameter receives a gradient.

    >>> line = nn.Linear(1, 1)
    >>> descent = Descent(line, optimizer="sgd", learning_rate=0.1)
    >>> x = torch.ones(4, 1)
    >>> for _ in range(100):
    ...     metrics = descent(lambda x: ((line(x) - 3).square().sum(), len(x)), x)
    >>> round(float(metrics["loss"]), 6)
    0.0
    """

    def __init__(
        self,
        *networks: nn.Module,
        optimizer: str | Callable[..., Optimizer] = "adamw",
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        optimizer_options: Mapping[str, Any] | None = None,
        schedule: str = "constant",
        warmup: float = 0.0,
        schedule_options: Mapping[str, Any] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulate: int = 1,
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        average: float | None = None,
        regularizers: Sequence[Any] = (),
        guard: bool = True,
    ):
        super().__init__()
        if accumulate < 1:
            raise OptionError("gradients are accumulated over too few parts", expected="1 or more", received=accumulate)
        # hidden from nn.Module: the networks belong to the method, and would stand in its state twice
        self.__dict__["networks"] = tuple(networks)
        self.optimizer, self.learning_rate, self.weight_decay = optimizer, learning_rate, weight_decay
        self.optimizer_options = dict(optimizer_options or {})
        self.schedule_name = schedule
        self.factor = make_schedule(schedule, warmup=warmup, options=dict(schedule_options or {}))
        self.clip_norm, self.clip_value, self.accumulate = clip_norm, clip_value, accumulate
        self.precision = precision
        self.average_decay = average
        self.regularizers = tuple(regularizers)
        self.guard = guard
        self.optimizers: list[Optimizer] = []
        self.updates, self.total, self.plateau_factor = 0, None, 1.0
        self.average: Average | None = None
        self.sharded = False
        self.exchange: Exchange | None = None
        self._pending: dict[str, Any] | None = None
        self._foreign: list[nn.Parameter] = []
        self._plateau: dict[str, Any] = {"best": None, "waited": 0}

    # ------------------------------------------------------------------------------------------------ beginning

    def named(self) -> list[tuple[str, nn.Parameter]]:
        """Return (name, parameter) of all trainable parameters, each once."""
        found: dict[int, tuple[str, nn.Parameter]] = {}
        for number, network in enumerate(self.networks):
            prefix = f"{number}." if len(self.networks) > 1 else ""
            for name, parameter in network.named_parameters():
                if parameter.requires_grad:
                    found.setdefault(id(parameter), (prefix + name, parameter))
        return list(found.values())

    def begin(self, context: Context | None = None, *, foreign: Sequence[nn.Parameter] = ()) -> None:
        """Build the optimizers for what the parameters are now: moved, sharded, or neither.

        Args:
            context: the number of steps, the device, whether to shard.
            foreign: parameters of the method's other descents.
        """
        context = context or Context()
        self.total = context.steps
        if distributed.together():
            for network in self.networks:
                sharding.prepare(network, context)
        self.sharded = sharding.is_sharded(self.networks)
        named = self.named()
        self._names, self.moved = [n for n, _ in named], [p for _, p in named]
        self.optimizers = build_optimizers(
            self.optimizer,
            named,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            options=self.optimizer_options,
            undecayed=self.undecayed(),
        )
        self._rates = [[group["lr"] for group in each.param_groups] for each in self.optimizers]
        self._rate = self._rates[0][0]
        own = {id(each) for each in self.moved}
        self._foreign = [each for each in foreign if id(each) not in own]
        self.device = self.moved[0].device if self.moved else context.device
        self.scaler = precision.scaler(self.precision, self.device)
        self.average = Average(self.moved, self.average_decay) if self.average_decay is not None else None
        self.exchange = None
        if distributed.together() and not self.sharded and distributed.world() > 1:
            self.exchange = Exchange(self.moved)
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self.set_extra_state(pending)

    def undecayed(self) -> frozenset[str]:
        """Return the names of parameters that weight decay leaves alone: vectors, biases, norms."""
        return frozenset(name for name, parameter in self.named() if parameter.ndim < 2)

    # ------------------------------------------------------------------------------------------------- stepping

    def forward(self, loss_function: LossFunction, batch: Any) -> dict[str, Tensor]:
        """Take one step; return `{"loss": mean, **metrics}`, detached."""
        if not self.optimizers:
            self.begin()
        self._set_rates()
        if any(getattr(each, "reevaluates", isinstance(each, torch.optim.LBFGS)) for each in self.optimizers):
            return self._reevaluating(loss_function, batch)
        metrics = self._gradients(loss_function, batch)
        self._update()
        return metrics

    def follow(self, gradients: Sequence[Tensor | None] | Mapping[str, Tensor]) -> None:
        """Take one step along ready gradients, in the order (or by the names) of `named()`."""
        if not self.optimizers:
            self.begin()
        self._set_rates()
        ordered = [gradients.get(n) for n in self._names] if isinstance(gradients, Mapping) else list(gradients)
        if len(ordered) != len(self.moved):
            raise NeurariumError(f"{len(self.moved)} gradients expected, {len(ordered)} received")
        for parameter, gradient in zip(self.moved, ordered, strict=True):
            parameter.grad = gradient
        self._clip()
        self._update()

    def _gradients(self, loss_function: LossFunction, batch: Any) -> dict[str, Tensor]:
        """Fill the gradients of the mean loss over all micro-batches and ranks; halve the micro-batches that do not fit."""
        while True:
            parts = batches.split(batch, self.accumulate) if self.accumulate > 1 else [batch]
            for parameter in self.moved:
                parameter.grad = None
            try:
                metrics = self._backward(loss_function, parts)
                break
            except Exception as error:
                self.accumulate = memory.finer(error, self.accumulate, batch)
        if self.guard and not _is_finite(metrics["loss"]):
            raise self.not_finite(loss_function, batch, "loss")
        self._clip(loss_function, batch)
        return metrics

    def _backward(self, loss_function: LossFunction, parts: list[Any]) -> dict[str, Tensor]:
        alone = len(parts) == 1 and self.exchange is None and not self.sharded
        totals: list[tuple[Tensor, Any]] = []
        gathered: dict[str, Tensor] = {}
        for number, part in enumerate(parts):
            with precision.autocast(self.precision, self.device):
                total, weight, metrics = _unpack(loss_function(part))
                for regularizer in self.regularizers:
                    if hasattr(regularizer, "penalty") and getattr(regularizer, "how", "penalty") == "penalty":
                        total = total + regularizer.penalty(self.named()) * weight
            totals.append((total.detach(), weight))
            if self.exchange is not None and number == len(parts) - 1:
                self.exchange.start()
            target = total / weight if alone else (total * distributed.world() if self.sharded else total)
            self._back(self.scaler.scale(target) if self.scaler else target)
            for key, value in metrics.items():
                gathered[key] = value.detach() if key not in gathered else gathered[key] + value.detach()
        if alone:
            loss = target.detach()
        else:
            loss = self._divide(totals)
        if all(parameter.grad is None for parameter in self.moved):
            raise NeurariumError(
                "no parameter received a gradient: the loss does not depend on the networks of this descent "
                f"({', '.join(type(each).__name__ for each in self.networks)})"
            )
        count = len(parts)
        return {"loss": loss, **{key: value / count if count > 1 else value for key, value in gathered.items()}}

    def _back(self, target: Tensor) -> None:
        """Run backward so that only this descent's parameters receive gradients."""
        if not self.sharded:
            target.backward(inputs=[each for each in self.moved if each.requires_grad])
            return
        # FSDP2 leaves gradients None where inputs= is given: turn the foreign parameters off instead
        held = [each for each in self._foreign if each.requires_grad]
        for each in held:
            each.requires_grad_(False)
        try:
            target.backward()
        finally:
            for each in held:
                each.requires_grad_(True)

    def _divide(self, totals: list[tuple[Tensor, Any]]) -> Tensor:
        """Divide the summed gradients once by the weight over all micro-batches and ranks; return the mean loss."""
        own = sum(torch.as_tensor(weight, dtype=torch.float64, device=self.device).detach() for _, weight in totals)
        loss = torch.stack([total.to(torch.float64) for total, _ in totals]).sum()
        if self.exchange is not None:
            weight = self.exchange.finish(own)  # type: ignore[arg-type]
        else:
            weight = distributed.total(own) if self.sharded else own  # type: ignore[arg-type]
        if self.exchange is not None or self.sharded:
            loss = distributed.total(loss)
        gradients = [each.grad for each in self.moved if each.grad is not None]
        torch._foreach_div_(gradients, float(weight))
        return (loss / weight).to(torch.float32)

    def _reevaluating(self, loss_function: LossFunction, batch: Any) -> dict[str, Tensor]:
        """Step optimizers that evaluate the loss several times: one function for all of them, statistics moved once."""
        held: dict[str, Any] = {}
        chance = precision.random_state(self.device)

        def closure() -> Tensor:
            precision.set_random_state(chance, self.device)
            with contextlib.nullcontext() if not held else _statistics_held(self.networks):
                metrics = self._gradients(loss_function, batch)
            held.setdefault("metrics", metrics)
            return metrics["loss"]

        for optimizer in self.optimizers:
            optimizer.step(closure)  # type: ignore[arg-type]
        self._finish()
        return held["metrics"]

    def _clip(self, loss_function: LossFunction | None = None, batch: Any = None) -> None:
        if self.clip_norm is None and self.clip_value is None:
            return
        if self.scaler:
            for optimizer in self.optimizers:
                self.scaler.unscale_(optimizer)
        if self.clip_value is not None:
            nn.utils.clip_grad_value_(self.moved, self.clip_value)
        if self.clip_norm is not None:
            norm = nn.utils.clip_grad_norm_(self.moved, self.clip_norm)
            norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
            if self.guard and not self.scaler and not _is_finite(norm):
                raise self.not_finite(loss_function, batch, "gradient")

    def _update(self) -> None:
        if self.scaler is None:
            for optimizer in self.optimizers:
                optimizer.step()
        elif not precision.scaled_step(self.scaler, self.optimizers):
            return
        self._finish()

    def _finish(self) -> None:
        """What follows each step that was taken."""
        self.updates += 1
        for regularizer in self.regularizers:
            if getattr(regularizer, "how", "penalty") == "proximal":
                regularizer.proximal_(self.named(), self.rate)
        if self.average is not None:
            self.average.update()

    # ------------------------------------------------------------------------------------------------- the rate

    @property
    def rate(self) -> float:
        """The learning rate of the first group."""
        return self.optimizers[0].param_groups[0]["lr"] if self.optimizers else float("nan")

    def _set_rates(self) -> None:
        if self.schedule_name == "constant" and self.plateau_factor == 1.0 and self.updates:
            return
        progress = min((self.updates + 0.5) / self.total, 1.0) if self.total else 0.0
        if self.schedule_name not in ("constant", "plateau") and not self.total:
            raise OptionError(f"schedule '{self.schedule_name}' needs the number of steps", fix="give epochs or steps")
        factor = self.factor(progress) * self.plateau_factor
        for optimizer, rates in zip(self.optimizers, self._rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor

    def observe(self, score: float, *, better: Literal["min", "max"] = "min", patience: int = 5, factor: float = 0.3) -> None:
        """Tell the descent a validation score; the plateau schedule lowers the rate when it stops improving."""
        if self.schedule_name != "plateau":
            return
        best = self._plateau["best"]
        if best is None or (score < best if better == "min" else score > best):
            self._plateau = {"best": score, "waited": 0}
            return
        self._plateau["waited"] += 1
        if self._plateau["waited"] > patience:
            self._plateau["waited"] = 0
            self.plateau_factor *= factor

    # ----------------------------------------------------------------------------------------- state and failure

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Work with the averaged weights, where an average is kept."""
        with self.average.applied() if self.average is not None else contextlib.nullcontext():
            yield

    def not_finite(self, loss_function: LossFunction | None, batch: Any, what: str) -> Exception:
        names = {f"network {number}" if number else "network": each for number, each in enumerate(self.networks)}
        return finiteness.explain(names, loss_function, batch, step=self.updates, what=what)

    def get_extra_state(self) -> dict[str, Any]:
        if self._pending is not None:
            return self._pending
        return {
            "updates": self.updates,
            "accumulate": self.accumulate,
            "plateau": {**self._plateau, "factor": self.plateau_factor},
            "optimizers": [sharding.whole(each.state_dict()) for each in self.optimizers],
            "scaler": self.scaler.state_dict() if self.optimizers and self.scaler else None,
            "average": None
            if self.average is None
            else {"updates": self.average.updates, "values": sharding.whole(self.average.values)},
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        if not self.optimizers:
            self._pending = state
            return
        self.updates, self.accumulate = state["updates"], state["accumulate"]
        self._plateau = {key: state["plateau"][key] for key in ("best", "waited")}
        self.plateau_factor = state["plateau"]["factor"]
        for optimizer, held in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(sharding.spread(held, optimizer))
        if self.scaler and state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
        if self.average is not None and state["average"]:
            self.average.updates = state["average"]["updates"]
            for mine, value in zip(self.average.values, state["average"]["values"], strict=True):
                sharding.fill(mine, value)


def _unpack(result: Any) -> tuple[Tensor, Any, dict[str, Tensor]]:
    if isinstance(result, Tensor):
        return result, 1, {}
    if len(result) == 2:
        return result[0], result[1], {}
    return result[0], result[1], result[2]


def _is_finite(value: Tensor) -> bool:
    return value.item() - value.item() == 0


@contextlib.contextmanager
def _statistics_held(networks: Sequence[nn.Module]) -> Iterator[None]:
    """Keep running statistics as they are while a loss is evaluated again."""
    norms = [
        module
        for network in networks
        for module in network.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
    ]
    for module in norms:
        module.track_running_stats = False
    try:
        yield
    finally:
        for module in norms:
            module.track_running_stats = True
