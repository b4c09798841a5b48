"""ResNet, ConvNeXt, MobileNetV2 and ViT with the weights of Hugging Face's transformers give its outputs, to 1e-5."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn

from neurarium.networks import ConvNeXt, MobileNetV2, ResNet, ViT

transformers = pytest.importorskip("transformers")

State = dict[str, Tensor]
RESNET = [
    (r"^resnet\.embedder\.embedder\.convolution", "conv1"),
    (r"^resnet\.embedder\.embedder\.normalization", "bn1"),
    (r"^resnet\.encoder\.stages\.(\d)\.layers\.", lambda found: f"layer{int(found[1]) + 1}."),
    (r"shortcut\.convolution", "downsample.0"),
    (r"shortcut\.normalization", "downsample.1"),
    (r"layer\.(\d)\.convolution", lambda found: f"conv{int(found[1]) + 1}"),
    (r"layer\.(\d)\.normalization", lambda found: f"bn{int(found[1]) + 1}"),
    (r"^classifier\.1", "fc"),
]


def shaken(network: nn.Module) -> nn.Module:
    """Draw all weights and statistics, so that none is 0 or 1 as at the start."""
    chance = torch.Generator().manual_seed(0)
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            drawn = torch.randn(value.shape, generator=chance) * (
                0.3 / max(1, value[0].numel()) ** 0.5 if value.ndim > 1 else 0.2
            )
            value.copy_(
                drawn.abs() + 0.5 if "running_var" in name else drawn + ("norm" in name and "weight" in name)
            )
    return network.eval()


def settled(network: nn.Module, side: int) -> nn.Module:
    """Take the statistics of a batch, so that the signal neither dies nor explodes over many layers."""
    for each in network.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.momentum = 1.0
    with torch.no_grad():
        network.train()(
            pixel_values=torch.randn(16, 3, side, side, generator=torch.Generator().manual_seed(2))
        )
    return network.eval()


def renamed(theirs: State, rules: list) -> State:
    found = {}
    for name, value in theirs.items():
        for pattern, into in rules:
            name = re.sub(pattern, into, name)
        found[name] = value
    return found


def in_order(theirs: State, ours: nn.Module) -> State:
    """Both list the same weights in the same order: the shapes are checked on loading, the outputs prove it."""
    values = [value for name, value in theirs.items() if not name.endswith("num_batches_tracked")]
    names = [name for name in ours.state_dict() if not name.endswith("num_batches_tracked")]
    return dict(zip(names, values, strict=True))


@pytest.mark.parametrize(
    ("layer", "block", "widths"), [("basic", "basic", (8, 16)), ("bottleneck", "bottleneck", (4, 8))]
)
def test_resnet(layer, block, widths):
    hidden = [width * (4 if block == "bottleneck" else 1) for width in widths]
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=hidden, depths=[2, 2], layer_type=layer, num_labels=5
    )
    theirs = shaken(transformers.ResNetForImageClassification(config))
    ours = ResNet(3, 5, blocks=(2, 2), widths=widths, block=block, stem_width=8).eval()
    ours.load_state_dict(renamed(theirs.state_dict(), RESNET))
    assert apart(theirs, ours, 64) < 1e-5


def test_convnext():
    config = transformers.ConvNextConfig(
        hidden_sizes=[8, 16, 24], depths=[1, 2, 1], num_stages=3, num_labels=5, layer_norm_eps=1e-6
    )
    theirs = shaken(transformers.ConvNextForImageClassification(config))
    ours = ConvNeXt(3, 5, blocks=(1, 2, 1), widths=(8, 16, 24)).eval()
    ours.load_state_dict(in_order(theirs.state_dict(), ours))
    assert apart(theirs, ours, 64) < 1e-5


def test_mobilenet_v2():
    config = transformers.MobileNetV2Config(
        depth_multiplier=0.5, num_labels=5, tf_padding=False, layer_norm_eps=1e-5, finegrained_output=True
    )
    theirs = settled(shaken(transformers.MobileNetV2ForImageClassification(config)), 64)
    ours = MobileNetV2(3, 5, width=0.5).eval()
    held = in_order(theirs.state_dict(), ours)
    ours.load_state_dict({**ours.state_dict(), **held})
    assert apart(theirs, ours, 64) < 1e-5


def test_vit():
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8,
        num_labels=5, layer_norm_eps=1e-6,
    )  # fmt: skip
    theirs = shaken(transformers.ViTForImageClassification(config))
    ours = ViT(3, 32, 32, 5, patch=8, width=16, heads=2, blocks=2, expansion=2).eval()
    state = theirs.state_dict()
    places = state.pop("vit.embeddings.position_embeddings")
    found = {"read_out": state.pop("vit.embeddings.cls_token") + places[:, :1], "positions": places[:, 1:]}
    rules = [
        (r"^vit\.embeddings\.patch_embeddings\.projection", "embed"),
        (r"^vit\.(?:encoder\.)?layers?\.(\d)\.", r"blocks.\1."),
        (r"attention\.q_proj", "attention.query"),
        (r"attention\.k_proj", "attention.key"),
        (r"attention\.v_proj", "attention.value"),
        (r"attention\.o_proj", "attention.out"),
        (r"layernorm_before", "norm1"),
        (r"layernorm_after", "norm2"),
        (r"mlp\.fc1", "widen"),
        (r"mlp\.fc2", "narrow"),
        (r"^vit\.layernorm", "norm"),
        (r"^classifier", "head"),
    ]
    ours.load_state_dict({**found, **renamed(state, rules)})
    assert apart(theirs, ours, 32) < 1e-5


def apart(theirs: nn.Module, ours: nn.Module, side: int) -> float:
    """Return how far the logits are apart, relative to the largest (or 1); that they differ between images at all is asserted."""
    images = torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted, found = theirs(pixel_values=images).logits, ours(images)
    assert float(wanted.std(0).min()) > 1e-4
    return float((wanted - found).abs().max()) / max(1.0, float(wanted.abs().max()))
