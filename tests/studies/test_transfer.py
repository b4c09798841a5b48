"""Transfer: published weights load by name or are refused by name; what is frozen stays bitwise, statistics too."""

import hashlib

import pytest
import torch
from safetensors.torch import save_file

import neurarium as nr
from neurarium.core.errors import ArtifactError, OptionError, RefusalError
from neurarium.data import Array, Classes, Dataset, Examples, Image
from neurarium.networks.published.loading import architecture_of, load_weights
from neurarium.networks.published.weights import read_weights
from neurarium.training.callbacks.callback import Callback
from neurarium.training.freezing import freeze, groups


def pictures(count=24, classes=3):
    chance = torch.Generator().manual_seed(0)
    images = torch.randn(count, 3, 16, 16, generator=chance)
    targets = torch.arange(count) % classes
    images += targets[:, None, None, None]
    examples = Examples({"inputs": images, "targets": targets})
    names = tuple("abc"[:classes])
    return Dataset("pictures", Image(3, 16, 16), Classes(names), examples, examples.subset(range(6)))


def small(outputs=3):
    torch.manual_seed(0)
    return nr.networks.ResNet(3, outputs, blocks=(1, 1, 1), widths=(4, 8, 8), stem="small")


def state(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def changed(before, network):
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


@pytest.mark.parametrize(
    ("what", "held"),
    [
        (2, ("conv1", "bn1", "layer1")),
        ("all", ("conv1", "bn1", "layer1", "layer2", "layer3")),
        (0.5, ("conv1", "bn1", "layer1")),
        ("layer2,layer1.0.conv1", ("layer2", "layer1.0.conv1")),
    ],
)
def test_frozen_parts_stay_bitwise_and_all_others_move(what, held):
    network = small()
    before = state(network)
    freeze(network, what)
    nr.fit(
        nr.methods.Supervised(network, learning_rate=0.05, weight_decay=0.1),
        pictures(),
        epochs=3,
        keep="last",
        progress=False,
    )
    moved = changed(before, network)
    inside = {name for name in before if any(name == each or name.startswith(f"{each}.") for each in held)}
    assert not moved & inside
    assert moved == set(before) - inside


def test_frozen_dropout_goes_on_and_frozen_norms_survive_a_copy():
    import copy

    network = torch.nn.Sequential()
    network.body = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3), torch.nn.Dropout(0.5))
    network.head = torch.nn.Linear(3, 1)
    freeze(network, 1)
    again = copy.deepcopy(network).train()
    before = state(again)
    outputs = again(torch.randn(64, 3))
    assert outputs.requires_grad and not changed(before, again)
    assert (again.body(torch.randn(64, 3)) == 0).float().mean() > 0.3


def test_parts_are_freed_from_the_head_down(tmp_path):
    network = small()
    started, seen = state(network), []

    class Look(Callback):
        def evaluate(self, loop, row):
            seen.append(sorted({name.split(".")[0] for name in changed(started, network)}))

    run = nr.studies.train(
        pictures(), network, epochs=6, freeze="all", unfreeze_every=2, keep="last", callbacks=[Look()], progress=False,
        options={"learning_rate": "0.05", "optimizer": "sgd"},
    )  # fmt: skip
    assert seen[1] == ["fc"]
    assert seen[3] == ["fc", "layer3"]
    assert seen[5] == ["fc", "layer2", "layer3"]
    assert {each.subject: each.choice for each in run.decisions}["freed"] == "one part every 2 epochs"


def test_a_run_with_freed_parts_is_resumed_bitwise(tmp_path):
    options = {"freeze": "all", "unfreeze_every": 1, "keep": "last", "progress": False, "checkpoint_steps": 1}
    whole = nr.studies.train(pictures(), small(), epochs=3, batch_size=8, out=tmp_path / "whole", **options)

    class Stop(Callback):
        def step(self, loop, metrics):
            if loop.step == 4:
                loop.stop("here")

    first = {**options, "callbacks": [Stop()]}
    nr.studies.train(pictures(), small(), epochs=3, batch_size=8, out=tmp_path / "half", **first)
    half = nr.studies.train(
        pictures(), small(), epochs=3, batch_size=8, out=tmp_path / "half", resume=True, **options
    )
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, half.network.state_dict()[name]), name


def test_the_rate_falls_from_part_to_part():
    network = small()
    descent = nr.Descent(network, optimizer="sgd", learning_rate=1.0, layer_decay=0.5)
    descent.begin()
    rates = {
        name: group["lr"]
        for group in descent.optimizers[0].param_groups
        for name, p in network.named_parameters()
        if any(p is each for each in group["params"])
    }
    assert rates["fc.weight"] == 1.0 and rates["layer3.0.conv1.weight"] == 0.5
    assert rates["conv1.weight"] == rates["bn1.weight"] == 1 / 16
    assert list(groups(network)) == ["conv1", "layer1", "layer2", "layer3", "fc"]


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_published_weights_start_a_training(tmp_path, suffix):
    source = small(7)
    path = tmp_path / f"weights{suffix}"
    save_file(
        {name: value.contiguous() for name, value in source.state_dict().items()}, path
    ) if suffix == ".safetensors" else torch.save({"state_dict": source.state_dict()}, path)
    network = small(3)
    run = nr.studies.train(
        pictures(), network, weights=path, freeze="all", epochs=1, keep="last", progress=False
    )
    for name, value in source.state_dict().items():
        if not name.startswith("fc."):
            assert torch.equal(run.network.state_dict()[name], value), name
    said = {each.subject: each for each in run.decisions}
    assert "fresh: fc.weight, fc.bias" in said["weights"].reason
    assert (
        hashlib.sha256(path.read_bytes()).hexdigest().startswith(said["weights"].reason.split()[1].strip(";"))
    )


def test_weights_decide_the_stem_of_small_images(tmp_path):
    """Images of 16 pixels have the small stem by themselves, published weights the large one."""
    torch.manual_seed(0)
    published = nr.networks.ResNet(3, 1000, blocks=(1, 1, 1), widths=(4, 8, 8))
    torch.save(published.state_dict(), tmp_path / "published.pth")
    options = {"blocks": "1,1,1", "widths": "4,8,8"}
    settings = {"steps": 2, "batch_size": 8, "progress": False, "evaluate": False}
    run = nr.studies.train(
        pictures(), "resnet", options=options, weights=tmp_path / "published.pth", freeze="all", **settings
    )
    assert torch.equal(run.network.conv1.weight, published.conv1.weight)  # 7 x 7
    told = {each.subject: each for each in run.decisions}
    assert told["stem"].choice == "large" and "7 x 7" in told["stem"].reason
    without = nr.studies.train(pictures(), "resnet", options=options, **settings)
    assert without.network.conv1.weight.shape[2:] == (3, 3)
    assert "stem" not in {each.subject for each in without.decisions}


def test_weights_of_colors_say_how_grey_images_are_read():
    grey = nr.networks.ResNet(1, 3, blocks=(1, 1, 1), widths=(4, 8, 8), stem="small")
    with pytest.raises(RefusalError, match="these weights read images of 3 channels") as caught:
        load_weights(grey, small().state_dict())
    assert "--set channels=3" in str(caught.value) and "1 channel" in str(caught.value)


@pytest.mark.slow  # all architectures are built, without memory
def test_weights_name_their_network():
    assert architecture_of(nr.networks.VGG11(3, 4, normalization=False).state_dict()) == (
        "vgg11",
        {"normalization": False},
    )
    wanted = nr.networks.MobileNetV2(3, 4)
    with pytest.raises(RefusalError, match=r"--network resnet18") as caught:
        load_weights(wanted, nr.networks.ResNet18(3, 1000).state_dict())
    assert "conv1.weight has no place" in str(caught.value) or "is missing" in str(caught.value)
    state = nr.networks.ResNet18(3, 1000).state_dict()
    del state["layer3.0.bn1.weight"]
    with pytest.raises(RefusalError, match=r"layer3\.0\.bn1\.weight is missing"):
        load_weights(nr.networks.ResNet18(3, 2), state)


def test_files_of_weights_are_checked(tmp_path):
    path = tmp_path / "net-00000000.pth"
    torch.save(small().state_dict(), path)
    with pytest.raises(ArtifactError, match="not the file that its hash says"):
        read_weights(path)
    right = path.rename(tmp_path / f"net-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth")
    assert set(read_weights(right).state) == set(small().state_dict())
    torch.save(small(), tmp_path / "whole.pth")
    with pytest.raises(ArtifactError, match="Python objects beside tensors"):
        read_weights(tmp_path / "whole.pth")
    whole = tmp_path / "whole.pth"
    torch.save(small(), whole)
    with pytest.raises(ArtifactError, match="save its state_dict"):
        read_weights(whole)
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{}")
    with pytest.raises(ArtifactError, match="no weights that can be read"):
        read_weights(tmp_path / "cut.safetensors")
    with pytest.raises(ArtifactError, match="there are no weights"):
        read_weights(tmp_path / "absent.pth")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ArtifactError, match="does not hold one file"):
        read_weights(folder)
    state = small().state_dict()
    names = sorted(state)
    for number, part in enumerate((names[:10], names[10:])):
        save_file({name: state[name].contiguous() for name in part}, folder / f"part-{number}.safetensors")
    index = {name: f"../folder/part-{int(name not in names[:10])}.safetensors" for name in names}
    (folder / "model.safetensors.index.json").write_text(__import__("json").dumps({"weight_map": index}))
    assert set(read_weights(folder).state) == set(names)


def test_mistakes_of_freezing_are_named():
    with pytest.raises(OptionError, match="4 parts beside its head"):
        freeze(small(), 9)
    with pytest.raises(OptionError, match="did you mean 'layer1'"):
        freeze(small(), "layr1")
    with pytest.raises(OptionError, match="nothing is frozen"):
        nr.studies.train(pictures(), small(), unfreeze_every=1)
    with pytest.raises(OptionError, match="between 0 and 1"):
        freeze(small(), 1.5)
    table = Dataset(
        "t",
        Array((3,)),
        Classes(("a", "b")),
        Examples({"inputs": torch.zeros(4, 3), "targets": torch.arange(4) % 2}),
    )
    with pytest.raises(OptionError, match="0 to 2"):
        nr.studies.train(table, "mlp", freeze=5, epochs=1)
