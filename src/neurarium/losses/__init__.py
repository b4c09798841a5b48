"""Losses: `loss(outputs, targets, weights, mask) -> Sum(total, weight)`; `elementwise` gives the per-example values."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "MeanSquaredError": Member("mean_squared_error", "mean-squared-error", "squared error; the mean", "02"),
    "MeanAbsoluteError": Member(
        "mean_absolute_error", "mean-absolute-error", "absolute error; the median", "02"
    ),
    "Huber": Member("huber", "huber", "squared near zero, linear for outliers", "02"),
    "Quantile": Member("quantile", "quantile", "pinball loss; one output per quantile", "02"),
    "GaussianNLL": Member(
        "gaussian_nll", "gaussian-nll", "negative log-likelihood; learns mean and variance", "02"
    ),
    "StudentTNLL": Member("student_t_nll", "student-t-nll", "negative log-likelihood with heavy tails", "02"),
    "PoissonNLL": Member("poisson_nll", "poisson-nll", "negative log-likelihood of counts", "02"),
    "BinaryCrossEntropy": Member(
        "binary_cross_entropy", "binary-cross-entropy", "two classes, or several labels", "02"
    ),
    "CrossEntropy": Member("cross_entropy", "cross-entropy", "several classes by softmax", "02"),
    "Hinge": Member("hinge", "hinge", "margin of a support vector machine", "02"),
    "Margin": Member("margin", "margin", "lengths of capsules, long where present", "12"),
    "Focal": Member("focal", "focal", "cross-entropy with its weight on what is hard", "02"),
    "KLDivergence": Member("kl_divergence", "kl-divergence", "divergence from a target distribution", "02"),
    "Dice": Member("dice", "dice", "overlap of regions", "02"),
    "CrossEntropyDice": Member(
        "cross_entropy_dice", "cross-entropy-dice", "classes of pixels: cross-entropy and overlap", "10a"
    ),
    "Centres": Member("centres", "centres", "where things are, and how their boxes fit", "10a"),
    "Tversky": Member("tversky", "tversky", "overlap with prices for false alarms and misses", "02"),
    "Contrastive": Member("contrastive", "contrastive", "like pairs near, unlike pairs far", "02"),
    "Triplet": Member("triplet", "triplet", "nearer to the positive than to the negative", "02"),
    "CTC": Member("ctc", "ctc", "label sequences without alignment", "02"),
    "SideBySide": Member("side_by_side", "", "the sum of the losses of several targets", "02"),
    "Loss": Member("base"),
    "Sum": Member("base"),
    "loss_for": Member("choice"),
    "losses_for": Member("choice"),
    "task_of": Member("choice"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
