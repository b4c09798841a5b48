"""What several processes do together, and what one does with the same global batches: the same functions.

Run as `python ranks.py FOLDER [REGISTRY ...]` with the environment that torchrun sets; each process writes a tree of
its results to FOLDER/RANK, by the name of the case. A case that fails ends its process: the others could only wait for it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1] / "docs" / "own"), str(HERE)]

import dqn  # noqa: E402
import fedavg  # noqa: E402
import gan  # noqa: E402
import maml  # noqa: E402
import prune_quantize  # noqa: E402
import quantum_kernel  # noqa: E402
import wgan_gp  # noqa: E402
import zoo  # noqa: E402
from distillation import Distillation  # noqa: E402
from sharpness import Sharpness  # noqa: E402

from neurarium.core import batches  # noqa: E402
from neurarium.core.codec import save_tree  # noqa: E402
from neurarium.core.errors import NeurariumError  # noqa: E402
from neurarium.data.dataset import Dataset  # noqa: E402
from neurarium.data.examples import Examples  # noqa: E402
from neurarium.data.sources import Minibatches  # noqa: E402
from neurarium.data.specs import Array, Classes  # noqa: E402
from neurarium.methods.supervised import Supervised  # noqa: E402
from neurarium.training import distributed, exchange, sharding  # noqa: E402
from neurarium.training.callbacks.callback import Callback  # noqa: E402
from neurarium.training.context import Context  # noqa: E402
from neurarium.training.descent import Descent  # noqa: E402
from neurarium.training.fitting import fit  # noqa: E402
from neurarium.transforms.transformation import transform  # noqa: E402

DOUBLE = torch.float64
TARGETS = Classes(("a", "b", "c"))
TOGETHER: dict[str, Callable[[Path], Any]] = {}  # equal to one process
APART: dict[str, Callable[[Path], Any]] = {}  # only equal among ranks, or looked at one by one
SHARDED: dict[str, Callable[[Path], Any]] = {}  # sharded by several, whole in one


def case(registry: dict[str, Callable[[Path], Any]], *arguments: str) -> Callable:
    """Register a function of (argument, folder), once per argument, or a function of the folder alone."""

    def add(function: Callable) -> Callable:
        name = function.__name__
        if not arguments:
            registry[name] = function
        for argument in arguments:
            registry[f"{name}-{argument}"] = partial(function, argument)
        return function

    return add


def whole(method: nn.Module) -> dict[str, Tensor]:
    """Return all tensors of a method's networks, gathered."""
    state = sharding.whole(dict(method.state_dict()))
    return {name: each.detach().clone() for name, each in state.items() if isinstance(each, Tensor)}


def network(kind: str, **options: Any) -> nn.Module:
    """Return a network that starts elsewhere on each rank: the first one's start must win."""
    return zoo.network(kind, seed=distributed.rank(), dtype=DOUBLE, **options)


def examples(kind: str, count: int, seed: int = 0) -> Examples:
    """Return examples with weights, some of them zero."""
    batch = zoo.batch(kind, count, seed, dtype=DOUBLE)
    batch["weights"] = (torch.arange(count) % 4).to(DOUBLE)
    return Examples(batch)


def dataset(kind: str, *counts: int) -> Dataset:
    splits = [examples(kind, count, seed) for seed, count in enumerate(counts)]
    return Dataset(kind, Array((zoo.FEATURES,)), TARGETS, *splits)


def noise(real: Any) -> Any:
    return zoo.floats(real, lambda each: torch.sin(17 * each))


def everything(kind: str, **options: Any) -> dict[str, Any]:
    """Return options of a descent that has all that a step may have."""
    more: dict[str, Any] = {
        "learning_rate": 0.05,
        "weight_decay": 0.1,
        "clip_norm": 0.3,
        "schedule": "cosine",
        "average": 0.7,
    }
    if kind != "cnn":  # micro-batches of other examples have other statistics
        more["accumulate"] = 3
    return {**more, **options}


quiet = partial(fit, progress=False)

# ----------------------------------------------------------------------------------- several give what one gives


@case(TOGETHER, *zoo.KINDS)
def supervised(kind: str, folder: Path, shard: bool = False) -> Any:
    method = Supervised(network(kind), targets=TARGETS, **everything(kind))
    quiet(method, Minibatches(examples(kind, 21), 8), epochs=2, shard=shard)
    return whole(method)


@case(TOGETHER, *zoo.KINDS)
def shares_of_two_and_of_none(kind: str, folder: Path, shard: bool = False) -> Any:
    """The last batch has fewer examples than micro-batches; batches of one leave a rank without any."""
    method = Supervised(network(kind), targets=TARGETS, **everything(kind, average=None))
    quiet(method, Minibatches(examples(kind, 10), 8), epochs=1, shard=shard)
    data = examples(kind, 3)
    data.batch["weights"] += 0.5
    quiet(method, Minibatches(data, 1), epochs=1, shard=shard)
    return whole(method)


@case(TOGETHER, "mlp", "lstm")
def float32(kind: str, folder: Path) -> Any:
    method = Supervised(zoo.network(kind), targets=TARGETS, optimizer="sgd", learning_rate=0.1)
    quiet(method, Minibatches(Examples(zoo.batch(kind, 21)), 8), epochs=2)
    return whole(method)


@case(TOGETHER, "adam", "lbfgs", "muon", "rmsprop", "sam")
def optimizers(name: str, folder: Path, shard: bool = False) -> Any:
    method = Supervised(network("mlp"), targets=TARGETS, optimizer=name, learning_rate=0.05)
    quiet(method, Minibatches(examples("mlp", 21), 8), epochs=1, shard=shard)
    return whole(method)


@case(TOGETHER, *zoo.KINDS)
def two_descents(kind: str, folder: Path, shard: bool = False) -> Any:
    options = {"accumulate": 1 if kind == "cnn" else 2, "learning_rate": 0.02}
    method = gan.GAN(zoo.Imitator().to(DOUBLE), network(kind, outputs=1), noise, **options)
    quiet(method, Minibatches(examples(kind, 13), 8), epochs=2, shard=shard)
    return whole(method)


class Penalized(wgan_gp.WGANGP):
    def chance(self, real: Any) -> dict[str, Any]:
        first = next(each for _, each in batches.tensors(real) if each.is_floating_point())
        return {"noise": self.noise(real), "share": first.flatten(1)[:, 0].sin().square()}


@case(TOGETHER, *zoo.KINDS)
def double_backward(kind: str, folder: Path) -> Any:
    method = Penalized(
        zoo.Imitator().to(DOUBLE), network(kind, outputs=1), noise, critic_steps=2, learning_rate=0.02
    )
    quiet(method, Minibatches(examples(kind, 13), 8), epochs=2)
    return whole(method)


@case(TOGETHER, *zoo.KINDS)
def second_order(kind: str, folder: Path) -> Any:
    from test_contracts_maml import tasks

    method = maml.MAML(network(kind), cross_entropy, rate=0.3, learning_rate=0.02)
    quiet(method, Minibatches(Examples(tasks(kind, 5)), 3), epochs=2)
    return whole(method)


@case(TOGETHER, "cnn", "lstm")
def re_evaluation(kind: str, folder: Path, shard: bool = False) -> Any:
    optimizer = partial(Sharpness, lr=0.1, radius=0.2)
    method = Supervised(network(kind), targets=TARGETS, optimizer=optimizer)
    quiet(method, Minibatches(examples(kind, 21), 8), epochs=2, shard=shard)
    return whole(method)


@case(TOGETHER, "cnn", "transformer")
def distillation(kind: str, folder: Path, shard: bool = False) -> Any:
    teacher = zoo.network(kind, seed=10 + distributed.rank(), dtype=DOUBLE)
    method = Distillation(network(kind), teacher, learning_rate=0.05)
    quiet(method, Minibatches(examples(kind, 13), 8), epochs=2, shard=shard)
    return whole(method)


@case(TOGETHER, "mlp", "cnn")
def federated(kind: str, folder: Path) -> Any:
    parts = [examples(kind, count, seed) for seed, count in enumerate((9, 12, 5))]
    method = fedavg.FedAvg(Supervised(network(kind), targets=TARGETS, learning_rate=0.05))
    quiet(method, fedavg.Rounds(parts, 4), epochs=2)
    return whole(method)


@case(TOGETHER, "cnn", "tied")
def compressed(kind: str, folder: Path) -> Any:
    small = network(kind)
    if distributed.together():
        distributed.broadcast_state(small)  # the plans look at weights
    small = transform(transform(small, prune_quantize.Prune()), prune_quantize.Quantize(8))
    method = Supervised(small, targets=TARGETS, learning_rate=0.01)
    quiet(method, Minibatches(examples(kind, 21), 8), epochs=1)
    return whole(method)


@case(TOGETHER)
def closed_form(folder: Path) -> Any:
    data = Examples({"inputs": zoo.batch("mlp", 20)["inputs"], "targets": torch.ones(20, 1)})
    method = quantum_kernel.KernelRidge(quantum_kernel.FidelityMachine(zoo.FEATURES, 20))
    quiet(method, method.source(data), epochs=1)
    return whole(method)


class Branched(nn.Module):
    """One branch is never used, another for some examples only."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.sometimes, self.never = (nn.Linear(zoo.FEATURES, 3) for _ in range(3))

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.used(inputs)
        return outputs + self.sometimes(inputs) if (inputs[:, 0] > 1).any() else outputs


@case(TOGETHER)
def unused_parameters(folder: Path) -> Any:
    torch.manual_seed(distributed.rank())
    net = Branched().to(DOUBLE)
    data = examples("mlp", 12)
    data.batch["inputs"][:, 0].clamp_(max=0.5)
    data.batch["inputs"][7:, 0] = 2.0
    data.batch["weights"][:] = 1.0
    source = Minibatches(
        data, 12, shuffle=False
    )  # the first six go to the first rank, which skips the branch

    def loss(batch: dict[str, Any]) -> tuple[Tensor, int]:
        here = batch["inputs"][:, 0] > 1
        outputs = net.used(batch["inputs"])
        outputs = outputs + net.sometimes(batch["inputs"]) * here[:, None] if here.any() else outputs
        return cross_entropy(outputs, batch["targets"], reduction="sum"), len(outputs)

    descent = Descent(net, learning_rate=0.05, weight_decay=0.5)
    for batch in source:
        descent(loss, batch)
    return {name: each.detach().clone() for name, each in net.state_dict().items()}


@case(TOGETHER, "mlp", "lstm")
def measured(kind: str, folder: Path, shard: bool = False) -> Any:
    """Metrics over uneven shares are those of the whole split."""
    data = dataset(kind, 21, 11)
    run = quiet(Supervised(network(kind)), data, batch_size=8, epochs=2, shard=shard)
    return [{**row["validation"], "train": row["train"]["loss"]} for row in run.history]


@case(TOGETHER)
def ready_gradients(folder: Path) -> Any:
    """Gradients given ready count by their weights; one process is given their mean."""
    line = nn.Linear(2, 1, bias=False).to(DOUBLE)
    nn.init.zeros_(line.weight)
    descent = Descent(
        line, optimizer="sgd", learning_rate=1.0, optimizer_options={"momentum": 0.0}, clip_norm=10.0
    )
    given = [torch.tensor([[3.0, 0.0]], dtype=DOUBLE), torch.tensor([[0.0, 6.0]], dtype=DOUBLE)]
    if distributed.world() == 1:
        descent.follow([(1 * given[0] + 2 * given[1]) / 3])
    else:  # a third one counts nothing
        weight = (1.0, 2.0, 0.0)[distributed.rank()]
        descent.follow([given[distributed.rank() % 2].clone()], weight=weight)
    return {"weight": line.weight.detach().clone()}


@case(TOGETHER)
def many_buckets(folder: Path) -> Any:
    """Buckets leave while backward still runs."""
    torch.manual_seed(distributed.rank())
    layers = [layer for _ in range(6) for layer in (nn.Linear(32, 32), nn.Tanh())]
    net = nn.Sequential(nn.Linear(zoo.FEATURES, 32), *layers, nn.Linear(32, 3)).to(DOUBLE)
    size, exchange.BUCKET_BYTES = exchange.BUCKET_BYTES, 10_000
    try:
        method = Supervised(net, targets=TARGETS, accumulate=2, learning_rate=0.01)
        quiet(method, Minibatches(examples("mlp", 21), 8), epochs=1)
    finally:
        exchange.BUCKET_BYTES = size
    found = method.descent.exchange
    if found is not None:
        assert len(found.buckets) >= 6 and found.overlapped >= len(found.buckets) - 1, found.overlapped
    return whole(method)


# --------------------------------------------------------------------------------------- ranks among themselves


@case(APART, "mlp", "cnn")
def q_learning(kind: str, folder: Path, shard: bool = False) -> Any:
    """Each rank has an environment and a memory of its own; they learn one policy."""
    from test_contracts_dqn import Chain, Shown

    method = dqn.DQN(Shown(kind), learning_rate=0.02)
    source = dqn.Replay(Chain(), method.network, length=15, batch_size=8, seed=distributed.rank())
    quiet(method, source, epochs=1, shard=shard)
    return {"weights": whole(method), "seen": torch.stack([each["now"] for each in source.memory])}


def dropping(shard: bool = False) -> tuple[Supervised, Minibatches]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(zoo.FEATURES, 8), nn.Dropout(0.5), nn.Linear(8, 3)).to(DOUBLE)
    return Supervised(net, targets=TARGETS, learning_rate=0.05, average=0.9), Minibatches(
        examples("mlp", 21), 8
    )


@case(APART)
def resumed(folder: Path, shard: bool = False) -> Any:
    """Dropout is drawn anew on each rank; a resumed run draws what the uninterrupted one did."""
    states = {}
    for name, steps in (("whole", 5), ("part", 3), ("part", 5)):
        method, source = dropping()
        out = folder / f"{name}-{shard}"
        quiet(method, source, steps=steps, out=out, resume=out.exists(), shard=shard)
        distributed.barrier()
        states[f"{name}{steps}"] = whole(method)
    return states


class Asks(Callback):
    def step(self, loop: Any, metrics: Any) -> None:
        if loop.step == 2 and distributed.rank() == 1:
            loop.stop("the second process has seen enough")


@case(APART)
def one_asks_to_stop(folder: Path) -> Any:
    method, source = dropping()
    run = quiet(method, source, epochs=3, callbacks=[Asks()])
    return {"reason": run.reason, "steps": method.descent.updates, "weights": whole(method)}


@case(APART)
def bad_batch(folder: Path) -> Any:
    """One rank's share holds a NaN: all stop, and that one says where it is."""
    data = examples("cnn", 8)
    data.batch["inputs"][7, 0, 1, 2] = float("nan")
    data.batch["weights"][:] = 1
    try:
        quiet(Supervised(network("cnn"), targets=TARGETS), Minibatches(data, 8, shuffle=False), epochs=1)
    except NeurariumError as error:
        return {"kind": type(error).__name__, "message": str(error)}
    return {"kind": "none", "message": ""}


@case(APART)
def overflow(folder: Path) -> Any:
    """A gradient that overflows in float16 on one rank: both skip the step, and go on with a smaller scale."""
    net = nn.Linear(2, 1)
    nn.init.ones_(net.weight)
    nn.init.ones_(net.bias)
    descent = Descent(net, optimizer="sgd", learning_rate=1e-3, precision="float16")
    size = 100.0 if distributed.rank() else 1.0
    before = whole(net)
    descent(lambda batch: ((net(batch).float() * size).sum(), len(batch)), torch.ones(2, 2))
    skipped = all(torch.equal(each, before[name]) for name, each in whole(net).items())
    for _ in range(8):
        descent(lambda batch: ((net(batch).float() * size).sum(), len(batch)), torch.ones(2, 2))
    return {
        "skipped": skipped,
        "scale": descent.scaler.get_scale(),
        "updates": descent.updates,
        "weights": whole(net),
    }


# ----------------------------------------------------------------------------------------------------- sharded

for _function, _arguments in (
    (supervised, tuple(zoo.KINDS)),
    (shares_of_two_and_of_none, tuple(zoo.KINDS)),
    (two_descents, tuple(zoo.KINDS)),
    (optimizers, ("adam", "rmsprop", "sam")),
    (re_evaluation, ("cnn", "lstm")),
    (distillation, ("cnn", "transformer")),
    (measured, ("mlp", "lstm")),
):
    for _argument in _arguments:
        SHARDED[f"{_function.__name__}-{_argument}"] = partial(_function, _argument)


@case(APART)
def bytes_per_rank(folder: Path) -> Any:
    """Return which part of the parameters' and the optimizer's bytes this rank holds."""
    shares = {}
    for kind in zoo.KINDS:
        method = Supervised(network(kind, outputs=4), targets=TARGETS)
        total = sum(each.numel() * each.element_size() for each in method.parameters())
        quiet(method, Minibatches(examples(kind, 8), 8), epochs=1, shard=True)
        held = [sharding.local(each) for each in method.parameters()]
        moments = [sharding.local(s["exp_avg"]) for o in method.descent.optimizers for s in o.state.values()]
        shares[kind] = {
            "parameters": sum(each.untyped_storage().nbytes() for each in held) / total,
            "moments": sum(each.untyped_storage().nbytes() for each in moments) / total,
        }
    return shares


@case(APART)
def resumed_sharded(folder: Path) -> Any:
    return resumed(folder, shard=True)


@case(APART)
def q_learning_sharded(folder: Path) -> Any:
    return q_learning("mlp", folder, shard=True)


@case(APART)
def overflow_sharded(folder: Path) -> Any:
    """Only what the last rank holds overflows: all skip."""
    net = nn.Linear(2, 4)
    nn.init.ones_(net.weight)
    descent = Descent(net, optimizer="sgd", learning_rate=1e-3, precision="float16")
    descent.begin(Context(shard=True))
    sizes = torch.tensor([0.0, 0.0, 0.0, 100.0])
    skipped = 0
    for _ in range(12):
        descent(lambda batch: ((net(batch).float() * sizes).sum(), len(batch)), torch.ones(2, 2))
        skipped += descent.updates == 0
    return {"skipped": skipped, "updates": descent.updates, "scale": descent.scaler.get_scale()}


@case(APART)
def muon_sharded(folder: Path) -> Any:
    return optimizers("muon", folder, shard=True)


@case(APART)
def refused(folder: Path) -> Any:
    """Return what each method that cannot be sharded says."""
    from test_contracts_maml import tasks

    class Scalar(nn.Linear):
        def __init__(self) -> None:
            super().__init__(zoo.FEATURES, 3)
            self.temperature = nn.Parameter(torch.ones(()))

    numbers = Minibatches(Examples(zoo.batch("mlp", 8)), 8)
    attempts = {
        "maml": (maml.MAML(zoo.network("mlp"), cross_entropy), Minibatches(Examples(tasks("mlp", 2)), 2)),
        "wgan": (wgan_gp.WGANGP(zoo.Imitator(), zoo.network("mlp"), noise), numbers),
        "fedavg": (fedavg.FedAvg(Supervised(zoo.network("mlp"), targets=TARGETS)), numbers),
        "kernel": (quantum_kernel.KernelRidge(quantum_kernel.FidelityMachine(6, 8)), numbers),
        "scalar": (Supervised(Scalar(), targets=TARGETS), numbers),
        "lbfgs": (Supervised(zoo.network("mlp"), targets=TARGETS, optimizer="lbfgs"), numbers),
    }
    messages = {}
    for name, (method, source) in attempts.items():
        try:
            quiet(method, source, steps=1, shard=True)
            messages[name] = "not refused"
        except NeurariumError as error:
            messages[name] = f"{type(error).__name__}: {error}"
    method = Supervised(zoo.network("mlp"), targets=TARGETS, learning_rate=0.1)
    method.begin(Context(shard=True))
    with contextlib.suppress(NeurariumError):
        method.descent.follow([None] * 6)
        messages["follow"] = "not refused"
    return messages


REGISTRIES = {"together": ("", TOGETHER), "apart": ("", APART), "sharded": ("sharded-", SHARDED)}


def main(folder: Path, *names: str) -> None:
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    with distributed.process_group():
        for prefix, registry in (REGISTRIES[name] for name in names or REGISTRIES):
            for name, function in registry.items():
                own = folder / "runs" / (prefix + name)
                try:
                    results[prefix + name] = function(own, shard=True) if prefix else function(own)
                except Exception as error:
                    raise RuntimeError(f"the case {prefix}{name} failed") from error
        save_tree(folder / str(distributed.rank()), results)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
