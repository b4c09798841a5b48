"""Setting: what `fit` settles before the first step: where, from what, for how long, watched by what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from neurarium.core.errors import OptionError, unknown
from neurarium.core.seeds import seed_everything
from neurarium.data.dataset import Dataset, Decision
from neurarium.data.sources.buckets import buckets_for
from neurarium.data.sources.source import Source
from neurarium.data.specs import Tags, Unlabeled
from neurarium.training import distributed
from neurarium.training.context import Context
from neurarium.training.evaluation import evaluate
from neurarium.training.method import Method
from neurarium.training.stopping import Best

EPOCHS = 20
WEIGHTS = ("best", "averaged", "last")


class Setting:
    """The choices of one call of `fit`; automatic ones are added to `decisions`.

    Args:
        method: it is moved to the device.
        data: a dataset, or a source of batches.
        seed: the global generators are seeded with it.
        device: None for the best that is there.
        out, resume: as `fit` takes them.

    Raises:
        OptionError: the device is not there; a run is resumed that is nowhere.
    """

    def __init__(
        self, method: Method, data: Any, *, seed: int, device: Any, out: str | Path | None, resume: bool
    ):
        if resume and out is None:
            raise OptionError("a run can be resumed only where it was written", fix="give out=FOLDER")
        self.method, self.data, self.seed = method, data, seed
        self.dataset = data if isinstance(data, Dataset) else None
        self.decisions: list[Decision] = list(self.dataset.decisions) if self.dataset else []
        self.device = choose_device(device)
        self.folder = Path(out) if out is not None else None
        self.batch_size: int | None = None
        seed_everything(seed, "fit", distributed.rank())
        method.to(self.device)

    def feed(self, batch_size: int | None, *, buckets: bool | None = None, **options: Any) -> Source:
        """Return the source of the steps."""
        if self.dataset is None:
            return self.data
        self.batch_size = batch_size or choose_batch_size(len(self.dataset.train), self.decisions)
        if buckets is None and not getattr(self.method.deployed, "any_length", False):
            buckets = False  # it may count on the length that its spec says
        data = self.dataset
        found, decisions = buckets_for(
            data.train, data.inputs, self.batch_size, self.seed, targets=data.targets, wanted=buckets
        )
        if found is not None:
            options["buckets"] = found
            self.decisions += decisions
        return self.method.source(
            self.dataset.train, batch_size=self.batch_size, seed=self.seed, device=self.device, **options
        )

    def begin(self, source: Source, epochs: int | None, steps: int | None, *, shard: bool) -> int | None:
        """Tell the method how long training takes; return the number of epochs (None where steps decide).

        Raises:
            OptionError: no time to train, or a source without an end.
        """
        if epochs is None and steps is None:
            epochs = EPOCHS
        for name, value in (("epochs", epochs), ("steps", steps)):
            if value is not None and value < 1:
                raise OptionError(f"the number of {name} is too small", expected="1 or more", received=value)
        length = len(source)
        if length < 1:
            raise OptionError(
                "the source yields no batch", expected="1 batch per epoch or more", received=length
            )
        dataset = self.dataset
        context = Context(
            steps=steps if steps is not None else (epochs or 0) * length,
            inputs=dataset.inputs if dataset else None,
            targets=dataset.targets if dataset else None,
            device=self.device,
            shard=shard,
            train=dataset.train if dataset else None,
            decisions=self.decisions,
        )
        self.method.begin(context)
        return epochs

    def watch(
        self, validation: Any, monitor: str | None, patience: int | None, keep: str | None
    ) -> tuple[Callable[[], dict[str, float]] | None, Best | None]:
        """Return what measures the validation split, and what keeps its best weights."""
        if keep is not None and keep not in WEIGHTS:
            raise unknown("choice of weights to keep", keep, WEIGHTS)
        if keep == "averaged" and all(each.average is None for each in self.method.descents()):
            raise OptionError(
                "no average of the weights is made", fix="give the method average=0.999, for example"
            )
        if validation is None and self.dataset is not None:
            validation = self.dataset.validation
        usual, why = usual_monitor(self.dataset)
        best = choose_best(
            self.method, validation, monitor or usual, patience, keep, self.decisions, "" if monitor else why
        )
        if validation is None:
            return None, best
        metrics = choose_metrics(self.dataset)
        size = self.method.measured_at_once(self.batch_size)
        return lambda: evaluate(self.method, validation, metrics, batch_size=size, device=self.device), best


def choose_device(device: str | torch.device | None) -> torch.device:
    """Return the device asked for, or the best that is there.

    Raises:
        OptionError: it is not there.
    """
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("cpu")
    try:
        place = torch.device(device)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise OptionError(
            f"the device '{device}' cannot be used: {str(error).splitlines()[0]}",
            expected="cpu, cuda, cuda:0 or mps",
        ) from error
    return place


def choose_batch_size(count: int, decisions: list[Decision]) -> int:
    """Choose a batch size: about a hundred and more steps per epoch, between 32 and 256."""
    size = next((size for size in (256, 128, 64, 32) if count / size >= 100), 32)
    decisions.append(Decision("batch size", size, f"{count:,} training examples", "--batch-size"))
    return size


def choose_metrics(dataset: Dataset | None) -> Any:
    """Return the metrics that suit the targets; None where there are none."""
    if dataset is None or isinstance(dataset.targets, Unlabeled):
        return None
    from neurarium.metrics import metrics_for

    return metrics_for(dataset.targets)


def usual_monitor(dataset: Dataset | None) -> tuple[str, str]:
    """Return the validation metric that picks the best weights where none is named, and why it is not the loss.

    >>> usual_monitor(None)
    ('loss', '')
    """
    if dataset is None or not isinstance(dataset.targets, Tags):
        return "loss", ""
    from neurarium.metrics.span_f1 import is_span_scheme

    name = "span_f1" if is_span_scheme(dataset.targets.names) else "accuracy"
    return name, "the loss of a tagger rises while it still finds more"


def choose_best(
    method: Method,
    validation: Any,
    monitor: str | None,
    patience: int | None,
    keep: str | None,
    decisions: list[Decision],
    why: str = "",
) -> Best | None:
    """Return what keeps the best weights; None where nothing is measured.

    Args:
        why: the monitor was chosen, for the plan.

    Raises:
        OptionError: the best weights were asked for, and nothing is measured.
    """
    if validation is None or type(method).evaluate is Method.evaluate:
        if keep == "best" or patience is not None:
            raise OptionError(
                "the best weights are picked on validation, and there is none", fix="give validation="
            )
        return None
    monitor = monitor or "loss"
    better = "min"
    if monitor != "loss":
        from neurarium.metrics import goal

        better = goal(monitor)
    reason = f"picks the best weights on the validation split{'; ' if why else ''}{why}"
    decisions.append(Decision("monitor", monitor, reason, "--monitor"))
    return Best(monitor, better, patience)
