"""One random problem for each metric, with ties and repeated values on purpose."""

from __future__ import annotations

import math

import numpy
import torch

from neurarium import metrics
from neurarium.core.members import find, table


def classes(count, seed, kinds=3):
    """Probabilities on a coarse grid, so that scores tie."""
    source = torch.Generator().manual_seed(seed)
    raw = torch.randint(0, 4, (count, kinds), generator=source).double() + 0.5
    return raw / raw.sum(dim=1, keepdim=True), torch.randint(0, kinds, (count,), generator=source)


def two_classes(count, seed):
    return classes(count, seed, 2)


def labels(count, seed, kinds=3):
    source = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, 5, (count, kinds), generator=source).double() / 4
    return scores, torch.randint(0, 2, (count, kinds), generator=source)


def quantities(count, seed, columns=2):
    source = torch.Generator().manual_seed(seed)
    targets = torch.randint(1, 9, (count, columns), generator=source).double()
    return targets + torch.randint(-2, 3, targets.shape, generator=source), targets


def distributions(count, seed):
    mean, targets = quantities(count, seed)
    source = torch.Generator().manual_seed(seed + 1)
    return {"mean": mean, "std": torch.rand(mean.shape, generator=source).double() + 0.5}, targets


def quantiles(count, seed):
    mean, targets = quantities(count, seed)
    return {"quantiles": torch.stack([mean - 1, mean, mean + 2], dim=1)}, targets


def samples(count, seed):
    _, targets = quantities(count, seed)
    source = torch.Generator().manual_seed(seed + 2)
    return {"samples": torch.randint(0, 9, (count, 5, 2), generator=source).double()}, targets


def scaled(count, seed):
    mean, targets = quantities(count, seed)
    source = torch.Generator().manual_seed(seed + 3)
    return {"mean": mean, "scale": torch.rand(count, generator=source) + 0.5}, targets


def images(count, seed):
    source = torch.Generator().manual_seed(seed)
    scores = torch.rand(count, 3, 2, 3, generator=source)
    return scores, torch.randint(0, 3, (count, 2, 3), generator=source)


def lists(count, seed):
    source = torch.Generator().manual_seed(seed)
    scores = torch.randint(0, 3, (count, 6), generator=source).double()
    return scores, torch.randint(-1, 3, (count, 6), generator=source).double()


def texts(count, seed):
    source = torch.Generator().manual_seed(seed)
    words = torch.randint(0, 4, (2, count, 7), generator=source)
    return words[0], words[1]


def told(count, seed):
    """What was told of each text: surprise, right tokens, tokens; the targets are in it."""
    source = torch.Generator().manual_seed(seed)
    tokens = torch.randint(1, 9, (count,), generator=source).double()
    right = (tokens * torch.rand(count, generator=source)).floor()
    return torch.stack([tokens * torch.rand(count, generator=source), right, tokens], dim=1), torch.zeros(
        count
    )


def features(count, seed):
    source = torch.Generator().manual_seed(seed)
    drawn = torch.randn(2, count, 3, generator=source, dtype=torch.float64)
    return drawn[0], drawn[1] + 1


def likelihoods(count, seed):
    source = torch.Generator().manual_seed(seed)
    return torch.randn(count, generator=source).double(), torch.randint(1, 5, (count,), generator=source)


# name: the problem, and the options the metric is tried with
def tables(count, seed):
    """Tables of pixels, one per image; the targets are in them."""
    chance = torch.Generator().manual_seed(seed)
    return torch.randint(0, 9, (count, 3, 3), generator=chance).double(), torch.zeros(count)


NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def tags(count, seed):
    """Tags of sentences of several lengths, and others that are right half of the time."""
    chance = torch.Generator().manual_seed(seed)
    truth = torch.randint(0, 5, (count, 6), generator=chance)
    said = torch.where(torch.rand(count, 6, generator=chance) < 0.5, truth, 1)
    lengths = torch.randint(1, 7, (count, 1), generator=chance)
    return said, torch.where(torch.arange(6) < lengths, truth, -1)


def frames(count, seed):
    """Nats, frames, hits, false alarms and misses of each example."""
    chance = torch.Generator().manual_seed(seed)
    return torch.randint(1, 9, (count, 5), generator=chance).double(), torch.zeros(count)


def transcripts(count, seed):
    """Edits and lengths of transcripts; the targets are in them."""
    chance = torch.Generator().manual_seed(seed)
    return torch.randint(0, 9, (count, 6), generator=chance).double() + 1, torch.zeros(count)


def surprises(count, seed):
    """Nats, tokens, characters and bytes of each window; the targets are in them."""
    source = torch.Generator().manual_seed(seed)
    tokens = torch.randint(1, 9, (count,), generator=source).double()
    return torch.stack(
        [tokens * torch.rand(count, generator=source), tokens, 3 * tokens, 4 * tokens], dim=1
    ), torch.zeros(count)


CASES = {
    "language-perplexity": (surprises, [{}]),
    "bits-per-character": (surprises, [{}]),
    "bits-per-byte": (surprises, [{}]),
    "token-accuracy": (tags, [{}]),
    "sentence-accuracy": (tags, [{}]),
    "span-f1": (tags, [{"names": NAMES}]),
    "span-precision": (tags, [{"names": NAMES}]),
    "span-recall": (tags, [{"names": NAMES}]),
    "frame-nll": (frames, [{}]),
    "frame-accuracy": (frames, [{}]),
    "mask-dice": (tables, [{}]),
    "mask-iou": (tables, [{}]),
    "pixel-accuracy": (tables, [{}]),
    "accuracy": (classes, [{}]),
    "label-accuracy": (labels, [{}]),
    "top-k-accuracy": (classes, [{"k": 1}, {"k": 2}]),
    "balanced-accuracy": (classes, [{}]),
    "precision": (classes, [{"average": a} for a in ("macro", "micro", "weighted", "each")]),
    "recall": (classes, [{"average": "each"}]),
    "f1": (classes, [{}, {"average": "each"}]),
    "mcc": (classes, [{}]),
    "confusion-matrix": (classes, [{}]),
    "roc-curve": (classes, [{"positive": 1}]),
    "precision-recall-curve": (classes, [{"positive": 1}]),
    "auc": (classes, [{"average": a} for a in ("macro", "micro", "weighted", "each")]),
    "average-precision": (labels, [{}, {"average": "micro"}]),
    "log-loss": (classes, [{}]),
    "perplexity": (classes, [{}]),
    "brier": (classes, [{}]),
    "ece": (classes, [{"bins": 5}, {"bins": 5, "spacing": "mass"}, {"positive": 1}]),
    "reliability-curve": (two_classes, [{"bins": 4}]),
    "rmse": (quantities, [{"average": a} for a in ("uniform", "pooled", "each")]),
    "mse": (quantities, [{"average": a} for a in ("uniform", "each")]),
    "mae": (quantities, [{}, {"average": "each"}]),
    "mape": (quantities, [{}]),
    "smape": (quantities, [{}]),
    "median-absolute-error": (quantities, [{}, {"average": "each"}]),
    "r2": (quantities, [{}, {"average": "each"}]),
    "explained-variance": (quantities, [{}]),
    "mase": (scaled, [{}]),
    "crps": (samples, [{}, {"fair": True}]),
    "pinball": (quantiles, [{"levels": (0.1, 0.5, 0.9)}]),
    "gaussian-nll": (distributions, [{}]),
    "iou": (images, [{}, {"ignore": 2}, {"level": "images"}]),
    "dice": (images, [{}, {"average": "each", "level": "images"}]),
    "ndcg": (lists, [{}, {"k": 3, "gain": "exponential"}]),
    "mrr": (lists, [{}, {"k": 2}]),
    "hit-rate": (lists, [{"k": 2}]),
    "rouge-1": (texts, [{}, {"padding": 0}]),
    "rouge-2": (texts, [{}]),
    "rouge-l": (texts, [{"padding": 0}]),
    "token-perplexity": (told, [{}]),
    "next-token-accuracy": (told, [{}]),
    "character-error-rate": (transcripts, [{}]),
    "word-error-rate": (transcripts, [{}]),
    "transcript-error-rate": (transcripts, [{}]),
    "bleu": (texts, [{"order": 2}, {"padding": 0}]),
    "frechet-distance": (features, [{}]),
    "kernel-distance": (features, [{}]),
    "bits-per-dimension": (likelihoods, [{"levels": 256}]),
}
UNWEIGHTED = ("bleu", "rouge-1", "rouge-2", "rouge-l", "frechet-distance", "kernel-distance")
ALL = [(name, options) for name, (_, options_) in CASES.items() for options in options_]


def make(name, options):
    """Make a metric by its command-line name."""
    return find("metric", name)(**options)


def problem(name, count, seed):
    """Return (predictions, targets) of `count` examples."""
    return CASES[name][0](count, seed)


def take(nest, index):
    """Return examples of a nest by a tensor of indices or a mask."""
    return {key: value[index] for key, value in nest.items()} if isinstance(nest, dict) else nest[index]


def same(one, two, tolerance=1e-9):
    """Whether two results are equal, NaN beside NaN."""
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key], tolerance) for key in one)
    if isinstance(one, torch.Tensor):
        return one.shape == two.shape and torch.allclose(
            one.double(), two.double(), rtol=tolerance, atol=tolerance, equal_nan=True
        )
    return (math.isnan(one) and math.isnan(two)) or math.isclose(
        one, two, rel_tol=tolerance, abs_tol=tolerance
    )


def names():
    """Return the command-line names of all metrics."""
    return sorted(table("metric"))


__all__ = ["ALL", "CASES", "UNWEIGHTED", "make", "metrics", "names", "problem", "same", "take"]


def drawn(count, size, shift=0.0, seed=0):
    """Return features `(count, size)` that depend on each other."""
    source = numpy.random.default_rng(seed)
    return source.normal(size=(count, size)) @ source.normal(size=(size, size)) + shift
