"""Log-loss: the mean surprise at the right class."""

from __future__ import annotations

import torch
from torch import Tensor

from neurarium.core.recipe import recorded
from neurarium.metrics.classified import Classified, Probable
from neurarium.metrics.metric import MeanMetric


@recorded
class LogLoss(Probable, MeanMetric):
    """Log-loss: `-sum(w log p[target]) / sum(w)` in nats; with several labels the mean over labels.

    Probabilities are cut to `[eps, 1 - eps]` with eps of their type (1.2e-7 for float32), as scikit-learn does: a
    class held impossible that occurs costs 15.9 rather than infinity. Predictions `(batch, classes)`, targets
    `(batch,)`; a float of 0 or more.

    >>> round(LogLoss().value(torch.tensor([[0.5, 0.5], [0.25, 0.75]]), torch.tensor([0, 1])), 4)
    0.4904
    """

    goal = "min"

    def values(self, examples: Classified) -> Tensor:
        scores = examples.scores
        eps = torch.finfo(scores.dtype).eps
        kept = scores.double().clamp(eps, 1 - eps)
        if examples.several:
            return -torch.where(examples.targets == 1, kept.log(), torch.log1p(-kept)).mean(dim=1)
        return -kept.gather(1, examples.targets[:, None]).squeeze(1).log()


@recorded
class Perplexity(LogLoss):
    """Perplexity: `exp(log-loss)`: among how many equally likely classes the predictions choose.

    Predictions `(batch, classes)`, targets `(batch,)`; a float of 1 or more.

    >>> round(Perplexity().value(torch.full((3, 4), 0.25), torch.tensor([0, 1, 2])), 4)
    4.0
    """

    def finish(self, means: Tensor) -> Tensor:
        return means.exp()
