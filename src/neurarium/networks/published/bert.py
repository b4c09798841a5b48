"""The layouts of BERT and of its kin: RoBERTa, whose positions begin at two, and DistilBERT, which has fewer parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from neurarium.networks.published.renaming import activation_of, renamed, require_plain

NETWORK = "bert"
TOP = {
    "embeddings.word_embeddings": "entry.embed",
    "embeddings.position_embeddings.weight": "entry.positions.table",
    "embeddings.token_type_embeddings": "entry.types",
    "embeddings.LayerNorm": "entry.normalize",
    "pooler.dense": "head.0",
    "pre_classifier": "head.0",
    "classifier.dense": "head.0",
    "classifier.out_proj": "head.3",
    "classifier": "head.3",
}
BLOCK = {
    "attention.self": "attention",
    "attention.output.dense": "attention.out",
    "attention.output.LayerNorm": "normalize_attention",
    "intermediate.dense": "feed_forward.rise",
    "output.dense": "feed_forward.fall",
    "output.LayerNorm": "normalize",
    "attention.q_lin": "attention.query",
    "attention.k_lin": "attention.key",
    "attention.v_lin": "attention.value",
    "attention.out_lin": "attention.out",
    "sa_layer_norm": "normalize_attention",
    "ffn.lin1": "feed_forward.rise",
    "ffn.lin2": "feed_forward.fall",
    "output_layer_norm": "normalize",
}
FOREIGN = re.compile(r"(cls|lm_head|vocab_\w+|qa_outputs)\..*|embeddings\.position_ids")
SHIFT = 2  # positions that RoBERTa keeps for padding


def options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `BERT` that a `config.json` says.

    Raises:
        RefusalError: positions that are not learned, or an unknown activation.
    """
    require_plain(
        config,
        {"position_embedding_type": "absolute", "is_decoder": False, "sinusoidal_pos_embds": (False, True)},
    )
    distilled = config.get("model_type") == "distilbert"
    shift = SHIFT if _shifted(config) else 0

    def said(theirs: str, distil: str, usual: Any = None) -> Any:
        return config.get(distil if distilled else theirs, usual)

    width = said("hidden_size", "dim")
    return {
        "longest": config["max_position_embeddings"] - shift,
        "width": width,
        "blocks": said("num_hidden_layers", "n_layers"),
        "heads": said("num_attention_heads", "n_heads"),
        "expansion": said("intermediate_size", "hidden_dim") / width,
        "token_types": 0 if distilled else config.get("type_vocab_size", 2),
        "activation": activation_of(said("hidden_act", "activation", "gelu")),
        "pooler": "relu" if distilled else "tanh",
        "epsilon": config.get("layer_norm_eps", 1e-12),
        "dropout": said("hidden_dropout_prob", "dropout", 0.1),
    }


def convert(state: Mapping[str, Tensor], config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return weights under the names of `BERT`; heads of pretraining are left out."""
    prefix = re.compile(r"(bert|roberta|distilbert)\.")
    state = {prefix.sub("", name, count=1): value for name, value in state.items()}
    state = {
        name.replace(".gamma", ".weight").replace(".beta", ".bias"): value for name, value in state.items()
    }
    state = {name: value for name, value in state.items() if not FOREIGN.fullmatch(name)}
    blocks = "transformer.layer" if config.get("model_type") == "distilbert" else "encoder.layer"
    found = renamed(state, TOP, BLOCK, blocks)
    if _shifted(config) and "entry.positions.table" in found:
        found["entry.positions.table"] = found["entry.positions.table"][SHIFT:]
    return found


def _shifted(config: Mapping[str, Any]) -> bool:
    return config.get("model_type") in ("roberta", "xlm-roberta", "camembert")
