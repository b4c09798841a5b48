"""Text quality: decoded translations by BLEU and summaries by ROUGE, beside their references."""

from __future__ import annotations

from typing import Any

import torch

from neurarium.data.dataset import Decision
from neurarium.data.preparation.text_pairs import TextPairPreparation
from neurarium.data.specs import Text
from neurarium.metrics.bleu import BLEU
from neurarium.metrics.intervals import bootstrap_set
from neurarium.metrics.metric import Metric
from neurarium.metrics.rouge import ROUGE1, ROUGE2, ROUGEL
from neurarium.studies.evaluation.lead_sentences import lead_baselines
from neurarium.studies.evaluation.report import EvaluationReport
from neurarium.studies.prediction.translation import BEAM, PENALTY, Written, write_texts
from neurarium.training.method import Method

MOST = 2000  # texts that are decoded
SHOWN = 6  # texts of each kind that are kept for the report


def add_text_quality(
    report: EvaluationReport,
    method: Method,
    preparation: Any,
    examples: Any,
    *,
    beam: int = BEAM,
    resamples: int = 1000,
    seed: int = 0,
) -> None:
    """Decode the texts of a split, and add BLEU or ROUGE to its report, with intervals, and examples.

    Of more than 2,000 texts, 2,000 at even distances are decoded. Examples that hold no raw texts stay as they are.
    """
    if not isinstance(preparation, TextPairPreparation) or not hasattr(examples, "goals"):
        return
    count = len(examples)
    places = torch.linspace(0, count - 1, min(count, MOST)).round().long()
    found = write_texts(method, preparation, examples.take(places)["inputs"], beam)
    wanted = [examples.goals[place] for place in places.tolist()]
    metrics = metrics_of(preparation.targets, preparation.lowercase)
    for name, metric in metrics.items():
        report.metrics[name] = float(metric.value(found.texts, wanted))
    if resamples:
        report.intervals |= bootstrap_set(metrics, found.texts, wanted, resamples=resamples, seed=seed)
    sources = [examples.sources[place] for place in places.tolist()]
    report.texts = _examples(found, sources, wanted, metrics)
    if preparation.targets.task == "summarization":
        report.beside = lead_baselines(sources, wanted, found.texts, metrics, resamples=resamples, seed=seed)


def decoding(targets: Text, count: int) -> Decision:
    """Return the decision how texts of a split are decoded and measured."""
    names = ", ".join(each.upper().replace("_", "-") for each in metrics_of(targets))
    some = f"; of {count:,} texts {MOST:,} at even distances" if count > MOST else ""
    return Decision(
        "decoding", f"beam search, {BEAM} beams, length penalty {PENALTY:g}",
        f"{names} measures decoded texts beside their references, in the last split with intervals{some}",
        "neurarium translate --beam, --length-penalty",
    )  # fmt: skip


def metrics_of(targets: Text, lowercase: bool = False) -> dict[str, Metric]:
    """Return how decoded texts are measured: BLEU (sacrebleu's, 13a), or ROUGE-1, -2 and -L.

    >>> list(metrics_of(Text(9, 4, task="summarization")))
    ['rouge_1', 'rouge_2', 'rouge_l']
    """
    if targets.task == "summarization":
        return {"rouge_1": ROUGE1(), "rouge_2": ROUGE2(), "rouge_l": ROUGEL()}
    return {"bleu": BLEU(tokenize="13a", lowercase=lowercase)}


def _examples(
    found: Written, sources: list[str], wanted: list[str], metrics: dict[str, Metric]
) -> list[dict[str, Any]]:
    """Return the worst and the typical texts (about the median), by the metric of each text alone."""
    name, metric = list(metrics.items())[-1]
    values = [float(metric.value([said], [goal])) for said, goal in zip(found.texts, wanted, strict=True)]
    order = sorted(range(len(values)), key=lambda place: values[place])
    middle = max(0, len(order) // 2 - SHOWN // 2)
    chosen = [("typical", place) for place in order[middle : middle + SHOWN]]
    chosen += [("worst", place) for place in order[:SHOWN] if place not in [each for _, each in chosen]]
    return [
        {"kind": kind, "source": sources[place], "wanted": wanted[place], "said": found.texts[place],
         "metric": name, "value": values[place]}
        for kind, place in chosen
    ]  # fmt: skip
