"""Metrics: accumulators that update, merge over ranks and folds, and compute."""

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "Metric": Member("metric", summary="the root of all metrics: update, merge, compute, reset, state, load"),
    "MetricSet": Member("metric_set", summary="several metrics that see the same predictions"),
    "metrics_for": Member("choice", summary="the metrics that suit a kind of targets"),
    "make_metric": Member("choice", summary="a metric by the name it has in results"),
    "goal": Member("choice", summary="whether a metric is to be maximized or minimized"),
    "Accuracy": Member("accuracy", "accuracy", "share of examples whose predicted class is right", "08"),
    "LabelAccuracy": Member("accuracy", "label-accuracy", "share of single labels that are right", "08"),
    "TopKAccuracy": Member("top_k", "top-k-accuracy", "the right class is among the k first", "08"),
    "BalancedAccuracy": Member("balanced_accuracy", "balanced-accuracy", "mean recall of the classes", "08"),
    "Precision": Member(
        "precision", "precision", "share of what is predicted as a class that is of it", "08"
    ),
    "Recall": Member("recall", "recall", "share of a class that is found", "08"),
    "F1": Member("f1", "f1", "harmonic mean of precision and recall", "08"),
    "MatthewsCorrelation": Member("matthews", "mcc", "correlation of predicted and true classes", "08"),
    "ConfusionMatrix": Member(
        "confusion", "confusion-matrix", "which class was taken for which; TP, FP, TN, FN", "08"
    ),
    "RocCurve": Member("curves", "roc-curve", "true over false positive rate at each threshold", "08"),
    "PrecisionRecallCurve": Member(
        "curves", "precision-recall-curve", "precision over recall at each threshold", "08"
    ),
    "roc_curve": Member("curves", summary="ROC curve of scores and 0/1 targets"),
    "precision_recall_curve": Member("curves", summary="precision-recall curve of scores and 0/1 targets"),
    "AUC": Member("auc", "auc", "chance that a positive scores above a negative", "08"),
    "AveragePrecision": Member("auc", "average-precision", "precision averaged over gained recall", "08"),
    "LogLoss": Member("log_loss", "log-loss", "mean surprise at the right class, in nats", "08"),
    "Perplexity": Member("log_loss", "perplexity", "exponential of the log-loss", "08"),
    "BrierScore": Member("brier", "brier", "squared distance of probabilities from what happened", "08"),
    "ExpectedCalibrationError": Member(
        "calibration_error", "ece", "distance of confidence from frequency", "08"
    ),
    "ReliabilityCurve": Member(
        "calibration_error", "reliability-curve", "frequency over confidence, in bins", "08"
    ),
    "RMSE": Member("rmse", "rmse", "root of the mean squared error", "08"),
    "MSE": Member("mse", "mse", "mean squared error", "21"),
    "MAE": Member("absolute_error", "mae", "mean absolute error", "08"),
    "MAPE": Member("relative_error", "mape", "mean absolute error relative to the target, a fraction", "08"),
    "SMAPE": Member("relative_error", "smape", "symmetric relative error, 0 to 2", "08"),
    "MedianAbsoluteError": Member(
        "median_absolute_error", "median-absolute-error", "median of the absolute errors", "08"
    ),
    "R2": Member("r2", "r2", "share of the targets' variance that is explained", "08"),
    "ExplainedVariance": Member("r2", "explained-variance", "R2 without the cost of a constant offset", "08"),
    "MASE": Member("mase", "mase", "error relative to that of the naive forecast", "08"),
    "naive_error": Member(
        "mase", summary="error of the naive forecast over the training series: the scale of MASE"
    ),
    "CRPS": Member("crps", "crps", "error of a predicted distribution, in the targets' unit", "08"),
    "Pinball": Member("quantile_loss", "pinball", "error of predicted quantiles", "08"),
    "GaussianNLL": Member(
        "gaussian_nll", "gaussian-nll", "surprise under a predicted mean and deviation", "08"
    ),
    "TokenAccuracy": Member("span_f1", "token-accuracy", "share of tokens whose tag is right", "10b"),
    "SentenceAccuracy": Member(
        "span_f1", "sentence-accuracy", "share of sentences all of whose tags are right", "10b"
    ),
    "SpanF1": Member("span_f1", "span-f1", "F1 of the spans that tags mark (BIO)", "10b"),
    "SpanPrecision": Member("span_f1", "span-precision", "share of predicted spans that are right", "10b"),
    "SpanRecall": Member("span_f1", "span-recall", "share of true spans that are found", "10b"),
    "FrameNLL": Member("frames", "frame-nll", "surprise at the next frame, in nats", "11"),
    "FrameAccuracy": Member("frames", "frame-accuracy", "hits over hits and mistakes, over all notes", "11"),
    "IoU": Member("overlap", "iou", "intersection over union of regions", "08"),
    "Dice": Member("overlap", "dice", "Dice coefficient of regions", "08"),
    "MaskDice": Member("segmented", "mask-dice", "Dice coefficient from tables of pixels per image", "10a"),
    "MaskIoU": Member("segmented", "mask-iou", "IoU from tables of pixels per image", "10a"),
    "PixelAccuracy": Member(
        "segmented", "pixel-accuracy", "share of pixels whose class is right, from tables", "10a"
    ),
    "MeanAveragePrecision": Member(
        "mean_average_precision", "map", "average precision of boxes, mean over classes and overlaps", "10a"
    ),
    "MeanAveragePrecision50": Member(
        "mean_average_precision", "map-50", "average precision of boxes at an overlap of one half", "10a"
    ),
    "MeanAveragePrecision75": Member(
        "mean_average_precision",
        "map-75",
        "average precision of boxes at an overlap of three quarters",
        "10a",
    ),
    "MeanAveragePrecisionSmall": Member(
        "mean_average_precision", "map-small", "average precision of boxes up to 32 x 32 pixels", "10a"
    ),
    "MeanAveragePrecisionMedium": Member(
        "mean_average_precision",
        "map-medium",
        "average precision of boxes from 32 x 32 to 96 x 96 pixels",
        "10a",
    ),
    "MeanAveragePrecisionLarge": Member(
        "mean_average_precision", "map-large", "average precision of boxes from 96 x 96 pixels on", "10a"
    ),
    "MeanAverageRecall100": Member(
        "mean_average_precision", "mar-100", "share of boxes found, mean over classes and overlaps", "10a"
    ),
    "NDCG": Member("ndcg", "ndcg", "discounted gain of a ranking, relative to the best one", "08"),
    "MRR": Member("reciprocal_rank", "mrr", "mean reciprocal rank of the first relevant item", "08"),
    "HitRate": Member(
        "hit_rate", "hit-rate", "share of queries with a relevant item among the first k", "08"
    ),
    "TokenPerplexity": Member(
        "told_tokens", "token-perplexity", "among how many tokens the next one is chosen", "08"
    ),
    "NextTokenAccuracy": Member(
        "told_tokens", "next-token-accuracy", "share of tokens told from those before", "08"
    ),
    "ROUGE1": Member("rouge", "rouge-1", "words that a summary and its reference have in common", "08"),
    "ROUGE2": Member("rouge", "rouge-2", "pairs of words that they have in common", "08"),
    "ROUGEL": Member("rouge", "rouge-l", "the longest sequence of words in common", "08"),
    "BLEU": Member("bleu", "bleu", "corpus BLEU of translations, 0 to 100", "08"),
    "CharacterErrorRate": Member(
        "error_rate", "character-error-rate", "characters to change per character that was said", "21"
    ),
    "WordErrorRate": Member("error_rate", "word-error-rate", "words to change per word that was said", "21"),
    "TranscriptErrorRate": Member(
        "error_rate", "transcript-error-rate", "share of transcripts with any mistake", "21"
    ),
    "FrechetDistance": Member(
        "frechet_distance", "frechet-distance", "distance between Gaussians over features", "08"
    ),
    "KernelDistance": Member(
        "kernel_distance", "kernel-distance", "squared polynomial MMD between features", "08"
    ),
    "LanguagePerplexity": Member(
        "language", "language-perplexity", "among how many likely tokens a language model chooses", "15"
    ),
    "BitsPerCharacter": Member(
        "language", "bits-per-character", "surprise of a language model per character of its text", "15"
    ),
    "BitsPerByte": Member(
        "language", "bits-per-byte", "surprise of a language model per byte of its text", "15"
    ),
    "BitsPerDimension": Member(
        "bits_per_dimension", "bits-per-dimension", "negative log-likelihood in bits per dimension", "08"
    ),
    "bootstrap": Member("intervals", summary="bootstrap confidence interval of any metric"),
    "bootstrap_set": Member("intervals", summary="bootstrap confidence intervals of a set of metrics"),
    "wilson": Member("intervals", summary="Wilson interval of a proportion"),
    "Interval": Member("intervals", summary="an estimate with its confidence interval"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
