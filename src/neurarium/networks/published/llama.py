"""The layout of Llama, which Mistral and Qwen 2 share: rotary positions in halves, grouped keys, gated layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from neurarium.core.errors import RefusalError
from neurarium.networks.published.renaming import renamed, require_plain

NETWORK = "decoder"
TOP = {"model.embed_tokens": "embed", "model.norm": "normalize", "lm_head": "head"}
BLOCK = {
    "input_layernorm": "normalize_attention",
    "self_attn.q_proj": "attention.query",
    "self_attn.k_proj": "attention.key",
    "self_attn.v_proj": "attention.value",
    "self_attn.o_proj": "attention.out",
    "post_attention_layernorm": "normalize",
    "mlp.gate_proj": "feed_forward.rise.gate",
    "mlp.up_proj": "feed_forward.rise.value",
    "mlp.down_proj": "feed_forward.fall",
}


def options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `Decoder` that a `config.json` says.

    Raises:
        RefusalError: another activation, or a scaling of the rotary positions that is not built.
    """
    require_plain(config, {"hidden_act": ("silu", "swish"), "use_sliding_window": (False, None)})
    width, heads = config["hidden_size"], config["num_attention_heads"]
    rotary = config.get("rope_parameters") or {}
    own = config.get("head_dim") or width // heads
    return {
        "context": config["max_position_embeddings"],
        "width": width,
        "blocks": config["num_hidden_layers"],
        "heads": heads,
        "key_heads": config.get("num_key_value_heads") or heads,
        "head_dim": own,
        "positions": "rotary",
        "rotary_base": rotary.get("rope_theta") or config.get("rope_theta") or 10_000.0,
        "rotary_scaling": _scaling(config.get("rope_scaling") or rotary),
        "norm": "rms",
        "epsilon": config.get("rms_norm_eps", 1e-6),
        "feed_forward": "swiglu",
        "expansion": config["intermediate_size"] / width,
        "window": config.get("sliding_window") if config.get("model_type") == "mistral" else None,
        "bias": _biased(config),
        "tie": config.get("tie_word_embeddings", False),
    }


def convert(state: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return weights under the names of `Decoder`; where some layers have biases, those of the others are zero."""
    state = {name: value for name, value in state.items() if not name.endswith("rotary_emb.inv_freq")}
    if "model.embed_tokens.weight" not in state and "embed_tokens.weight" in state:  # saved without its head
        state = {
            name if name.startswith("lm_head") else f"model.{name}": value for name, value in state.items()
        }
    found = renamed(state, TOP, BLOCK, "model.layers")
    if config.get("tie_word_embeddings", False) and "embed.weight" in found:
        found["head.weight"] = found["embed.weight"]
    if _biased(config):
        for name, value in list(found.items()):
            if name.startswith("blocks.") and name.endswith(".weight") and value.ndim == 2:
                bias = f"{name.removesuffix('weight')}bias"
                found.setdefault(bias, torch.zeros(len(value), dtype=value.dtype))
    return found


def _biased(config: Mapping[str, Any]) -> bool:
    return bool(config.get("attention_bias") or config.get("mlp_bias") or config.get("model_type") == "qwen2")


def _scaling(said: Mapping[str, Any]) -> tuple[float, ...] | None:
    kind = said.get("rope_type") or said.get("type") or "default"
    if kind == "default":
        return None
    if kind == "linear":
        return (float(said["factor"]),)
    if kind == "llama3":
        names = ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
        return tuple(float(said[name]) for name in names)
    raise RefusalError(
        f"the published network scales its rotary positions by '{kind}'",
        expected="default, linear or llama3",
        received=kind,
    )
