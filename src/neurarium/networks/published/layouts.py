"""Layouts: published weights of texts, told apart by their `config.json`, as networks of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from torch import Tensor, nn

from neurarium.core.errors import ArtifactError, RefusalError
from neurarium.core.members import find
from neurarium.networks.published import bert, gpt2, llama
from neurarium.networks.published.loading import architecture_of, load_weights
from neurarium.networks.published.weights import Weights, read_weights

LAYOUTS: dict[str, Any] = {
    "gpt2": gpt2,
    "llama": llama,
    "mistral": llama,
    "qwen2": llama,
    "bert": bert,
    "roberta": bert,
    "xlm-roberta": bert,
    "camembert": bert,
    "distilbert": bert,
}


class Translated(NamedTuple):
    """Weights under our names; the name and the options of the network of texts that they are of, and how many tokens it
    knows; None for images, whose names are ours already."""

    state: dict[str, Tensor]
    network: str | None = None
    options: Mapping[str, Any] = MappingProxyType({})
    vocabulary: int = 0


def translate(weights: Weights) -> Translated:
    """Put published weights of texts under our names, by what `config.json` beside them says; leave others as they are.

    Raises:
        ArtifactError: a `config.json` that does not say what it must.
        RefusalError: a network that is computed in another way.
    """
    kind = weights.config.get("model_type")
    if kind not in LAYOUTS:
        return Translated(weights.state)
    layout = LAYOUTS[kind]
    try:
        options = {name: value for name, value in layout.options(weights.config).items() if value is not None}
        return Translated(
            layout.convert(weights.state, weights.config),
            layout.NETWORK,
            options,
            int(weights.config["vocab_size"]),
        )
    except (KeyError, TypeError, ZeroDivisionError) as error:
        raise ArtifactError(
            f"the config.json of {weights.origin} does not say what a {kind} must: {error}",
            fix="fetch the files of these weights again",
        ) from error


def network_of(weights: Weights, found: Translated) -> tuple[str, Mapping[str, Any]] | None:
    """Return the name and the options of the network that weights are of; None for none of ours.

    Raises:
        RefusalError: weights of texts in a layout that is not built.
    """
    if found.network is not None:
        return found.network, found.options
    kind, known = weights.config.get("model_type"), architecture_of(weights.state)
    if known is None and kind is not None:
        raise RefusalError(
            f"published weights of the kind '{kind}' have no network here",
            expected=f"one of {', '.join(LAYOUTS)}",
            received=f"model_type={kind} in config.json",
        )
    return known


def read_network(source: str | Path, sha256: str | None = None, **options: Any) -> nn.Module:
    """Build the network of published weights, and fill it with them.

    Args:
        source: a folder with `config.json` and `model.safetensors` (or an index of several files), or a hub id: GPT-2,
            Llama, Mistral and Qwen 2 give a `Decoder`; BERT, RoBERTa and DistilBERT a `BERT`.
        sha256: the hash that the weights must have, or its beginning.
        options: of the network, over those that the weights say (`dropout=0.0`); `outputs=` of a `BERT`, whose last layer
            is fresh where the weights have none of that size.

    Returns:
        The network, in eval mode.

    Raises:
        ArtifactError: files that are missing, damaged or of another hash.
        RefusalError: another architecture: the first weights that do not fit.

    >>> read_network("no-such-folder")
    Traceback (most recent call last):
    neurarium.core.errors.ArtifactError: there are no weights at no-such-folder
      expected: a .safetensors or .pth file, a folder with one, or a hub id OWNER/NAME
      received: no-such-folder
      to fix:   check the path; the folder . is there
    """
    weights = read_weights(source, sha256)
    found = translate(weights)
    network_of(weights, found)
    if found.network is None:
        raise RefusalError(
            f"{source} does not say which network of texts its weights are of",
            expected=f"a config.json with a model_type: {', '.join(LAYOUTS)}",
            received="weights without it",
            fix="build the network and fill it: networks.load_weights(network, networks.read_weights(source).state)",
        )
    options = {**found.options, "vocabulary": found.vocabulary, **options}
    if found.network == "bert":
        last = found.state.get("head.3.weight")
        options = {"outputs": 1 if last is None else len(last), **options}
    network = find("network", found.network)(**options)
    loaded = load_weights(network, found.state, found.network)
    if found.network == "decoder" and loaded.fresh:
        raise RefusalError(
            f"the weights of {source} end before the layer that says tokens",
            expected="lm_head.weight, or tie_word_embeddings in config.json",
            received=f"nothing for {', '.join(loaded.fresh)}",
            fix="fetch the weights of the language model, not those of its trunk",
        )
    return network.eval()
