"""Choice: which metrics suit which targets, a metric by the name it has in results, and which way is better."""

from __future__ import annotations

import re
from typing import Any, Literal, Protocol

from neurarium.core.errors import OptionError, unknown
from neurarium.core.members import find, table
from neurarium.data.specs import (
    Mask,
    NextToken,
    Tags,
    Text,
)
from neurarium.data.specs import Targets as SeveralTargets
from neurarium.metrics.metric import Metric
from neurarium.metrics.metric_set import MetricSet
from neurarium.metrics.part import PartMetric

DEFAULTS: dict[str, tuple[str, ...]] = {
    "classification": (
        "accuracy",
        "balanced_accuracy",
        "f1_macro",
        "precision_macro",
        "recall_macro",
        "auc",
        "log_loss",
        "mcc",
        "brier",
        "ece",
    ),
    "labels": (
        "accuracy",
        "label_accuracy",
        "f1_macro",
        "f1_micro",
        "precision_macro",
        "recall_macro",
        "auc",
        "average_precision",
        "log_loss",
        "brier",
    ),
    "regression": ("rmse", "mae", "r2", "median_absolute_error"),
    "segmentation": ("iou", "dice", "accuracy"),
    "detection": ("map_50", "map", "map_75", "map_small", "map_medium", "map_large", "mar_100"),
    "frames": ("frame_nll", "frame_accuracy"),
    "forecast": ("mse", "mae"),
    "ranking": ("ndcg_at_10", "mrr", "hit_rate_at_10"),
    "translation": ("bleu",),
    "language": ("perplexity", "bits_per_character", "bits_per_byte"),
    "transcript": ("character_error_rate", "word_error_rate", "transcript_error_rate"),
    "unlabeled": (),
}
PROBABILISTIC = ("gaussian_nll", "crps")
AVERAGES = ("macro", "micro", "weighted", "binary", "each", "uniform", "pooled")


class Targets(Protocol):
    """What is read of a targets spec: its kind."""

    @property
    def kind(self) -> str: ...


def metrics_for(targets: Targets, *names: str, probabilistic: bool = False) -> MetricSet:
    """Return the metrics that suit a targets spec, by the names they have in results.

    Args:
        targets: a spec such as `Classes` or `Quantity`; its `kind` (and `several`) decide. Of several targets each gets
            its own, by names such as `price: rmse`.
        names: further metrics, as `make_metric` takes them.
        probabilistic: predictions of quantities hold `mean` and `std`: add their likelihood and CRPS.

    Raises:
        OptionError: no such kind of targets, or no such metric.

    >>> from neurarium.data.specs import Quantity
    >>> metrics_for(Quantity(("price",)))
    MetricSet(rmse, mae, r2, median_absolute_error)
    """
    if isinstance(targets, SeveralTargets):
        return MetricSet(
            {
                f"{name}: {key}": PartMetric(name, metric)
                for name, part in zip(targets.names, targets.parts, strict=True)
                for key, metric in metrics_for(part, *names).items()
            }
        )
    if (own := own_metrics(targets)) is not None:
        return MetricSet({**own, **{underscored(name): make_metric(name) for name in names}})
    kind = "labels" if getattr(targets, "several", False) else targets.kind
    if kind not in DEFAULTS:
        raise unknown("kind of targets with metrics", kind, DEFAULTS)
    chosen = [
        *DEFAULTS[kind],
        *(PROBABILISTIC if probabilistic else ()),
        *(underscored(name) for name in names),
    ]
    return MetricSet({name: make_metric(name) for name in dict.fromkeys(chosen)})


def own_metrics(targets: Any) -> dict[str, Metric] | None:
    """Return the metrics of targets whose predictions are of a form of their own; None where metrics by name do."""
    makers: dict[type, Any] = {Mask: _of_masks, NextToken: _of_next_tokens, Tags: _of_tags, Text: _of_texts}
    maker = makers.get(type(targets))
    return None if maker is None else maker(targets)


def _of_masks(targets: Mask) -> dict[str, Metric]:
    from neurarium.metrics.segmented import MaskDice, MaskIoU, PixelAccuracy

    return {"dice": MaskDice(), "iou": MaskIoU(), "accuracy": PixelAccuracy()}


def _of_next_tokens(targets: NextToken) -> dict[str, Metric]:
    from neurarium.metrics.language import BitsPerByte, BitsPerCharacter, LanguagePerplexity

    held = (LanguagePerplexity(), BitsPerCharacter(), BitsPerByte())
    return dict(zip(DEFAULTS["language"], held, strict=True))


def _of_texts(targets: Text) -> dict[str, Metric]:
    from neurarium.metrics.told_tokens import NextTokenAccuracy, TokenPerplexity

    return {"perplexity": TokenPerplexity(), "token_accuracy": NextTokenAccuracy()}


def _of_tags(targets: Tags) -> dict[str, Metric]:
    """The metrics of a tag per token; of spans where the tags mark some."""
    from neurarium.metrics.span_f1 import (
        SentenceAccuracy,
        SpanF1,
        SpanPrecision,
        SpanRecall,
        TokenAccuracy,
        is_span_scheme,
    )

    found: dict[str, Metric] = {"accuracy": TokenAccuracy(), "sentence_accuracy": SentenceAccuracy()}
    if is_span_scheme(targets.names):
        of_spans = {"span_f1": SpanF1, "span_precision": SpanPrecision, "span_recall": SpanRecall}
        found |= {name: kind(targets.names) for name, kind in of_spans.items()}
    return found


def make_metric(name: str, **options: Any) -> Metric:
    """Make a metric by the name it has in results.

    `f1_macro` is `F1(average="macro")`, `ndcg_at_10` is `NDCG(k=10)`, `top_5_accuracy` is `TopKAccuracy(k=5)`; blanks of a
    name are written with `_` or `-`.

    Raises:
        OptionError: no such metric; the message holds the nearest one.

    >>> make_metric("precision-weighted").average
    'weighted'
    """
    member, found = _parsed(name)
    try:
        return find("metric", member)(**{**found, **options})
    except TypeError as error:
        raise OptionError(
            f"the metric '{member}' does not take these options: {error}", received=name
        ) from error


def goal(name: str) -> Literal["max", "min"]:
    """Return whether a metric is to be maximized or minimized; every `loss` is minimized.

    Args:
        name: as it stands in results, a split before it or not (`validation/f1_macro`, `validation.loss`).

    Raises:
        OptionError: no such metric, or one without a better direction (a curve).

    >>> goal("f1_macro"), goal("validation/rmse"), goal("loss")
    ('max', 'min', 'min')
    """
    short = re.split(r"[/.]", name.rpartition(": ")[2])[-1]
    if underscored(short) == "loss" or (underscored(short).endswith("_loss") and not _known(short)):
        return "min"
    member, _ = _parsed(short)
    direction = find("metric", member).goal
    if direction is None:
        raise OptionError(
            f"neither more nor less of '{name}' is better", expected="a metric that is one number"
        )
    return direction


def underscored(name: str) -> str:
    """Return a name as it stands in results."""
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _known(name: str) -> bool:
    try:
        return bool(_parsed(name))
    except OptionError:
        return False


def _parsed(name: str) -> tuple[str, dict[str, Any]]:
    """Split a name into the member's and the options that stand in it."""
    rows, short = table("metric"), underscored(name).replace("_", "-")
    if short in rows:
        return short, {}
    top = re.fullmatch(r"top-(\d+)-accuracy", short)
    if top:
        return "top-k-accuracy", {"k": int(top[1])}
    places = re.fullmatch(r"(.+)-at-(\d+)", short)
    if places and places[1] in rows:
        return places[1], {"k": int(places[2])}
    stem, _, average = short.rpartition("-")
    if stem in rows and average in AVERAGES:
        return stem, {"average": average}
    raise unknown("metric", name, rows, fix="see `neurarium.metrics.MEMBERS`")
