"""Small random networks in the published layouts, written by Hugging Face transformers, with tokenizers beside them."""

from __future__ import annotations

import json

import pytest
import torch

WORDS = ("good", "bad", "film", "a", "the", "really", "old", "new", "boring", "great", "plot", "is")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
VOCABULARY = 60
LLAMA = {
    "hidden_size": 32, "intermediate_size": 56, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "vocab_size": VOCABULARY,
    "bos_token_id": None, "eos_token_id": None,
}  # fmt: skip
BERT = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 40, "vocab_size": VOCABULARY, "num_labels": 3,
}  # fmt: skip
STRETCHED = {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}  # fmt: skip
DECODERS = {
    "gpt2": ("GPT2", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "vocab_size": VOCABULARY,
                      "bos_token_id": None, "eos_token_id": None}),
    "llama": ("Llama", LLAMA),
    "llama 3": ("Llama", {**LLAMA, "tie_word_embeddings": True, "head_dim": 16, "attention_bias": True,
                          "rope_parameters": STRETCHED}),
    "mistral": ("Mistral", {**LLAMA, "sliding_window": 5, "attn_implementation": "eager"}),
    "qwen2": ("Qwen2", LLAMA),
}  # fmt: skip
DISTILBERT = {
    "dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 4, "max_position_embeddings": 40, "num_labels": 3,
    "vocab_size": VOCABULARY,
}  # fmt: skip
ENCODERS = {
    "bert": ("Bert", BERT),
    "roberta": ("Roberta", {**BERT, "type_vocab_size": 1, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}),
    "distilbert": ("DistilBert", DISTILBERT),
}  # fmt: skip


def theirs(name, kind=None):
    """Return the network of transformers, its weights moved off their start so that each counts."""
    transformers = pytest.importorskip("transformers")
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    family, options = {**DECODERS, **ENCODERS}[name]
    usual = {"GPT2": "LMHeadModel"}.get(
        family, "ForCausalLM" if name in DECODERS else "ForSequenceClassification"
    )
    torch.manual_seed(0)
    network = getattr(transformers, f"{family}{kind or usual}")(
        getattr(transformers, f"{family}Config")(**options)
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network.eval()


def write(folder, name, kind=None, **options):
    """Write a small network into a folder; return it."""
    network = theirs(name, kind)
    network.save_pretrained(folder, **options)
    return network


def write_word_piece(folder):
    """Write BERT's list of pieces and its settings."""
    pieces = [*SPECIAL, *WORDS, *"abcdefghijklmnopqrstuvwxyz", *(f"##{each}" for each in "deginsr")]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    assert len(pieces) <= VOCABULARY
    return pieces


def reviews(path, count=120):
    """Write a table of reviews whose sentiment one word tells."""
    chance = torch.Generator().manual_seed(0)
    lines = ["review,sentiment"]
    for number in range(count):
        good = number % 2 == 0
        rest = [WORDS[int(each)] for each in torch.randint(2, 8, (4,), generator=chance)]
        lines.append(
            f"{' '.join([rest[0], 'great' if good else 'boring', *rest[1:]])},{'yes' if good else 'no'}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path
