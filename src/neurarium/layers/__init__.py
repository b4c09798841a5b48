"""Layers: building blocks of networks. Activations have a package of their own, `neurarium.layers.activations`."""

from neurarium.core.members import Member, lazy

MEMBERS = {
    "Dropout": Member("dropout", "dropout", "drops numbers", "09"),
    "AlphaDropout": Member("dropout", "alpha-dropout", "drops units of a self-normalizing network", "09"),
    "ChannelDropout": Member("dropout", "channel-dropout", "drops whole channels (spatial dropout)", "09"),
    "GaussianDropout": Member("dropout", "gaussian-dropout", "multiplies with Gaussian noise", "09"),
    "DropConnect": Member("drop_connect", "drop-connect", "drops weights", "09"),
    "StochasticDepth": Member(
        "stochastic_depth", "stochastic-depth", "drops residual branches (drop path)", "09"
    ),
    "GatedLinear": Member(
        "gated_linear", "gated-linear", "linear layer with a gate (GLU, SwiGLU, GEGLU)", "04"
    ),
    "MaxoutLinear": Member("maxout_linear", "maxout-linear", "the largest of several linear maps", "04"),
    "normalize_spectrum": Member("spectral_norm"),
    "normalize_weight": Member("weight_norm"),
    "CausalConvolution": Member(
        "causal_convolution", "causal-convolution", "dilated convolution that never sees the future", "21"
    ),
    "CausalBlock": Member(
        "causal_convolution", "causal-block", "two causal convolutions with a skip connection", "21"
    ),
    "receptive_field": Member("causal_convolution"),
    "ConditionalRandomField": Member(
        "conditional_random_field", "conditional-random-field", "which tags follow one another", "10b"
    ),
    "Spelling": Member("spelling", "spelling", "a vector for each word from its letters", "10b"),
    "AttentionPooling": Member(
        "attention_pooling", "", "a learned weighted mean of the positions of a sequence", "01"
    ),
    "Attention": Member("attention", "attention", "multi-head attention by any score", "13"),
    "DotScore": Member("attention_scores", "dot-score", "attention by dot products", "13"),
    "ScaledDotScore": Member(
        "attention_scores", "scaled-dot-score", "dot products over the root of their length", "13"
    ),
    "CosineScore": Member(
        "attention_scores", "cosine-score", "attention by cosines, with a learned scale", "13"
    ),
    "GeneralScore": Member("attention_scores", "general-score", "Luong's bilinear attention", "13"),
    "AdditiveScore": Member("attention_scores", "additive-score", "Bahdanau's additive attention", "13"),
    "score_named": Member("attention_scores"),
    "weights_of": Member("attention_scores"),
    "allowed_pairs": Member("attention_masks"),
    "attend_locally": Member("local_attention", summary="attention within a window, in chunks", chapter="13"),
    "KeyValueCache": Member(
        "key_value_cache", "", "keys and values of earlier positions, for generation", "15"
    ),
    "TransformerBlock": Member(
        "transformer_block", "transformer-block", "attention and a feed-forward layer, with norms", "15"
    ),
    "FeedForward": Member("feed_forward", "feed-forward", "two layers at each position, gated or not", "15"),
    "RMSNorm": Member("rms_norm", "rms-norm", "divides by the root mean square", "15"),
    "norm": Member("rms_norm"),
    "DynamicRouting": Member("capsules", "dynamic-routing", "capsules routed by agreement", "12"),
    "AttentionRouting": Member(
        "capsules", "attention-routing", "capsules routed by self-attention in one pass", "12"
    ),
    "squash": Member("capsules"),
    "exponential_squash": Member("capsules"),
    "EMRouting": Member(
        "expectation_maximization", "em-routing", "capsules routed by fitting a Gaussian per whole", "12"
    ),
    "dynamic_routing": Member("capsules"),
    "linear_scan": Member("linear_recurrence", summary="a linear recurrence over all steps", chapter="11"),
    "em_routing": Member("expectation_maximization"),
    "ReversibleNormalization": Member(
        "reversible_normalization",
        "reversible-normalization",
        "each window by its own mean and scale, and back",
        "21",
    ),
    "CovariateEffects": Member(
        "covariate_effects", "covariate-effects", "what is known beside a series, added to its forecast", "21"
    ),
    "Recurrent": Member("recurrent", "recurrent", "Elman, LSTM and GRU layers, stacked, both ways", "11"),
    "SinusoidalPositions": Member(
        "positions", "sinusoidal-positions", "waves that say where a token stands", "15"
    ),
    "LearnedPositions": Member("positions", "learned-positions", "a learned vector per position", "15"),
    "Rotary": Member("positions", "rotary", "queries and keys turned by their position", "15"),
    "LogMel": Member("log_mel", "log-mel", "how loud each band of pitch is, frame by frame", "21"),
    "mel_filters": Member("log_mel"),
    "mel": Member("log_mel"),
    "hertz": Member("log_mel"),
    "TableEmbedding": Member(
        "table_embedding", "table-embedding", "a row of numbers and categories as a vector", "01"
    ),
    "LinearEmbedding": Member(
        "embeddings", "linear-embedding", "a vector per column, scaled by its number", "01"
    ),
    "PeriodicEmbedding": Member("embeddings", "periodic-embedding", "waves of each number (PLR)", "01"),
    "BiasedPeriodicEmbedding": Member(
        "embeddings", "periodic-biased-embedding", "waves with a phase beside each number (PBLD)", "01"
    ),
    "PiecewiseLinearEncoding": Member(
        "embeddings", "piecewise-linear-encoding", "how far a number came through each bin (PLE)", "01"
    ),
    "PiecewiseLinearEmbedding": Member(
        "embeddings", "piecewise-linear-embedding", "a learned function of each number, linear in bins", "01"
    ),
    "CategoricalEmbedding": Member("embeddings", "categorical-embedding", "a vector per category", "01"),
    "OneHot": Member("embeddings", "one-hot", "one number per category", "01"),
    "EnsembleLinear": Member("ensemble", "ensemble-linear", "one linear map per member, batched", "01"),
    "EnsembleScale": Member("ensemble", "ensemble-scale", "one scaling vector per member", "01"),
    "BatchEnsembleLinear": Member(
        "ensemble", "batch-ensemble-linear", "one matrix for all members, between their scalings", "01"
    ),
    "combine": Member("ensemble"),
    "gaussian_moments": Member("ensemble"),
}

__getattr__, __dir__, __all__ = lazy(__name__, MEMBERS)
