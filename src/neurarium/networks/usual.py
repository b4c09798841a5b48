"""Usual networks: which one is the default for what data, and which member a family's name means there."""

from __future__ import annotations

from typing import Any

from neurarium.data.specs import Spec

# By what is to be predicted, else by what one example is.
DEFAULTS: dict[str, tuple[str, str]] = {
    "Table": (
        "tabm",
        "an ensemble that shares its weights, with piecewise-linear embeddings of numbers: the best untuned network for "
        "mixed tables (arXiv:2410.24210) that trains in minutes on a CPU",
    ),
    "Image": ("cnn", "convolutions see the same pattern at every place of an image"),
    "Mixed": ("mixed", "each kind of column has a trunk of its own, and one layer joins what they say"),
    "Tokens": (
        "text-ensemble",
        "words, runs of characters, convolutions and attention make different mistakes: on sst2 the mixture had a validation "
        "loss of 0.399, its best member alone 0.410",
    ),
    "Series": (
        "minirocket",
        "fixed convolutions with a solved head learn from few series, in seconds (arXiv:2012.08791)",
    ),
    "Window": (
        "dlinear",
        "a moving average and the rest, each mapped to the horizon: of the linear forecasters the lowest validation error on "
        "etth1, airline-passengers, daily-temperatures and sunspots (arXiv:2205.13504)",
    ),
    "Waveform": (
        "speech-cnn",
        "separable convolutions over log-mel frames see a sound wherever it is (arXiv:1711.07128)",
    ),
    "Array": ("mlp", "nothing is known of how the numbers of an array belong together"),
    # and of targets that decide alone
    "Boxes": ("centre-detector", "things are points with a size: no anchors to choose (arXiv:1904.07850)"),
    "NextToken": ("decoder", "attention looks at every earlier token at once (arXiv:1706.03762)"),
    "Tags": (
        "bilstm-crf",
        "a tag depends on the words on both sides, on how a word is spelled and on the tag before (arXiv:1603.01360): on WNUT17 a "
        "span F1 of 0.238 on validation, an LSTM over words 0.184",
    ),
    "Frames": ("lstm", "what comes next depends on all that came before, which an LSTM remembers"),
    "Text": ("encoder-decoder", "attention reads and writes texts of any length (arXiv:1706.03762)"),
    "Transcript": (
        "speech-ctc",
        "symbols frame by frame, learned over all ways to lay them on the frames (Graves et al. 2006)",
    ),
    "Expectation": (
        "tcn",
        "causal convolutions see the moments before, the latest the most (arXiv:1803.01271)",
    ),
    "Mask": ("unet", "a class for every pixel needs what is around it, and where it is (arXiv:1505.04597)"),
}

# (a family's name, what is to be predicted or what one example is) -> its member there, options of it, and what it does.
FAMILIES: dict[tuple[str, str], tuple[str, dict[str, Any], str]] = {
    ("transformer", "Text"): ("encoder-decoder", {}, "the transformer that reads a text and writes another"),
    ("transformer", "NextToken"): ("decoder", {}, "the transformer whose tokens see those before them alone"),
    ("transformer", "Window"): ("patch-tst", {}, "the transformer over the patches of a series"),
    ("transformer", "Image"): ("vit", {}, "the transformer over the patches of an image"),
    ("lstm", "Text"): ("seq2seq-lstm", {}, "the LSTM that writes what another one read, with attention"),
    ("tcn", "Window"): ("causal-forecaster", {}, "the causal convolutions that say the whole horizon"),
    **{
        (cell, "Window"): (
            "recurrent-forecaster",
            {"cell": cell},
            "the recurrent network that says the whole horizon",
        )
        for cell in ("rnn", "lstm", "gru")
    },
}


def member_for(name: str, inputs: Spec, targets: Spec) -> tuple[str, dict[str, Any], str]:
    """Return the member that a family's name means for such data, options of it, and the reason; other names as they are.

    >>> from neurarium.data.specs import Classes, Horizon, Tokens, Window
    >>> member_for("gru", Window(1, 48, 24), Horizon(("y",), 24))[:2]
    ('recurrent-forecaster', {'cell': 'gru'})
    >>> member_for("gru", Tokens(100, 20), Classes(("no", "yes")))
    ('gru', {}, 'asked for')
    """
    for kind in (type(targets).__name__, type(inputs).__name__):
        if (name, kind) in FAMILIES:
            member, options, does = FAMILIES[name, kind]
            return member, dict(options), f"{name} was asked for: {does}"
    return name, {}, "asked for"


def such_as(spec: Spec, advice: str) -> str:
    """Return the advice with the network that is usual for a spec.

    >>> from neurarium.data.specs import Image
    >>> such_as(Image(3, 8, 8), "choose another")
    'choose another, such as --network cnn'
    """
    usual = DEFAULTS.get(type(spec).__name__)
    return f"{advice}, such as --network {usual[0]}" if usual else f"{advice} (--network)"
