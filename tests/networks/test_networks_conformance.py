"""What every network keeps: sizes, gradients, determinism, recipes, replaceable heads, precisions."""

from __future__ import annotations

import copy
import dataclasses
import json

import pytest
import torch
from torch.func import functional_call, grad, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from neurarium import networks
from neurarium.core import batches
from neurarium.core.errors import OptionError, RefusalError
from neurarium.core.members import find, table
from neurarium.core.recipe import build, recipe_of
from neurarium.data.specs import (
    Array,
    Boxes,
    Classes,
    Horizon,
    Image,
    Mask,
    Mixed,
    NextToken,
    Quantity,
    Series,
    Table,
    Tags,
    Text,
    Tokens,
    Transcript,
    Unlabeled,
    Waveform,
    Window,
    Words,
)

EDGES = ((-2.0, -0.5, 0.0, 0.7, 2.0), (0.0, 1.0), (3.0,))
SPECS = {
    "mixed": Table(("a", "b", "c"), ("d", "e"), (4, 90), EDGES),
    "numbers": Table(("a", "b"), edges=EDGES[:2]),
    "categories": Table((), ("d", "e"), (4, 90)),
    "array": Array((2, 3)),
    "image": Image(3, 9, 6),
    "photo": Image(3, 75, 79),
    "series": Series(2, 7),
    "volume": Array((2, 4, 5, 3)),
}
TARGETS = {
    "two classes": Classes(("no", "yes")),
    "four classes": Classes(("a", "b", "c", "d")),
    "labels": Classes(("a", "b", "c"), several=True),
    "quantities": Quantity(("x", "y")),
}
EVERY = tuple(kind for kind in SPECS if kind not in ("photo", "series", "volume"))
SPECS["tokens"] = Tokens(30, 7)
SPECS["row"] = Mixed(
    SPECS["mixed"], (("text_a", Tokens(30, 7)), ("text_b", Tokens(9, 3))), (("image_c", Image(3, 9, 6)),)
)
SPECS["texts"] = Mixed(Table(), (("text_a", Tokens(30, 7)),))
SPECS["series"] = Series(3, 7)
SPECS["sound"] = Waveform(1, 1200, 8000)
SEQUENCES = ("tokens", "series")
ROWS = ("mixed", "numbers", "categories", "array")
# Small sizes, so that the suite is fast; every network by its class, with the inputs that it takes.
NETWORKS = {
    "Perceptron": ({}, EVERY),
    "MLP": ({"widths": (8, 8), "embedding": "periodic", "normalization": "batch", "residual": True}, EVERY),
    "ResidualMLP": ({"width": 8}, EVERY),
    "FTTransformer": ({"width": 8, "heads": 2, "blocks": 2}, ROWS),
    "TabM": ({"widths": (8, 8), "ensemble_size": 3}, ROWS),
    "RealMLP": ({"widths": (8, 8)}, ROWS),
    "SmallCNN": ({"widths": (4, 8)}, ("image", "series", "volume")),
    "LeNet5": ({}, ("image",)),
    "CapsNet": ({"filters": 6, "types": 2, "part_dim": 4, "dim": 4}, ("image",)),
    "EfficientCapsNet": ({"widths": (4, 6, 6, 8), "part_dim": 4, "dim": 4}, ("image",)),
    "ResNet": ({"blocks": (1, 1), "widths": (4, 8)}, ("image",)),
    "ConvNeXt": ({"blocks": (1, 1), "widths": (4, 8)}, ("image",)),
    "ViT": ({"width": 8, "heads": 2, "blocks": 1}, ("image",)),
    "VGG": ({"blocks": (1, 1), "widths": (4, 8), "hidden": 8, "normalization": False}, ("image",)),
    "InceptionV3": ({}, ("photo",)),
    "MobileNetV2": ({"width": 0.25}, ("image",)),
    "MobileNetV3": ({"width": 0.25, "size": "small"}, ("image",)),
    "TextBag": ({"width": 8}, ("tokens",)),
    "TextNgrams": ({"buckets": 64}, ("tokens",)),
    "TextCharacters": ({"buckets": 64}, ("tokens",)),
    "TextEnsemble": ({"width": 8, "maps": 4, "filters": (2, 3), "buckets": 64}, ("tokens",)),
    "TextCNN": ({"width": 8, "maps": 4, "filters": (2, 3)}, SEQUENCES),
    "RNN": ({"embedding": 6, "width": 5, "layers": 2}, SEQUENCES),
    "LSTM": ({"embedding": 6, "width": 5}, SEQUENCES),
    "GRU": ({"embedding": 6, "width": 5, "reset": "before"}, SEQUENCES),
    "TCN": ({"width": 8, "levels": 2}, SEQUENCES),
    "Transformer": ({"width": 8, "heads": 2}, SEQUENCES),
    "BERT": ({"width": 8, "heads": 2, "blocks": 2}, ("tokens",)),
    "MiniRocket": ({"size": 168}, ("series",)),
    "InceptionTime": ({"filters": 3, "depth": 3, "kernels": (4, 3), "bottleneck": 2}, ("series",)),
    "MixedNetwork": (
        {"width": 8, "table_options": "widths=8", "text_options": "width=8", "image_options": "widths=4,8"},
        ("row", "texts"),
    ),
    "SpeechCNN": ({"widths": (6, 8), "mels": 16}, ("sound",)),
    "Listener": ({"network": "lstm", "embedding": 6, "width": 5, "mels": 16}, ("sound",)),
    "Ensemble": ({"network": "mlp", "size": 2, "widths": (8,)}, EVERY),
}


@dataclasses.dataclass(frozen=True)
class Pair(Tokens):
    """A text that is read, and the beginning of the one that is written."""


SPECS["pair"] = Pair(30, 7)
SPECS["words"] = Words(30, 7, 0, 12, 5)
# Networks whose answers are maps or sequences: the targets that they take, and the shape of their answer.
DENSE = {
    "Decoder": (NextToken(30, 7), (6, 7, 30)),
    "BiLSTMCRF": (Tags(("O", "B-X", "I-X"), 7), (6, 7, 3, 3)),
    "EncoderDecoder": (Text(12, 5, begin=10, end=11), (6, 5, 12)),
    "Seq2SeqLSTM": (Text(12, 5, begin=10, end=11), (6, 5, 12)),
    "SpeechCTC": (Transcript(("a", "b", "c"), 4), (6, 4, 4)),
    "UNet": (Mask(("a", "b", "c"), 9, 6), (6, 3, 9, 6)),
    "CentreDetector": (Boxes(("a", "b"), 9, 6, 4), (6, 6, 6 + 2 + 1)),
}
NETWORKS |= {
    "EncoderDecoder": ({"width": 8, "heads": 2, "blocks": 1}, ("pair",)),
    "Seq2SeqLSTM": ({"width": 6, "embedding": 8}, ("pair",)),
    "Decoder": ({"width": 8, "heads": 2, "blocks": 2}, ("tokens",)),
    "BiLSTMCRF": ({"embedding": 6, "width": 5, "character_features": 4}, ("tokens", "words")),
    "SpeechCTC": ({"widths": (4, 6), "width": 5, "mels": 16}, ("sound",)),
    "UNet": ({"width": 4, "depth": 2}, ("image",)),
    "CentreDetector": (
        {"trunk_options": "blocks=1,1;widths=4,8;stem=large", "width": 8, "pyramid_levels": 3},
        ("image",),
    ),
}
# Networks that forecast: of two channels, whose windows hold covariates or not.
SPECS["window"] = Window(2, 12, 5)
SPECS["known window"] = Window(2, 12, 5, ("wind",), ("hour sine", "holiday"), ids=4)
FORECASTERS = {
    "DLinear": {"kernel": 5, "individual": True},
    "NLinear": {},
    "ForecastEnsemble": {"members": ("nlinear", "dlinear")},
    "RLinear": {"individual": True},
    "WindowLinear": {},
    "PatchTST": {
        "patch": 4,
        "stride": 2,
        "width": 8,
        "heads": 2,
        "blocks": 2,
        "inner": 12,
        "normalization": "affine",
    },
    "ITransformer": {"width": 8, "heads": 2},
    "NBEATS": {"stacks": ("generic", "trend", "seasonality"), "blocks": 2, "width": 8, "layers": 2},
    "NHiTS": {"pools": (3, 1), "rates": (2, 1), "width": 8},
    "RecurrentForecaster": {"width": 6, "cell": "gru"},
    "CausalForecaster": {"width": 6},
}
NETWORKS |= {name: (options, ("window", "known window")) for name, options in FORECASTERS.items()}
OWN = (*DENSE, *FORECASTERS)  # targets of their own
ANSWERS = [name for name in NETWORKS if name not in OWN]
CASES = [(name, kind) for name, (_, kinds) in NETWORKS.items() for kind in kinds]
DEEP = {"InceptionV3", "MobileNetV2", "MobileNetV3"}  # they take long to export
WRAPPERS = {"MonteCarloDropout"}


def draw(spec, rows=6, dtype=torch.float32):
    """Return random inputs of a spec."""
    chance = torch.Generator().manual_seed(0)
    if isinstance(spec, Array):
        return torch.randn(rows, *spec.shape, generator=chance, dtype=dtype)
    if isinstance(spec, Image):
        return torch.randn(rows, spec.channels, spec.height, spec.width, generator=chance, dtype=dtype)
    if isinstance(spec, Tokens):
        tokens = torch.randint(1, spec.vocabulary, (rows, spec.length), generator=chance)
        lengths = torch.tensor([spec.length, 0, *range(1, rows - 1)])[
            :, None
        ]  # a full text, an empty one, others
        tokens = torch.where(torch.arange(spec.length) < lengths, tokens, 0)
        inputs = {"tokens": tokens, "mask": tokens != 0}
        if isinstance(spec, Pair):
            inputs["decoder_tokens"] = torch.randint(1, 12, (rows, 5), generator=chance)
        if isinstance(spec, Words):
            letters = torch.randint(1, spec.alphabet, (rows, spec.length, spec.letters), generator=chance)
            inputs["letters"] = (letters * (tokens != 0).unsqueeze(-1)).int()
        return inputs
    if isinstance(spec, Series):
        series = torch.randn(rows, spec.length, spec.channels, generator=chance, dtype=dtype)
        return {"series": series, "lengths": torch.tensor([spec.length, 0, *range(1, rows - 1)])}
    if isinstance(spec, Window):
        inputs = {"series": torch.randn(rows, spec.lookback, spec.channels, generator=chance, dtype=dtype)}
        for key, names, steps in (("past", spec.past, 0), ("future", spec.future, spec.horizon)):
            if names:
                inputs[key] = torch.randn(
                    rows, spec.lookback + steps, len(names), generator=chance, dtype=dtype
                )
        return inputs | ({"id": torch.arange(rows) % spec.ids} if spec.ids else {})
    if isinstance(spec, Waveform):
        waveform = 0.3 * torch.randn(rows, spec.length, generator=chance, dtype=dtype)
        return {
            "waveform": waveform,
            "lengths": torch.tensor([spec.length, 0, *range(300, 300 * rows - 300, 300)])[:rows],
        }
    if isinstance(spec, Mixed):
        inputs = draw(spec.table, rows, dtype)
        for key, each in spec.texts:
            inputs |= {f"{key}_{name}": value for name, value in draw(each, rows).items()}
        return inputs | {key: draw(each, rows, dtype) for key, each in spec.images}
    if isinstance(spec, Series):
        series = torch.randn(rows, spec.length, spec.channels, generator=chance, dtype=dtype)
        return {"series": series, "lengths": torch.arange(rows) % spec.length + 1}
    parts = {}
    if spec.numeric:
        parts["numeric"] = torch.randn(rows, len(spec.numeric), generator=chance, dtype=dtype)
    if spec.categorical:
        codes = [torch.randint(0, count, (rows,), generator=chance) for count in spec.cardinalities]
        parts["categorical"] = torch.stack(codes, dim=1)
    return parts


def make(name, kind, targets="four classes", *, alive=True):
    """Build a network; `alive` moves its weights off special starts such as a head of zeros."""
    torch.manual_seed(1)
    options, _ = NETWORKS[name]
    wanted = DENSE[name][0] if name in DENSE else TARGETS[targets]
    if name in FORECASTERS:
        wanted = Horizon(("a", "b"), 5)
    network = getattr(networks, name).for_data(SPECS[kind], wanted, **options)
    if alive:
        with torch.no_grad():
            if (
                kind == "photo"
            ):  # deep networks that start for normalized maps: in eval mode nothing normalizes yet
                for module in network.modules():
                    if isinstance(module, torch.nn.Conv2d):
                        module.weight.mul_(0.2)
            for parameter in network.parameters():
                parameter.add_((0.01 if kind == "photo" else 0.05) * torch.randn_like(parameter))
    return network


def test_every_network_is_in_this_suite():
    classes = {name for name in networks.MEMBERS if isinstance(getattr(networks, name), type)}
    classes -= {name for name in classes if hasattr(getattr(networks, name), "variant_of")}
    assert {name for name in classes if hasattr(getattr(networks, name), "for_data")} == set(NETWORKS)
    assert {name for name in classes if issubclass(getattr(networks, name), torch.nn.Module)} == (
        set(NETWORKS) | WRAPPERS
    )


VARIANTS = [name for name in table("network") if hasattr(find("network", name), "variant_of")]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_its_family_with_options_fixed(name):
    variant = find("network", name)
    assert variant.variant_of.__name__ in NETWORKS
    with torch.device("meta"):
        made = variant.for_data(Image(3, 96, 96), TARGETS["four classes"])
    assert isinstance(made, variant.variant_of) and recipe_of(made).builder.endswith(f":{variant.__name__}")
    assert not set(recipe_of(made).options) & set(variant.fixed)


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize(("name", "kind"), [case for case in CASES if case[0] not in OWN])
def test_outputs_have_the_shape_of_the_targets(name, kind, targets):
    network = make(name, kind, targets).eval()
    outputs = network(draw(SPECS[kind]))
    assert outputs.shape == (6, TARGETS[targets].outputs)
    assert outputs.std() > 0
    assert torch.equal(outputs, network(draw(SPECS[kind])))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_gradient_reaches_every_parameter(name, kind):
    network = make(name, kind).train()
    network(draw(SPECS[kind])).square().sum().backward()
    if hasattr(network, "reconstruct"):  # what draws the image again is no part of the outputs
        network.reconstruct(network.capsules(draw(SPECS[kind]))).square().sum().backward()
    for path, parameter in network.named_parameters():
        assert parameter.grad is not None, path
        # A key's bias adds one number to all scores of a query: softmax does not see it.
        assert parameter.grad.abs().max() > 0 or path.endswith("key.bias"), path


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_recipe_and_weights_rebuild_it_bitwise(name, kind):
    network = make(name, kind)
    network(draw(SPECS[kind]))
    network.eval()
    recipe = json.loads(json.dumps(recipe_of(network).to_json()))
    torch.manual_seed(99)
    rebuilt = build(recipe).eval()
    assert type(rebuilt) is type(network)
    rebuilt.load_state_dict(network.state_dict())
    outputs = network(draw(SPECS[kind]))
    assert torch.equal(rebuilt(draw(SPECS[kind])), outputs)
    assert torch.equal(copy.deepcopy(network)(draw(SPECS[kind])), outputs)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_examples_do_not_meet_in_eval_mode(name, kind):
    network = make(name, kind).eval()
    inputs = draw(SPECS[kind])
    outputs = network(inputs)
    order = torch.tensor([3, 1, 5, 0, 4, 2])
    torch.testing.assert_close(network(batches.take(inputs, order)), outputs[order], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(network(batches.take(inputs, slice(2, 3))), outputs[2:3], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_other_precisions_give_nearly_the_same(name, kind):
    network = make(name, kind).eval()
    outputs = network(draw(SPECS[kind]))
    with torch.autocast("cpu", torch.bfloat16):
        rough = network(draw(SPECS[kind]))
    assert (rough.float() - outputs).abs().max() < 0.1 * (1 + outputs.abs().max())
    inputs = batches.map_tensors(lambda t: t.double() if t.is_floating_point() else t, draw(SPECS[kind]))
    exact = network.double()(inputs)
    assert exact.dtype == torch.float64
    torch.testing.assert_close(exact.float(), outputs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "kind"),
    [pytest.param(*case, marks=pytest.mark.slow if case[0] in DEEP else ()) for case in CASES],
)
def test_it_exports_and_differentiates_twice_and_per_example(name, kind):
    network, inputs = make(name, kind).eval(), draw(SPECS[kind])
    outputs = network(inputs)
    exported = torch.export.export(network, (inputs,)).module()
    torch.testing.assert_close(exported(inputs), outputs, atol=1e-5, rtol=1e-5)
    parameters = {
        path: each for path, each in network.named_parameters() if not path.startswith("decoder.layers.")
    }
    with sdpa_kernel(SDPBackend.MATH):  # the fused kernels of attention have no second derivative
        gradients = torch.autograd.grad(
            network(inputs).square().sum(), list(parameters.values()), create_graph=True
        )
        sum(gradient.square().sum() for gradient in gradients).backward()
    assert any(parameter.grad.abs().max() > 0 for parameter in parameters.values())

    def loss(parameters, example):
        return functional_call(network, parameters, (batches.stack([example]),)).sum()

    with sdpa_kernel(SDPBackend.MATH):
        per_example = vmap(grad(loss), in_dims=(None, 0))(parameters, inputs)
    whole = grad(lambda parameters: functional_call(network, parameters, (inputs,)).sum())(parameters)
    for path, gradient in per_example.items():
        atol = 1e-4 * max(1.0, float(whole[path].abs().max()))
        torch.testing.assert_close(gradient.sum(0), whole[path], atol=atol, rtol=1e-3)


HEADLESS = (
    "Ensemble",
    "ForecastEnsemble",
    "TextCharacters",
    "TextEnsemble",
    "TextNgrams",
)  # mixtures, and a sum without features


@pytest.mark.parametrize(("name", "kind"), [case for case in CASES if case[0] not in (*HEADLESS, *OWN)])
def test_the_head_can_be_replaced(name, kind):
    network = make(name, kind).eval()
    inputs = draw(SPECS[kind])
    features = network.features(inputs)
    assert features.shape[-1] == network.feature_dim and len(features) == 6
    if not hasattr(network, "members"):
        torch.testing.assert_close(network.head(features), network(inputs))
    network.head = torch.nn.Linear(network.feature_dim, 7)
    assert network(inputs).shape == (6, 7)


@pytest.mark.parametrize("name", ANSWERS)
def test_other_inputs_and_targets_are_refused_by_name(name):
    builder = getattr(networks, name).for_data
    own = {type(SPECS[kind]) for kind in NETWORKS[name][1]}
    for spec in (each for each in (Tokens(10, 5), Series(2, 5)) if type(each) not in own):
        with pytest.raises(RefusalError, match=f"cannot take {type(spec).__name__}"):
            builder(spec, TARGETS["two classes"])
    kind = NETWORKS[name][1][0]
    with pytest.raises(RefusalError, match="cannot predict Unlabeled"):
        builder(SPECS[kind], Unlabeled())
    with pytest.raises(OptionError, match="quantities"):
        builder(SPECS[kind], TARGETS["two classes"], distribution="gaussian")


@pytest.mark.parametrize("name", ANSWERS)
def test_a_gaussian_has_two_numbers_per_quantity(name):
    torch.manual_seed(0)
    options, kinds = NETWORKS[name]
    builder = getattr(networks, name).for_data
    network = builder(SPECS[kinds[0]], TARGETS["quantities"], distribution="gaussian", **options)
    assert network.distribution == "gaussian"
    assert network(draw(SPECS[kinds[0]])).shape == (6, 4)


@pytest.mark.parametrize("name", ["Perceptron", "MLP", "ResidualMLP", "FTTransformer", "TabM", "RealMLP"])
def test_a_row_without_columns_is_refused(name):
    with pytest.raises(OptionError, match="no column"):
        getattr(networks, name).for_data(Table(), TARGETS["two classes"])


@pytest.mark.parametrize("name", [name for name in DENSE if "image" in NETWORKS[name][1]])
def test_maps_have_the_shape_of_their_targets_and_other_targets_are_refused(name):
    targets, shape = DENSE[name]
    network = make(name, "image").eval()
    outputs = network(draw(SPECS["image"]))
    assert outputs.shape == shape and shape[1] == targets.outputs and outputs.std() > 0
    assert network.head(network.features(draw(SPECS["image"]))).shape[1] == shape[1]
    builder = getattr(networks, name).for_data
    with pytest.raises(RefusalError, match="cannot take Table"):
        builder(SPECS["numbers"], targets)
    with pytest.raises(RefusalError, match="cannot predict Classes"):
        builder(SPECS["image"], TARGETS["two classes"])
    with pytest.raises(OptionError, match="follows from the data"):
        builder(SPECS["image"], targets, channels=3)
    with pytest.raises(OptionError, match="no feature maps"):
        builder(SPECS["image"], targets, trunk="mlp")


@pytest.mark.parametrize("name", FORECASTERS)
def test_forecasts_have_the_shape_of_the_horizon_and_other_data_is_refused(name):
    inputs, builder = draw(SPECS["window"]), getattr(networks, name).for_data
    network = make(name, "window").eval()
    assert network(inputs).shape == (6, 5, 2) and network(inputs).std() > 0
    quantiles = Horizon(tuple(f"{each} {level}" for each in "ab" for level in range(3)), 5)
    assert builder(SPECS["window"], quantiles, **FORECASTERS[name])(inputs).shape == (6, 5, 6)
    gaussian = builder(SPECS["window"], Horizon(("a", "b"), 5), distribution="gaussian", **FORECASTERS[name])
    assert gaussian(inputs).shape == (6, 5, 4)
    with pytest.raises(RefusalError, match="cannot take Table"):
        builder(SPECS["numbers"], Horizon(("a",), 5))
    with pytest.raises(RefusalError, match="cannot predict Classes"):
        builder(SPECS["window"], TARGETS["two classes"])
    with pytest.raises(OptionError, match="follows from the data"):
        builder(SPECS["window"], Horizon(("a", "b"), 5), lookback=3)


@pytest.mark.parametrize("name", FORECASTERS)
def test_forecasts_follow_the_level_and_the_spread_of_their_window(name):
    """Instance normalization: a window that is 3 x + 7 gets a forecast that is 3 y + 7."""
    options = {**FORECASTERS[name], "normalization": "instance"}
    torch.manual_seed(0)
    network = getattr(networks, name).for_data(SPECS["window"], Horizon(("a", "b"), 5), **options).eval()
    series = draw(SPECS["window"])["series"]
    outputs = network({"series": series})
    torch.testing.assert_close(network({"series": 3 * series + 7}), 3 * outputs + 7, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", FORECASTERS)
def test_what_is_known_of_the_steps_to_come_changes_their_forecast(name):
    network, inputs = make(name, "known window").eval(), draw(SPECS["known window"])
    if getattr(network, "beside", None) is not None:
        torch.nn.init.ones_(network.beside)  # zero at first
    before = network(inputs)
    future = inputs["future"].clone()
    future[:, -1] += 1
    after = network({**inputs, "future": future})
    assert (after - before)[:, -1].abs().min() > 0
    torch.testing.assert_close(after[:, :-1], before[:, :-1])
    if name != "WindowLinear":  # several series share its map
        assert (network({**inputs, "id": (inputs["id"] + 1) % 4}) - before).abs().max() > 0
