"""The four published families: names and shapes of all weights, and what they compute, are torchvision's.

`torchvision_layouts.json` was made by torchvision's own source (its version stands there): every weight's shape by name,
and the outputs in float64 of networks whose weights are sines, on images that are sines.
"""

import json
from pathlib import Path

import pytest
import torch

from neurarium import networks
from neurarium.core.recipe import build, recipe_of

PINNED = json.loads(Path(__file__).with_name("torchvision_layouts.json").read_text())
OURS = {
    **{f"resnet{depth}": (f"ResNet{depth}", {}) for depth in (18, 34, 50, 101, 152)},
    "wide_resnet50_2": ("WideResNet50", {}),
    "wide_resnet101_2": ("WideResNet101", {}),
    "resnext50_32x4d": ("ResNeXt50", {}),
    **{f"vgg{depth}": (f"VGG{depth}", {"normalization": False}) for depth in (11, 13, 16, 19)},
    **{f"vgg{depth}_bn": (f"VGG{depth}", {}) for depth in (11, 13, 16, 19)},
    "inception_v3": ("InceptionV3", {"auxiliary": True}),
    "mobilenet_v2": ("MobileNetV2", {}),
    "mobilenet_v3_large": ("MobileNetV3", {}),
    "mobilenet_v3_small": ("MobileNetV3Small", {}),
}


def made(name, outputs=1000):
    attribute, options = OURS[name]
    return getattr(networks, attribute)(3, outputs, **options)


@pytest.mark.parametrize("name", PINNED["shapes"])
def test_names_and_shapes_of_all_weights(name):
    with torch.device("meta"):
        network = made(name)
    assert {key: list(value.shape) for key, value in network.state_dict().items()} == PINNED["shapes"][name]


def fill(network):
    for number, (name, value) in enumerate(sorted(network.state_dict().items())):
        if not value.is_floating_point():
            continue
        wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 0.7 + number)
        if name.endswith("running_var"):
            wave = wave.abs() + 1.5
        elif value.ndim == 1:
            wave = 0.1 * wave + name.endswith("weight")
        else:
            wave = wave / value[0].numel() ** 0.5
        value.copy_(wave.reshape(value.shape))


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] * n.startswith(("vgg", "wide"))) for n in PINNED["outputs"]],
)
def test_outputs_are_those_of_torchvision(name):
    with torch.device("meta"):
        network = made(name, outputs=10)
    network = network.to_empty(device="cpu")
    fill(network)
    images = (
        torch.sin(torch.arange(2 * 3 * 96 * 96, dtype=torch.float64) * 0.01).float().reshape(2, 3, 96, 96)
    )
    with torch.no_grad():
        outputs = network.eval()(images)
    torch.testing.assert_close(
        outputs.double(), torch.tensor(PINNED["outputs"][name], dtype=torch.float64), rtol=2e-5, atol=2e-5
    )


@pytest.mark.parametrize("name", ["ResNet18", "MobileNetV3Small"])
def test_a_variant_is_rebuilt_by_its_own_name(name):
    network = getattr(networks, name).for_data(networks_spec(), networks_targets(), dropout=0.1)
    recipe = recipe_of(network)
    assert (
        recipe.builder.endswith(f":{name}")
        and "blocks" not in recipe.options
        and "size" not in recipe.options
    )
    rebuilt = build(recipe)
    rebuilt.load_state_dict(network.state_dict())
    assert type(rebuilt) is type(network)


def networks_spec():
    from neurarium.data.specs import Image

    return Image(1, 28, 28)


def networks_targets():
    from neurarium.data.specs import Classes

    return Classes(("a", "b", "c"))


def test_the_head_keeps_its_published_name_when_it_is_replaced():
    network = networks.ResNet18(3, 10, stem="small")
    network.head = torch.nn.Linear(512, 2)
    assert network.fc.out_features == 2 and network.head is network.fc
    assert [key for key in network.state_dict() if "head" in key] == []
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 2)
