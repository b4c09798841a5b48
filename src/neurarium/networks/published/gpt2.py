"""The layout of GPT-2: fused projections, kept transposed, and a head that is the table of embeddings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurarium.networks.published.renaming import activation_of, renamed, require_plain

NETWORK = "decoder"
TOP = {
    "wte": "embed",
    "wpe.weight": "positions.table",
    "ln_f": "normalize",
    "lm_head": "head",
}
BLOCK = {
    "ln_1": "normalize_attention",
    "attn.c_proj": "attention.out",
    "ln_2": "normalize",
    "mlp.c_fc": "feed_forward.rise",
    "mlp.c_proj": "feed_forward.fall",
}
MASKS = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")
TURNED = re.compile(r"h\.\d+\.(attn|mlp)\.c_\w+\.weight")  # a `Conv1D` keeps (inputs, outputs)


def options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `Decoder` that a `config.json` says.

    Raises:
        RefusalError: attention scaled in another way.
    """
    require_plain(config, {"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False})
    width = config["n_embd"]
    return {
        "context": config.get("n_positions") or config.get("n_ctx"),
        "width": width,
        "blocks": config["n_layer"],
        "heads": config["n_head"],
        "feed_forward": activation_of(config.get("activation_function", "gelu_new")),
        "expansion": (config.get("n_inner") or 4 * width) / width,
        "epsilon": config.get("layer_norm_epsilon", 1e-5),
        "tie": config.get("tie_word_embeddings", True),
        "dropout": config.get("resid_pdrop", 0.1),
    }


def convert(state: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return weights under the names of `Decoder`."""
    state = {name.removeprefix("transformer."): value for name, value in state.items()}
    state = {name: value for name, value in state.items() if not MASKS.fullmatch(name)}
    state = {name: value.T if TURNED.fullmatch(name) else value for name, value in state.items()}
    split: dict[str, Tensor] = {}
    for name, value in state.items():
        if ".attn.c_attn." not in name:
            split[name] = value
            continue
        place, _, kind = name.partition(".attn.c_attn.")
        for own, part in zip(("query", "key", "value"), value.chunk(3), strict=True):
            split[f"{place}.attention.{own}.{kind}"] = part
    found = renamed(split, TOP, BLOCK, "h")
    if config.get("tie_word_embeddings", True) and "embed.weight" in found:
        found["head.weight"] = found["embed.weight"]
    return found
