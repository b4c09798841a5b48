"""One epoch of RealMLP and TabM beside pytabkit's: `python benchmarks/tables_peers.py [case ...] [--rows N] [--rounds N]`.

A synthetic table, 100,000 x 50 floats, of three classes. Ours runs through `nr.fit`, theirs through their estimator's
`fit`; both hold 256 rows for validation, evaluate once an epoch and keep the best weights. The time of an epoch is that
of a fit of several epochs less that of a fit of one, divided by the epochs between: set-up is left out. Rounds are
interleaved, the median counts; beside the time on the clock stands the processor time, which a busy machine disturbs less.
Before anything is timed, our network takes the weights that theirs learned, and both must give the same probabilities.

The same on both sides: architecture, batches of 256 rows (which all members of TabM share), float32, cross-entropy, Adam or
AdamW with one rate, betas and weight decay, dropout, bins. What cannot be made the same: pytabkit's optimizers are not fused
(RealMLP's is its own Adam, one group per parameter), ours is; its RealMLP leaves the last, shorter batch out; it draws
dropout by torch's generator, ours from 16 bits per number; ours looks for NaN in every loss and gradient. pytabkit has
no bfloat16 on CPUs: that line is ours alone. `loop` is plain torch on our network with fused Adam and shuffled slices:
what `fit` adds to it. Quantities are not measured: there pytabkit 1.7.3 compares every prediction of TabM with every
target of the batch (its loss broadcasts `(rows, 1)` against `(rows,)`), which costs far more than the network.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault(
    "OMP_WAIT_POLICY", "passive"
)  # before torch: waiting threads leave busy cores to others

import torch
from torch import Tensor

import neurarium as nr
from neurarium.data import Classes, Dataset, Examples, Table

HELD, COLUMNS, BATCH, BINS, CLASSES = 256, 50, 256, 48, 3
REALMLP = {"widths": (256, 256, 256), "activation": "selu", "dropout": 0.15}
TABM = {
    "widths": (128, 128, 128),
    "ensemble_size": 16,
    "variant": "full",
    "embedding": "none",
    "dropout": 0.1,
}
MINI = {"widths": (128, 128), "ensemble_size": 16, "variant": "mini", "dropout": 0.1}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "realmlp": ("RealMLP", REALMLP),
    "tabm": ("TabM", TABM),
    "tabm-mini": ("TabM", MINI),
}
ADAM: dict[str, tuple[str, float, dict[str, Any]]] = {
    "RealMLP": ("adam", 1e-3, {"betas": (0.9, 0.95)}),
    "TabM": ("adamw", 2e-3, {}),
}
# How our modules are called where theirs are called so.
NAMES = {
    "num_module.linear0.": "embedding.numeric.direct.",
    "num_module.linear.": "embedding.numeric.linear.",
    "minimal_ensemble_adapter.": "scale.",
    "output.": "head.",
}


def table(rows: int) -> Dataset:
    """Return standard normal numbers in three classes of equal size, which follow from ten of the columns and noise."""
    chance = torch.Generator().manual_seed(0)
    numbers = torch.randn(rows + HELD, COLUMNS, generator=chance)
    score = numbers[:, :5].sin().sum(1) + numbers[:, 5:10].prod(1).tanh()
    score = score + 0.1 * torch.randn(len(score), generator=chance)
    classes = torch.bucketize(score, torch.quantile(score[:50_000], torch.tensor([1 / 3, 2 / 3])))
    edges = torch.quantile(numbers[: min(rows, 50_000)], torch.linspace(0, 1, BINS + 1), dim=0).T
    names = tuple(f"x{column}" for column in range(COLUMNS))
    inputs = Table(numeric=names, edges=tuple(tuple(each) for each in edges.tolist()))
    train, held = (
        Examples({"inputs": {"numeric": numbers[part]}, "targets": classes[part]})
        for part in (slice(rows), slice(rows, None))
    )
    return Dataset("synthetic", inputs, Classes(("a", "b", "c")), train, held)


# ------------------------------------------------------------------------------------------------------- who trains


def network(case: str, data: Dataset) -> Any:
    torch.manual_seed(0)
    name, options = CASES[case]
    return getattr(nr.networks, name).for_data(data.inputs, data.targets, **options)


def ours(case: str, data: Dataset, epochs: int, precision: str = "float32") -> None:
    optimizer, rate, more = ADAM[CASES[case][0]]
    method = nr.methods.Supervised(
        network(case, data), optimizer=optimizer, learning_rate=rate, weight_decay=0.0, optimizer_options=more,
        precision=precision,
    )  # fmt: skip
    nr.fit(method, data, epochs=epochs, batch_size=BATCH, progress=False)


def half(case: str, data: Dataset, epochs: int) -> None:
    ours(case, data, epochs, "bfloat16")


def loop(case: str, data: Dataset, epochs: int) -> None:
    """Train our network as plain torch would."""
    model, (_, rate, more) = network(case, data), ADAM[CASES[case][0]]
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0, fused=True, **more)
    numbers, classes = data.train.batch["inputs"]["numeric"], data.train.batch["targets"]
    for _ in range(epochs):
        for rows in torch.randperm(len(numbers)).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            batch, wanted = {"numeric": numbers[rows]}, classes[rows]
            outputs = model.members(batch).flatten(0, 1) if hasattr(model, "members") else model(batch)
            wanted = wanted.repeat_interleave(len(outputs) // len(rows))
            torch.nn.functional.cross_entropy(outputs, wanted).backward()
            optimizer.step()


def theirs(case: str, data: Dataset, epochs: int) -> Any:
    """Train pytabkit's; return the estimator."""
    parts = [
        (each.batch["inputs"]["numeric"].numpy(), each.batch["targets"].numpy())
        for each in (data.train, data.validation)
    ]
    return estimator(case, epochs).fit(*parts[0], *parts[1])


def estimator(case: str, epochs: int) -> Any:
    from pytabkit import RealMLP_TD_Classifier, TabM_D_Classifier

    name, options = CASES[case]
    _, rate, more = ADAM[name]
    common = {"device": "cpu", "random_state": 0, "n_epochs": epochs, "batch_size": BATCH, "lr": rate, "tfms": [],
              "n_threads": torch.get_num_threads()}  # fmt: skip
    widths = options["widths"]
    if name == "RealMLP":
        return RealMLP_TD_Classifier(
            **common, hidden_sizes=list(widths), act=options["activation"], p_drop=options["dropout"],
            p_drop_sched="constant", wd=0.0, lr_sched="constant", mom=more["betas"][0], sq_mom=more["betas"][1],
            bias_lr_factor=1.0, act_lr_factor=1.0, scale_lr_factor=1.0, plr_lr_factor=1.0, use_ls=False,
        )  # fmt: skip
    return TabM_D_Classifier(
        **common, arch_type="tabm" if options["variant"] == "full" else "tabm-mini", tabm_k=options["ensemble_size"],
        num_emb_type="none" if options.get("embedding") == "none" else "pwl", num_emb_n_bins=BINS, d_embedding=16,
        d_block=widths[0], n_blocks=len(widths), dropout=options["dropout"], weight_decay=0.0,
        share_training_batches=True,
    )  # fmt: skip


SIDES: dict[str, Callable[[str, Dataset, int], Any]] = {
    "ours": ours,
    "ours, bfloat16": half,
    "loop": loop,
    "pytabkit": theirs,
}

# --------------------------------------------------------------------------------------------------- the same values


def check(case: str, data: Dataset) -> float:
    """Return the largest difference of probabilities once our network has the weights of theirs.

    Raises:
        SystemExit: it is not rounding.
    """
    trained, mine = theirs(case, data, 1), network(case, data).eval()
    inner = trained.alg_interface_
    if CASES[case][0] == "RealMLP":
        _take_realmlp(mine, dict(inner.model.model.named_parameters()))
    else:
        _take_tabm(mine, inner.sub_split_interfaces[0].model_)
    numbers = data.validation.batch["inputs"]["numeric"]
    with torch.no_grad():
        probabilities = data.targets.probabilities(mine({"numeric": numbers}))
    difference = float((probabilities - torch.as_tensor(trained.predict_proba(numbers.numpy()))).abs().max())
    if difference > 1e-4:
        raise SystemExit(f"{case}: the networks differ by {difference:.2g}")
    return difference


def _take_tabm(mine: Any, model: Any) -> None:
    held = dict(mine.named_parameters())
    layers = [number for number, each in enumerate(mine.body) if any(True for _ in each.parameters())]
    full = {"weight": "linear.weight", "r": "scale_in.weight", "s": "scale_out.weight", "bias": "bias"}
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.startswith("backbone.blocks."):
                number, last = int(name.split(".")[2]), name.rpartition(".")[2]
                last = last if hasattr(mine.body[0], "in_features") else full[last]
                held.pop(f"body.{layers[number]}.{last}").copy_(value)
                continue
            prefix = next(each for each in NAMES if name.startswith(each))
            held.pop(NAMES[prefix] + name.removeprefix(prefix)).copy_(value)
        edges = getattr(model.num_module, "impl", None)
        if edges is not None:  # quantiles of theirs and ours differ by rounding
            mine.embedding.numeric.encoding.slope.copy_(edges.weight)
            mine.embedding.numeric.encoding.offset.copy_(edges.bias)
    assert not held, f"not taken: {list(held)}"


def _take_realmlp(mine: Any, held: dict[str, Tensor]) -> None:
    """Take by order: waves; scale; matrix, bias, blend of each layer. Theirs has the waves before the numbers."""
    waves, others = list(held.values())[:4], list(held.values())[4:]
    columns = torch.arange(COLUMNS)
    # of our row (number, wave 1, wave 2, wave 3) per column, where theirs has each
    first = torch.cat([(3 * COLUMNS + columns)[:, None], 3 * columns[:, None] + torch.arange(3)], 1).flatten()
    numeric = mine.embedding.numeric
    targets = [
        numeric.frequency,
        numeric.linear.weight,
        numeric.phase,
        numeric.linear.bias,
        mine.scale.weight,
    ]
    targets += [*mine.body.parameters(), *mine.head.parameters()]
    with torch.no_grad():
        for place, (parameter, value) in enumerate(zip(targets, [*waves, *others], strict=True)):
            value = value.squeeze(0)
            if place in (4, 5):  # what runs over the row
                value = value[..., first] if place == 4 else value[first]
            matrix = value.ndim == 2 and parameter.ndim == 2 and place > 4
            parameter.copy_(value.T if matrix else value.reshape(parameter.shape))


# --------------------------------------------------------------------------------------------------------- the clock


def seconds(work: Callable[[], Any]) -> Tensor:
    """Return time on the clock and processor time."""
    start = torch.tensor([time.perf_counter(), time.process_time()], dtype=torch.float64)
    work()
    return torch.tensor([time.perf_counter(), time.process_time()], dtype=torch.float64) - start


def compare(case: str, data: Dataset, rounds: int, epochs: int) -> None:
    """Print the median time of an epoch, and the median over the rounds of its ratio to theirs."""
    seen: dict[str, list[Tensor]] = {name: [] for name in SIDES}
    for _ in range(rounds):
        for name, side in SIDES.items():
            few, many = (seconds(partial(side, case, data, count)) for count in (1, epochs))
            seen[name].append((many - few) / (epochs - 1))
    for name in SIDES:
        wall, processor = (statistics.median(float(each[kind]) for each in seen[name]) for kind in (0, 1))
        ratios = [
            statistics.median(
                float(peer[kind] / mine[kind])
                for mine, peer in zip(seen[name], seen["pytabkit"], strict=True)
            )
            for kind in (0, 1)
        ]
        print(
            f"{case:10} {name:15} {wall:8.2f} s  {ratios[0]:5.2f}   processor {processor:8.2f} s  {ratios[1]:5.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=2, help="of the longer fit; the shorter one has 1")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(given.threads)
    print(
        f"{platform.machine()}, torch {torch.__version__}, {given.threads} threads, {given.rows:,} x {COLUMNS}"
    )
    small = table(2048)
    for case in given.cases:
        print(f"{case}: probabilities agree to {check(case, small):.1g}", flush=True)
        for side in SIDES.values():
            side(case, small, 1)  # whatever is made at the first call
    data = table(given.rows)
    print("per epoch, median; how many times as long pytabkit takes")
    for case in given.cases:
        compare(case, data, given.rounds, given.epochs)


if __name__ == "__main__":
    main()
