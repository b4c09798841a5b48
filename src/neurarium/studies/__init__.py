"""Studies: what one does with a trained network. They train only through `fit`."""

from neurarium.core.members import Member, lazy

MEMBERS: dict[str, Member] = {
    "train": Member(
        "training", "train", "train and measure, with a sensible choice for all that is not said", "03"
    ),
    "evaluate": Member(
        "evaluation.study", "evaluate", "metrics with intervals, per class, confusion matrix", "08"
    ),
    "EvaluationReport": Member("evaluation.report", summary="what an evaluation found"),
    "reports_of": Member("evaluation.report", summary="the reports of a run's splits"),
    "predict": Member(
        "prediction.study", "predict", "classes, probabilities, values and intervals for new data", "03"
    ),
    "generate": Member("prediction.generation", "generate", "a language model goes on with a text", "15"),
    "Generation": Member("prediction.generation", summary="what a language model wrote"),
    "published_language_model": Member(
        "prediction.published_language",
        summary="a published language model, to write and score text",
        chapter="15",
    ),
    "Sampling": Member("decoding.sampling", summary="how the next token is drawn", chapter="15"),
    "score_texts": Member(
        "prediction.language_scores", summary="how likely a language model finds texts", chapter="15"
    ),
    "predict_frames": Member(
        "prediction.frames", summary="what comes next at each step of new series", chapter="11"
    ),
    "predict_tags": Member(
        "prediction.tagging", summary="the tag of each word of new sentences", chapter="10b"
    ),
    "attend": Member(
        "prediction.text_attention", summary="which tokens of a text a network looked at", chapter="13"
    ),
    "predict_with_notes": Member("prediction.study", summary="predictions, and what the preparation noted"),
    "read_data": Member("planning.reading", summary="a dataset by the name of its source"),
    "warm_start": Member(
        "planning.starting_point", summary="the weights of one run as the start of another", chapter="03"
    ),
    "calibrate": Member(
        "decisions.calibration",
        "calibrate",
        "temperature scaling: probabilities that mean what they say",
        "08",
    ),
    "fit_temperature": Member(
        "decisions.calibration", summary="the temperature of least log-loss for given logits"
    ),
    "Temperature": Member(
        "decisions.calibration", summary="a network whose outputs are divided by a temperature"
    ),
    "fit_spread": Member(
        "decisions.calibration", summary="the factor on predicted standard deviations of most likelihood"
    ),
    "reliability": Member("decisions.calibration", summary="data of a reliability plot"),
    "quantile_reliability": Member(
        "decisions.calibration", summary="how often targets lie below predicted quantiles"
    ),
    "compare": Member(
        "comparison.pair", "compare", "two runs on the same examples, with a paired test", "08"
    ),
    "compare_runs": Member(
        "comparison.pair", summary="two trained runs on the same examples, with a paired test"
    ),
    "compare_several": Member(
        "comparison.several",
        summary="several runs on the same examples, each pair with a paired test",
        chapter="08",
    ),
    "RunComparison": Member(
        "comparison.several", summary="metrics, paired tests, and what differs between runs"
    ),
    "holm": Member("comparison.several", summary="p-values corrected for their number"),
    "Comparison": Member(
        "comparison.pair", summary="two runs on the same examples: difference, interval, p-value"
    ),
    "calibrate_sets": Member(
        "decisions.conformal", "conformal-sets", "sets of classes that hold the truth as promised", "08"
    ),
    "calibrate_intervals": Member(
        "decisions.conformal", "conformal-intervals", "intervals that hold the truth as promised", "08"
    ),
    "ConformalSets": Member("decisions.conformal", summary="calibrated prediction sets of classes"),
    "ConformalIntervals": Member(
        "decisions.conformal", summary="calibrated prediction intervals of quantities"
    ),
    "set_coverage": Member(
        "decisions.conformal", summary="how often prediction sets hold the truth, and their mean size"
    ),
    "interval_coverage": Member(
        "decisions.conformal", summary="how often intervals hold the truth, and their mean width"
    ),
    "choose_threshold": Member(
        "decisions.thresholds", "threshold", "the best threshold on a validation split", "08"
    ),
    "choose_thresholds": Member("decisions.thresholds", summary="the best threshold of each label"),
    "choose_costs": Member(
        "decisions.thresholds", "costs", "the best costs of missing each class on a validation split", "08"
    ),
    "Costs": Member(
        "decisions.thresholds", summary="what decisions cost, and the decision of least expected cost"
    ),
    "check_data": Member(
        "inspection.study", "check-data", "what is wrong with data, before anything is trained on it", "08"
    ),
    "Inspection": Member("inspection.result", summary="what a check of data found: findings and facts"),
    "untrained": Member("training", summary="what `train` would train, before its first step"),
    "choose_sets": Member(
        "prediction.prediction_sets",
        summary="a run's conformal prediction sets, kept in its folder",
        chapter="08",
    ),
    "calibrate_run": Member(
        "prediction.decision_rule", summary="a run's temperature, kept in its folder", chapter="08"
    ),
    "choose_rule": Member(
        "prediction.decision_rule",
        summary="thresholds or costs by which a run decides, kept in its folder",
        chapter="08",
    ),
    "DecisionRule": Member("prediction.decision_rule", summary="how probabilities become a decision"),
    "check_signal": Member(
        "probes.signal",
        "check-signal",
        "what flows through a network before its first step, and what is wrong",
        "06",
    ),
    "SignalReport": Member(
        "probes.signal", summary="variances of activations and gradients by layer, with findings"
    ),
    "find_learning_rate": Member(
        "probes.learning_rate",
        "find-learning-rate",
        "the loss while the rate rises, and the rate at which it falls fastest",
        "03",
    ),
    "LearningRateReport": Member("probes.learning_rate", summary="what a sweep of the rate found"),
    "examine": Member(
        "examination.study", "examine", "what a report shows beyond the metrics, computed once and kept", "08"
    ),
    "examination_of": Member("examination.study", summary="what `examine` found, from the run's folder"),
    "fit_baselines": Member(
        "comparison.baselines",
        "baselines",
        "a constant, a linear model, gradient boosting: on the same examples",
        "08",
    ),
    "Baseline": Member("comparison.baselines", summary="a simple model, measured as the run was"),
    "permutation_importance": Member(
        "examination.importance",
        "permutation-importance",
        "how much worse it gets when a column says nothing",
        "08",
    ),
    "Importance": Member(
        "examination.importance", summary="what each column is worth, with the spread over repeats"
    ),
    "worst_slices": Member(
        "examination.slices", "worst-slices", "the groups of examples on which it does worst", "08"
    ),
    "Slices": Member(
        "examination.slices", summary="the worst groups, with intervals and what chance explains"
    ),
    "worst_errors": Member(
        "examination.mistakes", "worst-errors", "the worst examples, with their inputs", "08"
    ),
    "WorstError": Member(
        "examination.mistakes", summary="an example that was predicted badly, with its inputs"
    ),
    "cross_validate": Member(
        "comparison.cross_validation",
        "cross-validate",
        "every example predicted by a model that has not seen it",
        "03",
    ),
    "roll_origin": Member(
        "comparison.rolling_origin",
        "rolling-origin",
        "forecasts from several moments, by models of what came before",
        "21",
    ),
    "forecast_report": Member("evaluation.forecasting", summary="forecasts measured beside naive ones"),
    "predict_future": Member("prediction.future", summary="what comes after the last rows of series"),
    "CrossValidation": Member(
        "comparison.cross_validation", summary="metrics by fold, and out-of-fold predictions"
    ),
    "translate": Member(
        "prediction.translation", "translate", "texts written for those that are read, by beam search", "13"
    ),
    "align": Member(
        "prediction.alignment", "align", "which words a network looked at while it wrote each word", "13"
    ),
    "Alignment": Member("prediction.alignment", summary="weights of words written over words read"),
    "search_beams": Member(
        "decoding.beam_search", "search-beams", "the best texts of a network that writes token by token", "15"
    ),
    "profile": Member(
        "probes.profiling", "profile", "what each layer gives, holds, computes, and how long it takes", "03"
    ),
    "summary": Member("probes.profiling", "summary", "what each layer gives, holds and computes", "03"),
    "Profile": Member(
        "probes.profiling", summary="the layers of a network with parameters, multiply-adds, times"
    ),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
