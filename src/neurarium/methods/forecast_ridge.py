"""ForecastRidge: a linear forecast in closed form, its penalty and its normalizations chosen by rolling origins."""

from __future__ import annotations

import dataclasses
import itertools
import statistics
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core import batches
from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.recipe import recorded
from neurarium.data.dataset import Decision
from neurarium.data.examples import Examples
from neurarium.data.sources.whole import Whole
from neurarium.data.specs import Horizon, Spec
from neurarium.data.windows import Windows
from neurarium.losses import loss_for
from neurarium.methods.closed_form import ClosedForm
from neurarium.methods.supervised import said
from neurarium.training.context import Context
from neurarium.training.method import Evaluation

AT_ONCE = 512  # windows that are cut together
NORMALIZATIONS = ("none", "last", "instance")
BEFORE = 3 / 8  # of the windows come before the first fold
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4)


@recorded
class ForecastRidge(ClosedForm):
    r"""Solve the least squares of `WindowLinear`, of one normalization of the window or of the mean of several.

    .. math:: \min_{W, D} \sum_{i} \| W z_i + P p_i + D \cdot f_i + C a_i - (y_i - l_i) \|^2
        + \lambda (v \| W \|^2 + u \| P \|^2 + t \| D \|^2)

    over all training windows, channels and series, z = x, x - x_L or x - m and the level l = 0, x_L or m; p are the covariates
    up to now, f those that are known beforehand, which add to their own step alone; a, without a penalty, is the rest (1, the
    deviation, the calendar); v, u and t are the mean squares of z, p and f: lambda counts rows of the sum. Folds follow each
    other in time: each is forecast by what is solved on the
    windows that end before it begins. Of each normalization, with covariates and without, the penalty of least error over
    the folds is taken; the forecasts are then weighted so that the error of their sum over the folds is least (weights from
    0, which sum to 1), and the sum is linear again. The validation split is not used.

    Args:
        network: a `WindowLinear`.
        normalizations: those that are tried: "none", "last", "instance".
        penalties: values of lambda.
        folds: how many.
        targets: their spec; `fit` gives the dataset's where None.
        **descent: nothing: a solution has no rate and no optimizer.

    Raises:
        RefusalError: another network, other targets, or quantiles.
        OptionError: options of a descent, an unknown normalization, no penalty, or fewer than two folds.

    Toner and Darlow 2024, arXiv:2403.14587 (the closed form); Tashman 2000 (rolling origins); Bates and Granger 1969, and
    Breiman 1996, "Stacked regressions" (the weights).

    >>> import neurarium as nr
    >>> frame = {"t": list(range(120)), "y": [float(t % 6) for t in range(120)]}
    >>> data = nr.data.forecast(frame, "y", time="t", horizon=3, lookback=6)
    >>> method = ForecastRidge(nr.networks.WindowLinear.for_data(data.inputs, data.targets))
    >>> run = nr.fit(method, data, epochs=1, progress=False)
    >>> nr.studies.evaluate(run, data).metrics["mae"] < 1e-2
    True
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        normalizations: tuple[str, ...] = NORMALIZATIONS,
        penalties: tuple[float, ...] = PENALTIES,
        folds: int = 5,
        targets: Spec | None = None,
        **descent: Any,
    ):
        super().__init__()
        self.refuse(descent, penalties, "normalizations, penalties, folds")
        wrong = [each for each in normalizations if each not in NORMALIZATIONS]
        if wrong or not normalizations:
            raise OptionError(
                "there is no such normalization",
                expected="none, last, instance",
                received=", ".join(wrong) or "nothing",
            )
        if folds < 2:
            raise OptionError("there are too few folds", expected="2 or more", received=folds)
        if not hasattr(network, "parts"):
            raise RefusalError(
                f"the forecast of {type(network).__name__} has no closed form", expected="the network window-linear",
                fix="--method supervised",
            )  # fmt: skip
        if network.numbers != 1 or network.normalization != "none":
            raise RefusalError(
                "a closed form says one number of each value", expected="neither quantiles, a distribution nor a "
                "normalization of the network", fix="--method supervised",
            )  # fmt: skip
        self.network: Any = network
        self.normalizations, self.penalties, self.folds = tuple(normalizations), tuple(penalties), folds
        self.targets: Any = targets
        self.loss: Any = None
        self.cut: Any = None
        self.decisions: list[Decision] = []

    def begin(self, context: Context) -> None:
        self.targets = self.targets or context.targets
        if not isinstance(self.targets, Horizon) or self.targets.quantiles:
            raise RefusalError(
                "this closed form is of forecasts",
                expected="a horizon without quantiles",
                fix="--method supervised",
            )
        self.loss, self.decisions = loss_for(self.targets, None).to(context.device), context.decisions
        super().begin(context)

    def source(self, examples: Any, *, batch_size: int, seed: int, **options: Any) -> Whole:
        if not isinstance(examples, Windows):
            raise RefusalError("this closed form is of windows of series", received=type(examples).__name__)
        self.cut = examples.cut
        places = Examples(dict(examples.batch))
        return super().source(places, batch_size=batch_size, seed=seed, **options)

    @torch.no_grad()
    def step(self, batch: Any) -> dict[str, Tensor]:
        place = self.network.linear.weight.device
        times = self.cut.when(batch) if "start" in batch else torch.arange(batches.size(batch), device=place)
        order = times.argsort(stable=True)  # several series lie one below the other: their windows go by time
        batch = batches.take(batch, order)
        count, steps = len(times), self.network.horizon
        borders = _borders(times[order], steps, self.folds)
        sums = self._sums(batch, sorted({0, count, *(each for fold in borders for each in fold)}))
        parts = [(sums[a], sums[c] - sums[b]) for a, b, c in borders]
        found = [_rolled(how, parts, self.penalties) for how in _maps(self.normalizations, self.network)]
        rolled = [[_solve(each.how, before, (each.penalty,))[0] for each in found] for before, _ in parts]
        shares = _shares(rolled, parts) if parts else [1 / len(found)] * len(found)
        solutions = [_solve(each.how, sums[count], (each.penalty,))[0] for each in found]
        weights = torch.stack([share * each for share, each in zip(shares, solutions, strict=True)]).sum(
            dim=0
        )
        if not bool(weights.isfinite().all()):
            raise RefusalError("the training windows have no linear forecast", fix="--network dlinear")
        self._write(weights)
        self._tell(found, shares)
        total = _squares(weights, sums[count])
        windows = float(sums[count][_one(self.network), _one(self.network)])
        return {"loss": torch.tensor(total / (windows * steps))}

    def _write(self, weights: Tensor) -> None:
        """Put a solution, `(known, horizon)`, into the network."""
        network, count = self.network, self.network.linear.in_features
        network.linear.weight.copy_(weights[:count].T)
        network.linear.bias.copy_(weights[-1])
        if network.future:
            own = weights[count:-1].unflatten(0, (network.horizon, network.future))  # (step, covariate, step)
            network.beside.copy_(own.diagonal(dim1=0, dim2=2).T[:, None])

    def _sums(self, batch: Any, cuts: list[int]) -> dict[int, Tensor]:
        """Return the sums of u u^T over the windows before each cut, u = (window, past covariates, deviation, calendar, future
        covariates by step, 1, what came)."""
        total: Any = 0.0
        sums = {}
        for low, high in zip([0, *cuts], cuts, strict=False):
            for start in range(low, high, AT_ONCE):
                part = batches.take(batch, slice(start, min(start + AT_ONCE, high)))
                taken = (
                    part if "inputs" in part else self.cut(part)
                )  # windows by their places, or cut already
                beside = self.network.parts(taken["inputs"]["series"].double(), taken["inputs"])
                parts = [beside, torch.ones_like(beside[..., :1]), taken["targets"].double().transpose(1, 2)]
                if self.network.future:
                    known = self.network.known(taken["inputs"]).double().flatten(1)
                    parts.insert(1, known[:, None].expand(-1, beside.shape[1], -1))
                rows = torch.cat(parts, dim=2)
                if "weights" in taken:  # a window counts by the share of its steps to come that are known
                    rows = rows * taken["weights"].double().mean(dim=1).sqrt()[:, None, None]
                rows = rows.flatten(0, 1)
                total = rows.T @ rows + total
            sums[high] = total
        size = _one(self.network) + 1 + self.network.horizon
        return {
            0: torch.zeros(size, size, dtype=torch.float64, device=self.network.linear.weight.device)
        } | sums

    def _tell(self, found: list[Rolled], shares: list[float]) -> None:
        self.decisions[:] = [
            each for each in self.decisions if each.subject not in ("normalization", "ridge penalty")
        ]
        reason = "no fold fits in: equal weights and a middle penalty"
        if found[0].errors:
            each = ", ".join(f"{one.how.name} {statistics.fmean(one.errors):.4g}" for one in found)
            reason = (
                f"weights of least error over {len(found[0].errors)} rolling origins, where alone: {each}"
            )
        kept = [(share, one) for share, one in zip(shares, found, strict=True) if share > 0]
        chosen = (
            " + ".join(f"{share:.2f} {one.how.name}" for share, one in kept)
            if len(kept) > 1
            else kept[0][1].how.name
        )
        said = ", ".join(f"{one.penalty:g}" for _, one in kept)
        self.decisions += [
            Decision("normalization", chosen, reason, "--set normalizations="),
            Decision(
                "ridge penalty",
                said,
                "in rows of windows and channels, each of least error over the folds",
                "--set penalties=",
            ),
        ]

    def evaluate(self, batch: Any) -> Evaluation:
        with torch.no_grad():
            outputs = self.network(batch["inputs"])
            weights = batch.get("weights")
            own = self.loss(outputs, batch["targets"], weights)
            predictions, targets = said(self.targets, self.loss, outputs, batch["targets"])
            if weights is not None and weights.ndim == 2:
                weights = weights.unsqueeze(-1).expand_as(targets)
        return Evaluation(predictions, targets, weights, own)


class _Map:
    """How (z, p, a, f) and the level follow from what stands in the sums.

    Args:
        name: of the normalization, and whether covariates are left out.
        inputs: `(known, features)`: z, p, a.
        level: `(known,)`.
        blocks: how many features z has, and p: those that are penalized, and come first.
        own: `(known, horizon * future)`: f of each step, which adds to that step alone.
        future: how many there are of a step.
    """

    def __init__(
        self, name: str, inputs: Tensor, level: Tensor, blocks: tuple[int, int], own: Tensor, future: int
    ):
        self.name, self.inputs, self.level, self.blocks = name, inputs, level, blocks
        self.own, self.future = own, future


@dataclasses.dataclass
class Rolled:
    """What is solved, its best penalty, and the error of each fold with it."""

    how: _Map
    penalty: float
    errors: list[float]


def _one(network: Any) -> int:
    return int(network.linear.in_features) + network.horizon * network.future


def _maps(normalizations: tuple[str, ...], network: Any) -> list[_Map]:
    """Return the ways to see a window: each normalization with what is known beside it, and without."""
    found = [_map(name, network, known=True) for name in normalizations]
    if network.past or network.future:
        found += [_map(f"{name} without covariates", network, known=False) for name in normalizations]
    return found


def _map(name: str, network: Any, *, known: bool) -> _Map:
    steps, count, one = network.lookback, network.linear.in_features, _one(network)
    every = torch.eye(one + 1, dtype=torch.float64, device=network.linear.weight.device)
    level = torch.zeros_like(every[0])
    normalization = name.partition(" ")[0]
    if normalization == "last":
        level[steps - 1] = 1
    if normalization == "instance":
        level[:steps] = 1 / steps
    window, spread = every[:, :steps] - level[:, None], steps * (1 + network.past)
    beside = (
        every[:, spread : spread + 1] if normalization == "instance" else every[:, -1:]
    )  # deviation, or 1
    past = every[:, steps : spread if known else steps]
    own = every[:, count : one if known else count]
    inputs = torch.cat([window, past, beside, every[:, spread + 1 : count]], dim=1)
    return _Map(name, inputs, level, (steps, past.shape[1]), own, network.future if known else 0)


def _borders(times: Tensor, horizon: int, folds: int) -> list[tuple[int, int, int]]:
    """Return (end of the training, begin, end) of each fold, in windows; a window trains where its horizon ends before.

    Args:
        times: the step at which each window begins, rising; windows of one step stay together.
        horizon, folds: how many steps, and how many.

    >>> _borders(torch.arange(16), 1, 5)
    [(6, 6, 8), (8, 8, 10), (10, 10, 12), (12, 12, 14), (14, 14, 16)]
    """
    count = len(times)
    size = count * (1 - BEFORE) / folds
    places = torch.tensor([min(round(count * BEFORE + size * each), count - 1) for each in range(folds)])
    begins = times[places.to(times.device)]
    edges = [*torch.searchsorted(times, begins).tolist(), count]
    ends = torch.searchsorted(times, begins - horizon, right=True).tolist()
    found = [(end, begin, stop) for end, (begin, stop) in zip(ends, itertools.pairwise(edges), strict=True)]
    return [each for each in found if each[0] >= 2 and each[2] > each[1]]


def _rolled(how: _Map, parts: list[tuple[Tensor, Tensor]], penalties: tuple[float, ...]) -> Rolled:
    """Find the penalty of least mean error over the folds, each `(sums before, sums of the fold)`."""
    if not parts:
        return Rolled(how, sorted(penalties)[len(penalties) // 2], [])
    one = len(how.level) - 1
    table = []
    for before, after in parts:
        steps = len(after) - len(how.level)
        scale = float(after[one, one]) * steps
        table.append([_squares(each, after) / scale for each in _solve(how, before, penalties)])
    columns = list(zip(*table, strict=True))
    best = min(range(len(penalties)), key=lambda place: statistics.fmean(columns[place]))
    return Rolled(how, penalties[best], list(columns[best]))


def _solve(how: _Map, sums: Tensor, penalties: tuple[float, ...]) -> list[Tensor]:
    """Return the forecast of each penalty as weights of what stands in the sums but what came, `(known, horizon)`.

    What has no penalty is solved for first, and taken out of the rest: G' = G - G_a G_aa^-1 G_a^T. Of step h, with
    A = (G'_zz + lambda)^-1, the own covariates have d_h = (G'_ff + lambda - G'_fz A G'_zf)^-1 (g_f - G'_fz A g_z), and the
    window has A (g_z - G'_zf d_h). Each block is measured in its own root mean square.
    """
    known, z, ended = len(how.level), sum(how.blocks), how.inputs.shape[1]
    every = torch.cat([how.inputs, how.own], dim=1)
    every = every * _units(how, every, sums)
    gram = every.T @ sums[:known, :known] @ every
    wanted = every.T @ (sums[:known, known:] - (sums[:known, :known] @ how.level)[:, None])
    place = torch.arange(len(gram), device=gram.device)
    free, rest = place[z:ended], torch.cat([place[:z], place[ended:]])
    inside = gram[free][:, free]
    inside = inside + 1e-9 * (inside.diagonal().mean() + 1e-12) * torch.eye(
        len(free), dtype=gram.dtype, device=gram.device
    )
    through = torch.linalg.solve(inside, torch.cat([gram[free][:, rest], wanted[free]], dim=1))
    left = torch.cat([gram[rest][:, rest], wanted[rest]], dim=1) - gram[rest][:, free] @ through
    found = []
    for penalized in _penalized(left, z, how.future, penalties):
        beside = through[:, len(rest) :] - through[:, : len(rest)] @ penalized
        found.append(every @ torch.cat([penalized[:z], beside, penalized[z:]]) + how.level[:, None])
    return found


def _penalized(left: Tensor, z: int, future: int, penalties: tuple[float, ...]) -> Iterator[Tensor]:
    """Yield the weights of (z, f), `(z + horizon * future, horizon)`, for each penalty, from (G', g) side by side."""
    gram, wanted = left[:, : len(left)], left[:, len(left) :]
    each = (wanted.shape[1], future)
    values, vectors = torch.linalg.eigh(gram[:z, :z])
    values, projected = values.clamp(min=0), vectors.T @ wanted[:z]
    across = (vectors.T @ gram[:z, z:]).unflatten(1, each)
    own = gram[z:, z:].unflatten(1, each).unflatten(0, each).diagonal(dim1=0, dim2=2).permute(2, 0, 1)
    due = wanted[z:].unflatten(0, each).diagonal(dim1=0, dim2=2).T
    for penalty in penalties:
        shrunk = 1 / (values + penalty)
        schur = own - torch.einsum("zhf,zhg,z->hfg", across, across, shrunk)
        schur = schur + penalty * torch.eye(future, dtype=schur.dtype, device=schur.device)
        effects = torch.linalg.solve(schur, due - torch.einsum("zhf,zh,z->hf", across, projected, shrunk))
        window = shrunk[:, None] * (projected - torch.einsum("zhf,hf->zh", across, effects))
        placed = torch.diag_embed(effects.T).permute(1, 0, 2).flatten(0, 1)  # each at its own step
        yield torch.cat([vectors @ window, placed])


def _units(how: _Map, every: Tensor, sums: Tensor) -> Tensor:
    """Return what each feature is multiplied with, `(features,)`: one over the root mean square of its block, 1 for the rest."""
    known, z, ended = len(how.level), sum(how.blocks), how.inputs.shape[1]
    count = sums[known - 1, known - 1].clamp(min=1e-12)
    squares = (every * (sums[:known, :known] @ every)).sum(dim=0) / count
    scale = torch.ones_like(squares)
    for begin, end in ((0, how.blocks[0]), (how.blocks[0], z), (ended, len(squares))):
        mean = float(squares[begin:end].mean()) if end > begin else 0.0
        scale[begin:end] = mean**-0.5 if mean > 0 else 1.0
    return scale


def _squares(weights: Tensor, sums: Tensor) -> float:
    """Return the sum of squared errors of a forecast over the windows of some sums."""
    known = len(weights)
    cross = (weights * sums[:known, known:]).sum()
    return float(
        sums[known:, known:].trace() - 2 * cross + (weights * (sums[:known, :known] @ weights)).sum()
    )


def _shares(forecasts: list[list[Tensor]], parts: list[tuple[Tensor, Tensor]]) -> list[float]:
    """Return the weights, from 0 and of sum 1, of the least mean error over the folds.

    M_ab is the mean over folds of the mean product of the errors of a and b; w^T M w is least for w = M^-1 1 / 1^T M^-1 1,
    where no weight is negative: of all sets of forecasts the best such one.

    Args:
        forecasts: for each fold, what each forecast is there, `(known, horizon)`.
        parts: the sums before, and of, each fold.
    """
    count = len(forecasts[0])
    products = torch.zeros(count, count, dtype=torch.float64)
    for each, (_, after) in zip(forecasts, parts, strict=True):
        known, steps = each[0].shape
        errors = [torch.cat([one, -torch.eye(steps, dtype=one.dtype, device=one.device)]) for one in each]
        behind = [after @ one for one in errors]
        scale = after[known - 1, known - 1] * steps * len(parts)
        products += torch.tensor(
            [[float((a * b).sum() / scale) for b in behind] for a in errors], dtype=torch.float64
        )
    best, chosen = float("inf"), [1 / count] * count
    for size in range(1, count + 1):
        for members in itertools.combinations(range(count), size):
            inside = products[list(members)][:, list(members)]
            inside = inside + 1e-9 * inside.diagonal().mean().clamp(min=1e-30) * torch.eye(
                size, dtype=inside.dtype
            )
            own = torch.linalg.solve(inside, torch.ones(size, dtype=inside.dtype))
            own = own / own.sum()
            error = float(own @ inside @ own)
            if bool((own >= 0).all()) and error < best * (1 - 1e-6):
                best, chosen = (
                    error,
                    [float(own[members.index(n)]) if n in members else 0.0 for n in range(count)],
                )
    return chosen
