"""Construction: from what was asked for to a method that can be trained, every choice with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from neurarium.core.errors import OptionError
from neurarium.core.members import find
from neurarium.core.options import parameters, require_sizes
from neurarium.core.seeds import derive, seed_everything
from neurarium.data.augmentation.choice import Choice
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.specs import Horizon, Quantity, Spec
from neurarium.initializers.initialization import initialize
from neurarium.losses.choice import loss_for
from neurarium.networks.choice import default, network_for
from neurarium.networks.ensemble import Ensemble
from neurarium.networks.sizing import combination_for
from neurarium.networks.usual import member_for
from neurarium.studies.planning.assignment import Assignment, asks_for_steps, assign, owners_of, values
from neurarium.studies.planning.defaults import settle, settle_closed_form
from neurarium.studies.planning.machine import computed
from neurarium.studies.planning.owners import METHODS, usual_method
from neurarium.studies.planning.recipes import usual_loss, usual_options
from neurarium.studies.planning.season import slow_season
from neurarium.studies.planning.starting_point import network_of, warm_start
from neurarium.studies.planning.transfer import Transfer
from neurarium.training.descent import Descent
from neurarium.training.method import Method
from neurarium.training.run import Run
from neurarium.transforms.adapters import LoRA


class Chosen:
    """What was asked for, settled: the network, the method, and which of them takes which option."""

    def __init__(self, name: str, network: nn.Module | None, method: str | Method, assigned: Assignment):
        self.name, self.network, self.method, self.assigned = name, network, method, assigned
        self.decisions: list[Decision] = list(assigned.decisions)
        self.transfer: Transfer = Transfer()


def choose(
    data: Dataset,
    network: str | nn.Module | None,
    method: str | Method | None,
    options: Mapping[str, Any],
    precision: str | None,
    start: Run | None,
    reader: Callable[..., Dataset] | None,
    augment: Any = None,
    lora: int | None = None,
) -> Chosen:
    """Settle what was asked for: names and reasons where nothing was said, and to whom each option belongs."""
    if isinstance(method, Method):
        if options or network is not None or lora is not None:
            raise OptionError(
                "a method that is built already takes neither a network nor options", received=dict(options)
            )
        return Chosen("", None, method, Assignment({}, []))
    built = network if isinstance(network, nn.Module) else None
    inherited: dict[str, Any] = {}
    if isinstance(network, str):
        name, inherited, reason = member_for(network, data.inputs, data.targets)
    elif built is not None:
        name, reason = "", "built by the caller"
    elif start is not None:
        name, inherited = network_of(start)
        reason = f"the network of {start.folder or 'the run'}"
    else:
        descends = asks_for_steps(options, precision, method)
        name, reason = default(data.inputs, data.targets, descends=descends)
    asked = {**({"descent.precision": precision} if precision else {}), **options}
    owners = owners_of(name or None, method)
    if isinstance(augment, str):
        owners["augment"] = Choice(augment)  # type: ignore[assignment]
    if lora is not None:
        owners["lora"] = LoRA
    assigned = assign(asked, owners if reader is None else {**owners, "reader": reader})
    if name:
        assigned.options["network"] = {**inherited, **assigned.options["network"]}
    usual = usual_method(name or None, type(data.targets).__name__)
    chosen = Chosen(name, built, method or usual, assigned)
    chosen.decisions.insert(0, Decision("network", name or type(built).__name__, reason, "--network"))
    if method is None and usual == "truncated-backpropagation":
        reason = "a recurrent network reads on from batch to batch, and remembers"
        chosen.decisions.insert(1, Decision("method", usual, reason, "--method supervised"))
    if method is None and name in METHODS:
        chosen.decisions.insert(1, Decision("method", usual, METHODS[name][1], "--method supervised"))
    return chosen


def build(
    data: Dataset, chosen: Chosen, given: dict[str, Any], seed: int, start: Run | None, ensemble: int = 1
) -> tuple[Method, dict[str, Any], list[Decision]]:
    """Build the method that was chosen; return it, the arguments of `fit`, and the decisions."""
    decisions = chosen.decisions
    if isinstance(chosen.method, Method):
        return chosen.method, {name: value for name, value in given.items() if value is not None}, decisions
    assigned = chosen.assigned
    seed_everything(derive(seed, "network"))
    network = chosen.network
    if network is None:
        network = _network(data, chosen, ensemble)
    elif ensemble != 1:
        raise OptionError(
            "an ensemble is built by name", fix="give network= a name, or an Ensemble of your networks"
        )
    decisions += [] if assigned["initialization"] else _started(network, data)
    _initialize(network, data, assigned["initialization"], seed)
    if start is not None:
        decisions.append(warm_start(network, start))
    adapting = values(assigned["lora"], LoRA, "the adapters") if "lora" in assigned.options else {}
    network, told = chosen.transfer.start(network, adapting, seed)
    decisions += [*told, *slow_season(network, data.targets)]
    builder = find("method", chosen.method)
    descent = values(assigned["descent"], Descent, "the training")
    if getattr(builder, "closed_form", False):
        given, more = settle_closed_form(given)
    else:
        given, descent, more = settle(data, chosen.name, given, descent, chosen.transfer.tuning)
        if chosen.name:
            descent, how = computed(network, data, descent, given.get("device"))
            more += how
    more += _loss_options(data, chosen)
    options = values(assigned["method"], builder, f"method '{chosen.method}'")
    method = builder(network, **options, **descent)
    count = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    decisions += [*more, Decision("parameters", f"{count:,}", "numbers that are learned", "--set, --network")]
    return method, {name: value for name, value in given.items() if value is not None}, decisions


def _loss_options(data: Dataset, chosen: Chosen) -> list[Decision]:
    """Fill in the options of the loss that a network's authors train it with, where no loss was named."""
    assigned = chosen.assigned["method"]
    if chosen.method != "supervised" or "loss" in assigned:
        return []
    given = assigned.get("loss_options", {})
    usual = {name: value for name, value in usual_loss(data, chosen.name).items() if name not in given}
    if usual:
        assigned["loss_options"] = {**usual, **given}
    reason = "as the authors of the network train it"
    return [
        Decision(name.replace("_", " "), value, reason, f"--set loss.{name}=")
        for name, value in usual.items()
    ]


def _network_options(chosen: Chosen) -> dict[str, Any]:
    return values(chosen.assigned["network"], find("network", chosen.name), f"network '{chosen.name}'")


def _network(data: Dataset, chosen: Chosen, ensemble: int) -> nn.Module:
    """Build the network, or several as one, with as many outputs as the loss reads."""
    if ensemble < 1:
        raise OptionError("an ensemble has too few networks", expected="1 or more", received=ensemble)
    targets = _targets_for_loss(data, chosen)
    options = {**usual_options(data, chosen.name), **_network_options(chosen)}
    require_sizes(options, f"network '{chosen.name}'")
    try:
        networks = [
            network_for(data.inputs, targets, chosen.name, **options).network for _ in range(ensemble)
        ]
    except (RuntimeError, ValueError, ZeroDivisionError) as error:
        if not options:
            raise
        raise OptionError(
            f"the network '{chosen.name}' cannot be built with these options: {str(error).splitlines()[0]}",
            expected="options that go together (`neurarium train --help` tells of --set)",
            received=", ".join(f"{name}={value}" for name, value in options.items()),
            fix="leave one of them out",
        ) from error
    if ensemble == 1:
        return networks[0]
    reason = "a deep ensemble: the mean of networks with starts of their own (arXiv:1612.01474)"
    chosen.decisions.append(Decision("ensemble", ensemble, reason, "--ensemble"))
    return Ensemble(networks, combination_for(targets, chosen.assigned["network"].get("distribution")))


def _targets_for_loss(data: Dataset, chosen: Chosen) -> Spec:
    """A loss that learns a distribution reads several numbers per quantity: let the network give them."""
    assigned = chosen.assigned
    name, targets = assigned["method"].get("loss"), data.targets
    if name is None and isinstance(targets, Horizon) and targets.quantiles:
        name = "quantile"
    elif name is None and _asks_gaussian(assigned["network"]) and isinstance(targets, Quantity | Horizon):
        assigned["method"]["loss"] = name = "gaussian-nll"
        reason = "distribution=gaussian: a mean and a variance are learned by their likelihood"
        chosen.decisions.append(Decision("loss", name, reason, "--set loss="))
    if not isinstance(name, str) or not isinstance(targets, Quantity | Horizon):
        return targets
    if name == "gaussian-nll" and "distribution" in parameters(find("network", chosen.name)):
        if assigned["network"].setdefault("distribution", "gaussian") == "gaussian":
            reason = "the loss gaussian-nll learns a mean and a variance"
            chosen.decisions.append(Decision("distribution", "gaussian", reason, "--set distribution="))
        return targets
    count = loss_for(targets, name, **assigned["method"].get("loss_options", {})).outputs_per_target
    if count == 1:
        return targets
    reason = f"the loss {name} reads {count} numbers for each quantity"
    chosen.decisions.append(Decision("outputs", count * len(targets.names), reason, "--set loss="))
    names = tuple(f"{each} {number}" for each in targets.names for number in range(count))
    return Quantity(names) if isinstance(targets, Quantity) else Horizon(names, targets.length)


def _asks_gaussian(options: Mapping[str, Any]) -> bool:
    return str(options.get("distribution")) == "gaussian"


def _started(network: nn.Module, data: Dataset) -> list[Decision]:
    """Let the parts of a network that start from statistics of the training split look at it."""
    starters: list[Any] = [module for module in network.modules() if hasattr(module, "start_from")]
    told: dict[tuple[str, str], dict[str, None]] = {}  # what was done, each once, by (reason, override)
    for each in starters:
        if done := each.start_from(data):
            told.setdefault(each.start_said, {})[done] = None
    return [Decision("start", "; ".join(done), *said) for said, done in told.items()]


def _initialize(network: nn.Module, data: Dataset, options: Mapping[str, Any], seed: int) -> None:
    if options:
        given = {"rule" if name == "initializer" else name: value for name, value in options.items()}
        count = min(len(data.train), 256)
        batch: Any = data.train.take(slice(0, count))["inputs"]
        initialize(
            network,
            **values(given, initialize, "the initialization"),
            seed=derive(seed, "initializer"),
            batch=batch,
        )
