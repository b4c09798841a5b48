"""Descent: from a loss to an update. The only place where it happens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import (
    NeurariumError,
    NotFiniteError,
    OptionError,
    RefusalError,
    ShapeError,
    unknown,
)
from neurarium.core.members import find
from neurarium.core.options import coerce, naming_options
from neurarium.data.dataset import Decision
from neurarium.training import distributed, finiteness, memory, precision, sharding
from neurarium.training.averaging import Average
from neurarium.training.context import Context
from neurarium.training.exchange import Exchange
from neurarium.training.fading import Fading
from neurarium.training.optimizers.building import (
    Optimizer,
    build_optimizers,
    filter_names,
    spared,
    sparse_names,
)
from neurarium.training.optimizers.rates import begins, rate_factors
from neurarium.training.optimizers.state import load_state
from neurarium.training.schedules import Plateau
from neurarium.training.schedules import schedule as make_schedule
from neurarium.training.statistics import statistics_held

LossFunction = Callable[[Any], Any]


@naming_options
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
        weight_decay: None for the optimizer's default; biases and norms are exempt, or what the networks say
            (`network.spared_parameters()`).
        optimizer_options: further options of the optimizer.
        rate_factors: multiples of the learning rate by the beginning of parameters' names (`{"head": 10, "body.0": 0.1}`;
            the longest that fits counts), or "own" for those that the networks say (`network.rate_factors()`).
        layer_decay: the learning rate of each part of a network is so many times that of the part above (see `freezing`).
        schedule: name of a learning-rate schedule; needs the number of steps, which `fit` gives.
        warmup: share of training with a rising rate.
        schedule_options: of the schedule.
        weight_decay_schedule, dropout_schedule: of weight decay and of dropout, by the same names (see `Fading`).
        weight_decay_schedule_options, dropout_schedule_options: of these.
        clip_norm: greatest Euclidean norm of the whole gradient.
        clip_value: greatest absolute value of each of its entries.
        accumulate: into how many micro-batches each batch is split.
        precision: "float32", or "bfloat16" / "float16" by autocast (float16 with a loss scaler).
        average: decay of an exponential moving average of the weights; None for none.
        regularizer: the name of one (`l1`, `elastic-net`, ...); it acts on all but biases and norms.
        regularizer_options: of that one.
        regularized: beginnings of the names of what regularizers act on (`("head",)`); empty for all but biases and norms.
        regularizers: objects with `penalty(named_parameters)` or `proximal_(named_parameters, learning_rate)`.
        guard: stop with a named source when the loss or a gradient is not finite, before the weights are touched.

    Raises:
        OptionError: an unknown optimizer, schedule or precision.
        NeurariumError: no parameter receives a gradient.

    >>> line = nn.Linear(1, 1)
    >>> descent = Descent(line, optimizer="sgd", learning_rate=0.1, optimizer_options={"momentum": 0.0})
    >>> x = torch.ones(4, 1)
    >>> for _ in range(100):
    ...     metrics = descent(lambda x: ((line(x) - 3).square().sum(), len(x)), x)
    >>> round(float(metrics["loss"]), 6)
    0.0
    """

    networks: tuple[nn.Module, ...]

    def __init__(
        self,
        *networks: nn.Module,
        optimizer: str | Callable[..., Optimizer] = "adamw",
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        optimizer_options: Mapping[str, Any] | None = None,
        rate_factors: Mapping[str, float] | Literal["own"] | None = None,
        layer_decay: float | None = None,
        schedule: str = "constant",
        warmup: float = 0.0,
        schedule_options: Mapping[str, Any] | None = None,
        weight_decay_schedule: str = "constant",
        weight_decay_schedule_options: Mapping[str, Any] | None = None,
        dropout_schedule: str = "constant",
        dropout_schedule_options: Mapping[str, Any] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        accumulate: int = 1,
        precision: Literal["float32", "bfloat16", "float16"] = "float32",
        average: float | None = None,
        regularizer: str | None = None,
        regularizer_options: Mapping[str, Any] | None = None,
        regularized: tuple[str, ...] = (),
        regularizers: Sequence[Any] = (),
        guard: bool = True,
    ):
        super().__init__()
        if accumulate < 1:
            raise OptionError(
                "gradients are accumulated over too few parts", expected="1 or more", received=accumulate
            )
        finiteness.require_numbers(
            learning_rate=learning_rate, weight_decay=weight_decay, warmup=warmup, clip_norm=clip_norm, clip_value=clip_value,
            average=average,
        )  # fmt: skip
        # hidden from nn.Module: the networks belong to the method, and would stand in its state twice
        self.__dict__["networks"] = tuple(networks)
        self.optimizer, self.learning_rate, self.weight_decay = optimizer, learning_rate, weight_decay
        self.optimizer_options = dict(optimizer_options or {})
        self.rate_factors, self.layer_decay = rate_factors, layer_decay
        self.schedule_name = schedule
        self.factor = make_schedule(schedule, warmup=warmup, options=dict(schedule_options or {}))
        self.plateau = Plateau(**(dict(schedule_options or {}) if schedule == "plateau" else {}))
        self.fading = Fading(
            weight_decay_schedule, dropout_schedule, weight_decay_schedule_options, dropout_schedule_options
        )
        self.clip_norm, self.clip_value, self.accumulate = clip_norm, clip_value, accumulate
        self.precision = precision
        self.average_decay = average
        self.regularizers, self.regularized = tuple(regularizers), tuple(regularized)
        if regularizer is not None:
            builder = find("regularizer", regularizer)
            values = coerce(builder, regularizer_options or {}, what=f"regularizer '{regularizer}'")
            self.regularizers += (builder(**values),)
        self.guard = guard
        self._prepare()

    def _prepare(self) -> None:
        """Set what `begin` fills in."""
        self.second_order = False  # `Method.begin` says so
        self.optimizers: list[Optimizer] = []
        self.updates = 0
        self.total: int | None = None
        self._decisions: list[Decision] = []
        self.average: Average | None = None
        self.sharded = False
        self.exchange: Exchange | None = None
        self._pending: dict[str, Any] | None = None
        self._others: list[Descent] = []

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

    def begin(self, context: Context | None = None, *, others: Sequence[Descent] = ()) -> None:
        """Build the optimizers for what the parameters are now: moved, sharded, or neither.

        Args:
            context: the number of steps, the device, whether to shard; `Method.begin` gives it.
            others: the method's other descents; their parameters get no gradient from this one's losses.

        Raises:
            RefusalError: nothing to train, or parts that do not go together.
        """
        if context is None and distributed.together():
            for network in self.networks:
                distributed.broadcast_state(network)
        context = context or Context()
        for network in self.networks:
            sharding.prepare(network, context)
        self.sharded = sharding.is_sharded(self.networks)
        named = self.named()
        if not named:
            raise RefusalError(
                f"nothing to train: no parameter of {self._told()} asks for gradients",
                fix="unfreeze some with requires_grad_(True)",
            )
        for start in self.regularized:
            if not any(begins(name, start) for name, _ in self.decayed()):
                raise unknown(
                    "beginning of a regularized weight's name", start, [n for n, _ in self.decayed()]
                )
        self._names, self.moved = [n for n, _ in named], [p for _, p in named]
        self.optimizers = build_optimizers(
            self.optimizer,
            named,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            options=self.optimizer_options,
            undecayed=self.undecayed(),
            sparse=self._sparse(named),
            filters=filter_names(self.networks, named),
            factors=rate_factors(self.rate_factors, self.networks, named, self.layer_decay),
        )
        self._rates = [[group["lr"] for group in each.param_groups] for each in self.optimizers]
        self.fading.begin(self.networks, self.optimizers)
        self._others = list(others)
        self._start(context)

    def _start(self, context: Context) -> None:
        """Set all that changes from step to step to its beginning, or to a state that was loaded before."""
        self.total, self.updates, self._decisions = context.steps, 0, context.decisions
        self.plateau.reset()
        self.device = self.moved[0].device
        self.scaler = precision.scaler(self.precision, self.device)
        self._reevaluates = any(
            getattr(each, "reevaluates", isinstance(each, torch.optim.LBFGS)) for each in self.optimizers
        )
        if self._reevaluates and self.scaler:
            raise RefusalError(
                "the loss scaler of float16 does not go with an optimizer that re-evaluates the loss",
                fix="use precision=bfloat16 or float32",
            )
        if self.sharded and any(isinstance(each, torch.optim.LBFGS) for each in self.optimizers):
            raise RefusalError(
                "lbfgs works on all parameters as one vector, which sharded ones are not",
                fix="take another optimizer, or train without --shard",
            )
        self.average = Average(self.moved, self.average_decay) if self.average_decay is not None else None
        if self.exchange is not None:
            self.exchange.close()
        self.exchange = Exchange(self.moved) if distributed.world() > 1 and not self.sharded else None
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self.set_extra_state(pending)

    def _told(self) -> str:
        return ", ".join(type(each).__name__ for each in self.networks)

    def _sparse(self, named: list[tuple[str, nn.Parameter]]) -> frozenset[str]:
        found = sparse_names(self.networks, named)
        if found and (
            self.clip_norm is not None or self.clip_value is not None or self.precision == "float16"
        ):
            raise RefusalError(
                f"the gradient of {', '.join(sorted(found)[:3])} is sparse: it can be neither clipped nor scaled",
                fix="leave out clip_norm, clip_value and float16, or build the embedding with sparse=False",
            )
        return found

    def undecayed(self) -> frozenset[str]:
        """Return the names of parameters that weight decay leaves alone: vectors, biases, norms."""
        return spared(self.networks, self.named())

    def decayed(self) -> list[tuple[str, nn.Parameter]]:
        """Return (name, parameter) of what weight decay and regularizers act on: all but biases and norms."""
        undecayed = self.undecayed()
        return [(name, parameter) for name, parameter in self.named() if name not in undecayed]

    def penalized(self) -> list[tuple[str, nn.Parameter]]:
        """Return (name, parameter) of what regularizers act on: of what decays, that which `regularized` names."""
        starts = self.regularized
        return [
            (name, parameter)
            for name, parameter in self.decayed()
            if not starts or any(begins(name, start) for start in starts)
        ]

    # ------------------------------------------------------------------------------------------------- stepping

    def forward(self, loss_function: LossFunction, batch: Any) -> dict[str, Tensor]:
        """Take one step; return `{"loss": mean, **metrics}`, detached."""
        if not self.optimizers:
            self.begin()
        self._set_rates()
        with self.fading.at(self._progress()):
            return self._stepped(loss_function, batch)

    def _stepped(self, loss_function: LossFunction, batch: Any) -> dict[str, Tensor]:
        if self._reevaluates:
            return self._reevaluating(loss_function, batch)
        metrics = self._gradients(loss_function, batch)
        if self.scaler is None or precision.unscaled(self.scaler, self.optimizers):
            self._clip(loss_function, batch)
            self._update()
        if self.scaler:
            self.scaler.update()
        return metrics

    def follow(self, gradients: Sequence[Tensor | None] | Mapping[str, Tensor], weight: float = 1.0) -> None:
        r"""Take one step along ready gradients: :math:`\sum_{ranks} weight \cdot gradient / \sum_{ranks} weight`.

        Args:
            gradients: in the order of `named()` (None where there is none), or by its names.
            weight: what this rank's gradients count for, where there are several ranks.

        Raises:
            RefusalError: sharded parameters, or an optimizer that re-evaluates the loss.
        """
        if not self.optimizers:
            self.begin()
        if self._reevaluates or self.sharded:
            why = "its optimizer re-evaluates the loss" if self._reevaluates else "its parameters are sharded"
            raise RefusalError(
                f"this descent cannot follow ready gradients: {why}", fix="give it a loss function"
            )
        self._set_rates()
        ordered = (
            [gradients.get(n) for n in self._names] if isinstance(gradients, Mapping) else list(gradients)
        )
        if len(ordered) != len(self.moved):
            raise ShapeError(
                "another number of gradients than parameters", expected=len(self.moved), received=len(ordered)
            )
        for parameter, gradient in zip(self.moved, ordered, strict=True):
            parameter.grad = gradient
        if self.exchange is not None:
            torch._foreach_mul_([each.grad for each in self.moved if each.grad is not None], float(weight))
            self.exchange.start()
            self._divide_by(self.exchange.finish(torch.tensor([weight], dtype=torch.float64))[0])
        self._clip()
        with self.fading.at(self._progress()):
            for optimizer in self.optimizers:
                optimizer.step()
        self._finish()

    def _gradients(self, loss_function: LossFunction, batch: Any) -> dict[str, Tensor]:
        """Fill the gradients of the mean loss over all micro-batches and ranks; halve the micro-batches that do not fit."""
        while True:
            for parameter in self.moved:
                parameter.grad = None
            try:
                metrics = self._backward(loss_function, batch)
                break
            except Exception as error:
                self.accumulate = memory.finer(error, self.accumulate, batch)
                self._decisions.append(
                    Decision(
                        "micro-batches",
                        self.accumulate,
                        "a batch did not fit into memory",
                        "--set accumulate=",
                    )
                )
        if self.guard and not finiteness.is_number(metrics["loss"]):
            raise self.not_finite(loss_function, batch, "loss")
        looks = self.guard and self.clip_norm is None and self.scaler is None and not self.sharded
        if looks and not finiteness.finite_gradients(self.moved):  # a clip and a scaler look at them anyway
            raise self.not_finite(loss_function, batch, "gradient")
        return metrics

    def _backward(self, loss_function: LossFunction, batch: Any) -> dict[str, Tensor]:
        if self.accumulate == 1 and self.exchange is None and not self.sharded:
            total, weight, metrics = self._evaluate(loss_function, batch)
            loss = total.detach() / weight
            self._back(
                total, _inverse(weight, total)
            )  # a division in the graph would be one more step forward and back
        else:
            with self._others_held() if self.sharded else contextlib.nullcontext():
                loss, metrics = self._accumulated(loss_function, batch)
        if all(parameter.grad is None for parameter in self.moved):
            raise self._unreached()
        return {"loss": loss, **{key: value.detach() for key, value in metrics.items()}}

    def _accumulated(self, loss_function: LossFunction, batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """Add up the gradients of sums over micro-batches and ranks, and divide once; return the mean loss, metrics."""
        parts = batches.split(batch, self.accumulate)
        present = [True] * len(parts)
        if distributed.together():  # networks may communicate: all ranks evaluate equally often
            parts, present = distributed.filled(parts, self.accumulate)
        totals: list[tuple[Tensor, Any]] = []
        gathered: dict[str, Tensor] = {}
        for number, (part, there) in enumerate(zip(parts, present, strict=True)):
            with contextlib.nullcontext() if there else distributed.absent():
                total, weight, metrics = self._evaluate(loss_function, part)
                total, weight = (total, weight) if there else (total * 0, 0)
                totals.append((total.detach(), weight))
                if self.exchange is not None and number == len(parts) - 1:
                    self.exchange.start()
                self._back(
                    total * distributed.world() if self.sharded else total
                )  # FSDP2 averages over ranks
            for key, value in metrics.items():
                gathered[key] = gathered.get(key, 0.0) + value.detach() / len(parts)
        return self._divide(totals), gathered

    def _evaluate(self, loss_function: LossFunction, part: Any) -> tuple[Tensor, Any, dict[str, Tensor]]:
        with precision.autocast(self.precision, self.device, twice=self.second_order):
            total, weight, metrics = _unpack(loss_function(part))
            for regularizer in self.regularizers:
                if hasattr(regularizer, "penalty") and getattr(regularizer, "how", "penalty") == "penalty":
                    total = total + regularizer.penalty(self.penalized()) * weight
        return total.float() if total.dtype in (torch.float16, torch.bfloat16) else total, weight, metrics

    def _back(self, target: Tensor, factor: Tensor | None = None) -> None:
        """Run backward, times a factor, so that only this descent's parameters receive gradients."""
        if not target.requires_grad:
            raise self._unreached()
        if self.scaler:
            target = self.scaler.scale(target)
        if self.sharded:  # FSDP2 leaves gradients None where inputs= is given
            target.backward(factor)
        else:
            target.backward(factor, inputs=[each for each in self.moved if each.requires_grad])

    @contextlib.contextmanager
    def _others_held(self) -> Iterator[None]:
        """Keep gradients out of the other descents' parameters where `inputs=` cannot."""
        own = {id(each) for each in self.moved}
        held = [p for other in self._others for p in other.moved if p.requires_grad and id(p) not in own]
        for each in held:
            each.requires_grad_(False)
        try:
            yield
        finally:
            for each in held:
                each.requires_grad_(True)

    def _unreached(self) -> NeurariumError:
        return NeurariumError(
            f"no parameter received a gradient: the loss does not depend on the networks of this descent ({self._told()})"
        )

    def _divide(self, totals: list[tuple[Tensor, Any]]) -> Tensor:
        """Divide the summed gradients once by the weight over all micro-batches and ranks; return the mean loss."""
        kind = torch.float32 if self.device.type == "mps" else torch.float64
        weights = [torch.as_tensor(weight, dtype=kind, device=self.device).detach() for _, weight in totals]
        losses = [total.to(kind) for total, _ in totals]
        sums = torch.stack([torch.stack(weights).sum(), torch.stack(losses).sum()])
        if self.exchange is not None:
            sums = self.exchange.finish(sums)
        elif self.sharded:
            sums = distributed.total(sums)
        self._divide_by(sums[0])
        return (sums[1] / sums[0]).to(totals[0][0].dtype)

    def _divide_by(self, weight: Tensor) -> None:
        torch._foreach_div_([each.grad for each in self.moved if each.grad is not None], float(weight))

    def _reevaluating(self, loss_function: LossFunction, batch: Any) -> dict[str, Tensor]:
        """Step optimizers that evaluate the loss several times: one function for all of them, statistics moved once."""
        held: dict[str, Any] = {}
        chance = precision.random_state(self.device)

        def closure() -> Tensor:
            precision.set_random_state(chance, self.device)
            with (
                torch.enable_grad(),
                contextlib.nullcontext() if not held else statistics_held(self.networks),
            ):
                metrics = self._gradients(loss_function, batch)
            self._clip(loss_function, batch)
            held.setdefault("metrics", metrics)
            return metrics["loss"]

        for optimizer in self.optimizers:
            optimizer.step(closure)  # type: ignore[arg-type]
        self._finish()
        return held["metrics"]

    def _clip(self, loss_function: LossFunction | None = None, batch: Any = None) -> None:
        if self.clip_norm is None and self.clip_value is None:
            return
        if self.clip_value is not None:
            nn.utils.clip_grad_value_(self.moved, self.clip_value)
        if self.clip_norm is not None:
            norm = nn.utils.clip_grad_norm_(self.moved, self.clip_norm)
            norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
            if self.guard and not finiteness.is_number(norm):
                raise self.not_finite(loss_function, batch, "gradient")

    def _update(self) -> None:
        if self.guard:
            finiteness.require_rates(self._groups(), step=self.updates)
        for optimizer in self.optimizers:
            optimizer.step()
        self._finish()

    def _finish(self) -> None:
        """What follows each step that was taken."""
        self.updates += 1
        for regularizer in self.regularizers:
            if getattr(regularizer, "how", "penalty") == "proximal":
                for group in self._groups():
                    names = {id(parameter) for parameter in group["params"]}
                    moved = [(name, p) for name, p in self.penalized() if id(p) in names]
                    regularizer.proximal_(moved, group["lr"])
        if self.average is not None:
            self.average.update()

    # ------------------------------------------------------------------------------------------------- the rate

    @property
    def rate(self) -> float:
        """The common learning rate, which rate_factors multiply."""
        group = next(self._groups(), None)
        return float("nan") if group is None else group["lr"] / group.get("rate_factor", 1.0)

    def _progress(self) -> float:
        """The share of training that is done in the middle of this step; 0 where its end is not known."""
        return min((self.updates + 0.5) / self.total, 1.0) if self.total else 0.0

    def _groups(self) -> Iterator[dict[str, Any]]:
        return (group for optimizer in self.optimizers for group in optimizer.param_groups)

    def _set_rates(self) -> None:
        if self.schedule_name == "constant" and self.updates:
            return
        progress = self._progress()
        moving = {self.schedule_name, *self.fading.names} - {"constant", "plateau"}
        if moving and not self.total:
            raise OptionError(
                f"schedule '{min(moving)}' needs the number of steps", fix="give epochs or steps"
            )
        factor = self.factor(progress) * self.plateau.reached
        for optimizer, rates in zip(self.optimizers, self._rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor

    def observe(self, score: float, *, better: str = "min") -> None:
        """Tell the descent a validation score; the plateau schedule lowers the rate when it stops improving."""
        if self.schedule_name == "plateau":
            self.plateau.observe(score, better)

    # ----------------------------------------------------------------------------------------- state and failure

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Work with the averaged weights, where an average is kept."""
        with self.average.applied() if self.average is not None else contextlib.nullcontext():
            yield

    def not_finite(self, loss_function: LossFunction | None, batch: Any, what: str) -> Exception:
        names = {
            f"network {number}" if number else "network": each for number, each in enumerate(self.networks)
        }
        if self.sharded:  # looking into layers would ask the other ranks for their parts
            names, loss_function = {}, None
        error = finiteness.explain(names, loss_function, batch, step=self.updates, what=what)
        named = dict(zip(self._names, self.moved, strict=True))
        held = "the weights" in error.problem and finiteness.bad_memory(self.optimizers, named)
        return NotFiniteError(f"{error.problem}; {held}", fix=error.fix) if held else error

    def get_extra_state(self) -> dict[str, Any]:
        if not self.optimizers:
            return self._pending or {}
        return {
            "updates": self.updates,
            "accumulate": self.accumulate,
            "plateau": self.plateau.state_dict(),
            "optimizers": [sharding.whole(each.state_dict()) for each in self.optimizers],
            "scaler": self.scaler.state_dict() if self.scaler else None,
            "average": None
            if self.average is None
            else {"updates": self.average.updates, "values": sharding.whole(self.average.values)},
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        if not self.optimizers or not state:  # an empty state is that of a descent that had not begun
            self._pending = state or None
            return
        self.updates, self.accumulate = state["updates"], state["accumulate"]
        self.plateau.load_state_dict(state["plateau"])
        for optimizer, held in zip(self.optimizers, state["optimizers"], strict=True):
            load_state(optimizer, sharding.spread(held, optimizer))
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


def _inverse(weight: Any, like: Tensor) -> Tensor:
    """Return 1 / weight in the type and shape of a loss."""
    if isinstance(weight, int | float) and weight:
        return like.new_full(like.shape, 1 / weight)
    return (1 / torch.as_tensor(weight, dtype=like.dtype, device=like.device).detach()).expand_as(like)
