"""The choice of a network: by name, or the default for what one example is."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import nn

from neurarium.core.errors import OptionError
from neurarium.core.members import find
from neurarium.core.options import coerce
from neurarium.data.specs import Array, Horizon, Spec, Waveform, Window

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
        "lstm",
        "a tag depends on the words on both sides: an LSTM in both directions (arXiv:1508.01991)",
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


MOST_KNOWN = 2000  # numbers of a window: a solution takes their cube
SOLVED = (
    "window-linear",
    "a linear forecast has a solution: no seed, no rate, and over rolling origins no more error than descent "
    "(arXiv:2403.14587)",
)


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


class Choice(NamedTuple):
    """A network, its name, and why it was taken."""

    network: nn.Module
    name: str
    reason: str


def network_for(inputs: Spec, targets: Spec, name: str | None = None, **options: Any) -> Choice:
    """Build a network for a dataset's specs.

    Args:
        inputs, targets: the specs.
        name: its name on the command line; None for the default.
        options: of the network; text is turned into values.

    Raises:
        OptionError: an unknown name or option, or no default for such inputs.
        RefusalError: the network cannot take such inputs or targets.

    >>> from neurarium.data.specs import Array, Classes
    >>> choice = network_for(Array((4,)), Classes(("no", "yes")), widths="8,8")
    >>> choice.name, choice.network.feature_dim
    ('mlp', 8)
    """
    if name is None:
        name, reason = default(inputs, targets)
    else:
        name, own, reason = member_for(name, inputs, targets)
        options = {**own, **options}
    builder = find("network", name)
    values = coerce(builder, options, what=f"network '{name}'")
    if isinstance(inputs, Waveform) and not getattr(builder, "hears", False):
        from neurarium.networks.sounds.listener import Listener  # it looks networks up by name itself

        listener = Listener.for_data(inputs, targets, network=name, **values)
        return Choice(listener, name, f"{reason}; it sees the log-mel frames of sound")
    return Choice(builder.for_data(inputs, targets, **values), name, reason)


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


def default(inputs: Spec, targets: Spec | None = None, *, descends: bool = False) -> tuple[str, str]:
    """Return the name of the default network for such inputs and targets, and the reason.

    Args:
        inputs, targets: the specs.
        descends: something was asked for that only a training in steps has.

    Raises:
        OptionError: there is none.
    """
    if isinstance(inputs, Array) and len(inputs.shape) == 4:
        return "cnn", "places of a volume that are near each other belong together"
    if (
        isinstance(inputs, Window)
        and isinstance(targets, Horizon)
        and not descends
        and _solvable(inputs, targets)
    ):
        return SOLVED
    kinds = (type(targets).__name__, type(inputs).__name__)
    found = next((DEFAULTS[each] for each in kinds if each in DEFAULTS), None)
    if found is None:
        raise OptionError(
            f"there is no default network for {kinds[1]} inputs",
            expected="a network's name",
            fix="name one with --network",
        )
    return found


def _solvable(inputs: Window, targets: Horizon) -> bool:
    """Return whether a value is to be said, and what is known of it is little enough for a solution.

    >>> _solvable(Window(1, 48, 24, future=("price",)), Horizon(("y",), 24))
    True
    """
    beforehand = [name for name in inputs.future if not name.endswith((" sine", " cosine"))]
    known = inputs.lookback * (1 + len(inputs.past)) + inputs.horizon * len(beforehand)
    return not targets.quantiles and known <= MOST_KNOWN
