"""Text attention: which tokens of a text a network looked at, on demand."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from neurarium.core.errors import DataError, OptionError, RefusalError
from neurarium.data.preparation.language import LanguagePreparation
from neurarium.data.preparation.mixed import MixedPreparation
from neurarium.data.specs import Tags
from neurarium.networks.ensemble import Ensemble
from neurarium.studies.prediction.learner import evaluating, learner_of
from neurarium.training.run import Run


@dataclasses.dataclass
class TextAttention:
    """What a network looked at in one text.

    Args:
        text: as it was given.
        tokens: the pieces of it that were read, in their order.
        weights: of the tokens; they sum to one.
        matrices: of a transformer, `(blocks, heads, queries, keys)`, the class token before the others where there is
            one; None for networks without.
        labels: of the queries and keys of the matrices.
        cut: tokens that were left out, because the text is longer than what the network reads.
        gap: how many tokens stand before those that were left out.
        of: of a mixture, which of its networks have the attention; empty where all have, or there is one network.
    """

    text: str
    tokens: list[str]
    weights: list[float]
    matrices: Tensor | None = None
    labels: list[str] = dataclasses.field(default_factory=list)
    cut: int = 0
    gap: int = 0
    of: str = ""

    def to_json(self) -> dict[str, Any]:
        held = {"text": self.text, "tokens": self.tokens, "weights": self.weights, "cut": self.cut}
        held |= {"gap": self.gap} if self.cut else {}
        return {**held, "of": self.of} if self.of else held


def text_row(run: Run, text: str) -> Any:
    """Return a literal text as the one row of a table that the run can predict; for a language model as one text.

    Raises:
        OptionError: the run was not trained on texts alone.
        DataError: the text is empty.
    """
    preparation = run.preparation
    if isinstance(preparation, LanguagePreparation) and text:
        return [text]
    if isinstance(run.targets, Tags):
        raise RefusalError(
            "a run that tags words looks at no text as a whole: there is no attention to show",
            expected="a run of classes or quantities",
            received="a run of tags",
            fix="leave out --attention",
        )
    if not isinstance(preparation, MixedPreparation) or not preparation.texts:
        raise OptionError(
            "--input-text is for runs that were trained on texts",
            expected="a run with a text column",
            received=f"{run.folder or 'a run'} on {type(run.inputs).__name__} inputs",
            fix="give the new data with --input FILE",
        )
    if not preparation.alone:
        raise OptionError(
            "the run reads more than one text per row: a literal text is not all of it",
            expected=f"the columns {', '.join(preparation.sources)}",
            received="one text",
            fix="give a table with all of them: --input FILE",
        )
    if not text.strip():
        raise DataError("the text is empty", expected="at least one word", received=repr(text))
    return {preparation.texts[0][1]: [text]}


def attend(run: Run, text: str) -> TextAttention:
    """Return which tokens of a text the run's network looked at.

    Args:
        run: trained on texts alone, with a network that has attention: a transformer, a text bag, or a recurrent or
            convolutional network with pooling=attention; of an ensemble the mean of those members that have it.
        text: a literal.

    Raises:
        RefusalError: the network has no attention.
        OptionError: the run was not trained on texts alone.
        DataError: the text is empty.

    >>> import neurarium as nr
    >>> rows = {"text": ["a good old film", "a bad old film"] * 20, "sentiment": ["yes", "no"] * 20}
    >>> data = nr.data.table(rows, "sentiment", text=("text",), tokenizer="words")
    >>> run = nr.studies.train(data, "text-bag", epochs=1, progress=False)
    >>> nr.studies.attend(run, "a good film").tokens
    ['a', 'good', 'film']
    """
    text_row(run, text)
    preparation: Any = run.preparation
    fitted = preparation.texts[0][2]
    method = learner_of(run)
    with evaluating(method) as device:
        network = _bare(method.deployed)
        inputs = {name: each.to(device) for name, each in fitted.batch(fitted.encode([text])).items()}
        if not bool(inputs["mask"].any()):
            raise DataError("the text holds no token", expected="at least one word", received=repr(text))
        looking = _looking(network)
        weights = torch.stack([each.token_weights(inputs) for each in looking]).mean(dim=0)[0]
        matrices = network.attention(inputs)[0].cpu() if hasattr(network, "attention") else None
    pieces = fitted.tokenizer.pieces(text)
    count = int(inputs["mask"].sum())
    places = fitted.kept(len(pieces))[:count]
    tokens = [pieces[place] for place in places]
    found = TextAttention(
        text,
        tokens,
        [float(each) for each in weights[:count].cpu()],
        cut=len(pieces) - count,
        gap=sum(place == number for number, place in enumerate(places)),
        of=_told(network, looking),
    )
    if matrices is not None:
        first = ["[class]"] if matrices.shape[-1] > inputs["mask"].shape[1] else []
        found.labels = [*first, *tokens]
        found.matrices = matrices[..., : len(found.labels), : len(found.labels)]
    return found


def _bare(network: nn.Module) -> Any:
    """Take off what stands around a network: a temperature divides outputs and changes no attention."""
    inner = getattr(network, "network", None)
    return _bare(inner) if isinstance(inner, nn.Module) and not hasattr(network, "token_weights") else network


def _looking(network: Any) -> list[Any]:
    """Return the networks that have attention: the network, or members of a mixture."""
    found = _attending(network)
    if found:
        return found
    if not isinstance(network, Ensemble) and hasattr(network, "token_weights"):
        return [network]  # it says itself why it has none
    name = type(network).__name__
    raise RefusalError(
        f"the network {name} has no attention to show",
        expected="a transformer, a text-bag, a text-ensemble with bags, or rnn, lstm, gru, tcn or text-cnn with pooling=attention",
        received=name,
        fix="leave out --attention, or train such a network: --network transformer",
    )


def _attending(network: Any) -> list[Any]:
    if isinstance(network, Ensemble):
        return [inner for each in network.networks for inner in _attending(each)]
    return [network] if _attends(network) else []


def _attends(network: Any) -> bool:
    """Return whether a network has weights of tokens: it may have the method and not the part (`pooling=mean`)."""
    pool = getattr(network, "pool", True)
    return hasattr(network, "token_weights") and getattr(pool, "attention", pool) is not None


def _told(network: Any, looking: list[Any]) -> str:
    """Say which members of a mixture have the attention; nothing where all have."""
    if not isinstance(network, Ensemble) or len(looking) == network.ensemble_size:
        return ""
    names = ", ".join(sorted({type(each).__name__ for each in looking}))
    return f"{names}, {len(looking)} of the {network.ensemble_size} networks that are averaged"
