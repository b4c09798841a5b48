"""Published layouts of texts: folders that transformers wrote give networks with the same outputs, or are refused by name."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from neurarium.core.errors import ArtifactError, RefusalError
from neurarium.networks import LSTM, Decoder, load_weights, read_network, read_weights
from neurarium.networks.published.layouts import translate
from published_folders import DECODERS, ENCODERS, VOCABULARY, write

TOKENS = torch.randint(2, VOCABULARY, (3, 17), generator=torch.Generator().manual_seed(1))
MASK = torch.arange(17) < torch.tensor([[17], [9], [4]])


def change(folder, **said):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **said}))


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_says_what_transformers_says(name, tmp_path):
    network = write(tmp_path, name, max_shard_size="20KB" if name == "llama" else "5GB")
    assert (tmp_path / "model.safetensors.index.json").is_file() == (name == "llama")
    ours = read_network(tmp_path)
    with torch.no_grad():
        expected = network(TOKENS).logits
        found = ours({"tokens": TOKENS})
        cache = ours.new_cache(3, 17)
        steps = torch.cat([ours.advance(each, cache) for each in TOKENS.split((6, 1, 10), dim=1)], dim=1)
    assert type(ours) is Decoder and expected.std() > 0.3
    assert (found - expected).abs().max() < 1e-5
    assert (steps - expected).abs().max() < 1e-5
    known = [p for name, p in ours.named_parameters() if not (name.endswith("bias") and p.abs().max() == 0)]
    assert sum(p.numel() for p in known) == sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_says_what_transformers_says(name, tmp_path):
    network = write(tmp_path, name)
    ours = read_network(tmp_path)
    tokens = torch.where(MASK, TOKENS, 1 if name == "roberta" else 0)
    with torch.no_grad():
        expected = network(tokens, attention_mask=MASK.long()).logits
        found = ours({"tokens": tokens, "mask": MASK})
    assert expected.std() > 0.05 and (found - expected).abs().max() < 1e-5


def test_the_pooler_and_the_types_are_those_of_bert(tmp_path):
    network = write(tmp_path, "bert", "Model")
    ours = read_network(tmp_path, outputs=2)
    types = (torch.arange(17) > 8).long().expand(3, -1)
    with torch.no_grad():
        expected = network(TOKENS, attention_mask=MASK.long(), token_type_ids=types)
        inputs = {"tokens": TOKENS, "mask": MASK, "types": types}
        states = ours.states(inputs)
        pooled = ours.head[1](ours.head[0](ours.features(inputs)))
    assert (states - expected.last_hidden_state)[MASK].abs().max() < 1e-5
    assert (pooled - expected.pooler_output).abs().max() < 1e-5


def test_heads_of_pretraining_are_left_out_and_the_new_one_is_fresh(tmp_path):
    write(tmp_path, "bert", "ForMaskedLM")
    found = translate(read_weights(tmp_path))
    assert found.network == "bert" and not any(name.startswith("cls") for name in found.state)
    network = read_network(tmp_path, outputs=4)
    loaded = load_weights(network, found.state, "bert")
    assert loaded.fresh == ["head.0.weight", "head.0.bias", "head.3.weight", "head.3.bias"]
    assert network.head[3].out_features == 4


def test_old_names_of_norms_are_read(tmp_path):
    write(tmp_path, "bert")
    first = read_network(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    old = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
           for name, value in state.items()}  # fmt: skip
    assert set(old) != set(state)
    save_file(old, tmp_path / "model.safetensors")
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.parameters(), read_network(tmp_path).parameters(), strict=True)
    )


def test_half_precision_is_taken_over(tmp_path):
    network = write(tmp_path, "llama")
    network.to(torch.bfloat16).save_pretrained(tmp_path)
    ours = read_network(tmp_path)
    assert ours.head.weight.dtype == torch.float32
    assert torch.equal(ours.head.weight, network.lm_head.weight.float())


def test_another_architecture_is_refused_by_the_first_names_that_do_not_fit(tmp_path):
    write(tmp_path, "gpt2")
    found = translate(read_weights(tmp_path))
    with pytest.raises(RefusalError, match="not weights of LSTM") as refused:
        load_weights(LSTM(2, 60), found.state, found.network)
    assert "entry.embed.weight is missing" in str(refused.value) and "--network decoder" in str(refused.value)
    change(tmp_path, n_layer=3)
    with pytest.raises(RefusalError, match=r"blocks\.2\.normalize_attention\.weight is missing"):
        read_network(tmp_path)
    change(tmp_path, n_layer=1)
    with pytest.raises(RefusalError, match=r"blocks\.1.* has no place"):
        read_network(tmp_path)
    change(tmp_path, n_layer=2, n_inner=100)
    with pytest.raises(RefusalError, match=r"rise.weight is \[128, 32\], not \[100, 32\]"):
        read_network(tmp_path)


@pytest.mark.parametrize(
    ("name", "said", "told"),
    [
        ("gpt2", {"model_type": "t5"}, "kind 't5' have no network"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
        ("gpt2", {"activation_function": "laplace"}, "computes with 'laplace'"),
        ("llama", {"rope_parameters": {"rope_type": "yarn", "factor": 2.0}}, "'yarn'"),
        ("llama", {"hidden_act": "gelu"}, "hidden_act"),
        ("bert", {"position_embedding_type": "relative_key"}, "position_embedding_type"),
    ],
)
def test_what_is_computed_in_another_way_is_refused(name, said, told, tmp_path):
    write(tmp_path, name)
    change(tmp_path, **said)
    with pytest.raises(RefusalError, match=told):
        read_network(tmp_path)


def test_damaged_folders_are_told_apart(tmp_path):
    write(tmp_path, "bert")
    digest = read_weights(tmp_path).sha256
    assert read_network(tmp_path, sha256=digest[:12]).feature_dim == 32
    with pytest.raises(ArtifactError, match="not the file that its hash says"):
        read_network(tmp_path, sha256="0" * 64)
    change(tmp_path, hidden_size=None)
    with pytest.raises(ArtifactError, match="does not say what a bert must"):
        read_network(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"config\.json is damaged"):
        read_network(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(RefusalError, match="does not say which network"):
        read_network(tmp_path)


def test_a_missing_shard_is_named(tmp_path):
    write(tmp_path, "llama", max_shard_size="20KB")
    next(iter(sorted(tmp_path.glob("model-00002*")))).unlink()
    with pytest.raises(ArtifactError, match=r"00002.* is missing"):
        read_network(tmp_path)


def test_a_trunk_without_its_head_is_no_language_model(tmp_path):
    write(tmp_path, "llama", "Model")
    with pytest.raises(RefusalError, match=r"(?s)end before the layer that says tokens.*head\.weight"):
        read_network(tmp_path)
    change(tmp_path, tie_word_embeddings=True)
    assert read_network(tmp_path).head.weight.shape == (VOCABULARY, 32)
