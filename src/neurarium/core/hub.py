"""The hub: published folders by an id OWNER/NAME, where the package that fetches them is installed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurarium.core.errors import ArtifactError, require

HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "config.json", "pytorch_model.bin")
TOKENIZER = ("tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json")


def is_hub_id(source: str | Path) -> bool:
    """Return whether a name can be a hub id: OWNER/NAME, and nothing of that name is here.

    >>> is_hub_id("openai-community/gpt2"), is_hub_id("weights"), is_hub_id("a/b/c")
    (True, False, False)
    """
    return bool(HUB_ID.fullmatch(str(source))) and not Path(source).exists()


def fetched(hub_id: str, patterns: Sequence[str] = (*WEIGHTS, *TOKENIZER)) -> Path:
    """Return the folder of a hub id, fetched where it is not held yet.

    Args:
        hub_id: OWNER/NAME.
        patterns: of the files that are wanted.

    Raises:
        MissingDependencyError: the extra `hub` is not installed.
        ArtifactError: the hub does not give it; the message says which files to put where instead.
    """
    hub = require("huggingface_hub", extra="hub")
    try:
        return Path(hub.snapshot_download(hub_id, allow_patterns=list(patterns)))
    except (
        Exception
    ) as error:  # the hub, what is below it and a network that is not there raise errors of many kinds
        name = hub_id.rpartition("/")[2]
        raise ArtifactError(
            f"the hub does not give {hub_id}: {str(error).splitlines()[0][:200]}",
            expected="a public name, and a network that reaches the hub",
            received=hub_id,
            fix=f"check the name; or fetch its config.json, model.safetensors and tokenizer.json elsewhere, put them into a "
            f"folder and name that: --weights {name}/",
        ) from error


def settings(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON file beside published weights; an empty one where there is no such file.

    Raises:
        ArtifactError: it is damaged.
    """
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ArtifactError(f"{path} is damaged: {error}", fix="fetch it again") from error
    return found if isinstance(found, dict) else {}
