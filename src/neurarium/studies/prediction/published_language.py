"""Published language models: the weights and the tokenizer of a folder or a hub id, as a run that writes and scores text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neurarium.core.errors import RefusalError
from neurarium.core.hub import fetched, is_hub_id
from neurarium.data.preparation.language import LanguagePreparation
from neurarium.data.preparation.published_tokenizer import published_tokenizer
from neurarium.methods.supervised import Supervised
from neurarium.networks.published.layouts import read_network
from neurarium.training.context import Context
from neurarium.training.run import Run


def published_language_model(source: str | Path) -> Run:
    """Return a run in memory of a published language model, for `generate` and `score_texts`.

    Args:
        source: a folder with `config.json`, weights and a tokenizer in the layout of GPT-2, Llama, Mistral or Qwen 2; or a
            hub id.

    Raises:
        ArtifactError: files that are missing or damaged.
        RefusalError: the weights are of no language model.

    >>> published_language_model("no-such-folder")
    Traceback (most recent call last):
    neurarium.core.errors.ArtifactError: there are no weights at no-such-folder
      expected: a .safetensors or .pth file, a folder with one, or a hub id OWNER/NAME
      received: no-such-folder
      to fix:   check the path; the folder . is there
    """
    folder = fetched(str(source)) if is_hub_id(source) else Path(source)
    network: Any = read_network(folder)
    if not hasattr(network, "new_cache"):
        raise RefusalError(
            f"the weights of {source} are of no language model",
            expected="GPT-2, Llama, Mistral or Qwen 2",
            received=type(network).__name__,
            fix="neurarium train DATA --weights FOLDER refines it for classes",
        )
    preparation = LanguagePreparation(
        published_tokenizer(folder), network.context, "published", True, opened=True
    )
    run = Run()
    run.inputs, run.targets, run.preparation = preparation.inputs, preparation.targets, preparation
    run.method = Supervised(network, targets=preparation.targets)
    run.method.begin(Context(inputs=run.inputs, targets=run.targets, training=False))
    run.method.eval()
    return run


def is_published(source: str) -> bool:
    """Return whether a name is a published network rather than a run: a folder with its config.json, or a hub id.

    >>> is_published("runs/book-1"), is_published("openai-community/gpt2")
    (False, True)
    """
    held = Path(source)
    if held.is_dir():
        return (held / "config.json").is_file() and not (held / "config.yaml").is_file()
    return is_hub_id(source) and held.parts[0] != "runs"
