"""Plugins: a real package, built as a wheel, installed by pip, gives networks and methods by their names."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from neurarium.core import plugins

NETWORKS = '''
"""Networks of theirs."""
import torch
from torch import nn
from neurarium.core.recipe import recorded
from neurarium.layers.table_embedding import TableEmbedding
from neurarium.networks.sizing import build_for_columns, head_outputs

class Gate(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))
    def forward(self, inputs):
        return inputs * torch.sigmoid(self.weight)

class Highway(nn.Module):
    """Not decorated: the declaration alone lets a saved run name it."""
    def __init__(self, features: int, outputs: int, width: int = 8, cardinalities: tuple[int, ...] = (),
                 bins: tuple[int, ...] = (), distribution: str | None = None):
        super().__init__()
        self.embedding = TableEmbedding(features, cardinalities)
        self.body = nn.Linear(self.embedding.feature_dim, width)
        self.gate = Gate(width)
        self.head = nn.Linear(width, head_outputs(outputs, distribution))
    @classmethod
    def for_data(cls, inputs, targets, **options):
        return build_for_columns(cls, "highway", inputs, targets, options)
    def forward(self, inputs):
        return self.head(self.gate(torch.tanh(self.body(self.embedding(inputs)))))

class Undeclared(nn.Module):
    def __init__(self):
        super().__init__()

Highway = recorded(Highway)
nothing = 3
def made(width: int = 3):
    return nn.Linear(width, width)
'''
METHODS = '''
from neurarium.core.recipe import recorded
from neurarium.methods.supervised import Supervised

@recorded
class Twice(Supervised):
    """Learn from each batch twice."""
    def step(self, batch):
        super().step(batch)
        return super().step(batch)
'''
POINTS = """[neurarium.networks]
highway = their_package.networks:Highway
mlp = their_package.networks:Highway
broken = their_package.broken:Network
nothing = their_package.networks:nothing
Bad Name = their_package.networks:Highway

[neurarium.methods]
twice = their_package.methods:Twice

[neurarium.initializers]
made = their_package.networks:made

[console_scripts]
theirs = their_package:main
"""


def wheel(folder: Path, name: str, points: str, files: dict[str, str], version: str = "1.2") -> Path:
    """Write a wheel as a build tool does: its files, METADATA, WHEEL, entry_points.txt and RECORD."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    held = {f"{module}/{path}": text for path, text in files.items()}
    held[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: Roads\n"
    held[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    held[f"{info}/entry_points.txt"] = points
    rows = []
    for path, text in held.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text.encode())}")
    held[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    made = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in held.items():
            archive.writestr(path, text)
    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two packages in a folder `site-packages`, put there by pip."""
    folder = tmp_path_factory.mktemp("packages")
    files = {
        "__init__.py": "",
        "networks.py": NETWORKS,
        "methods.py": METHODS,
        "broken.py": "import no_such_module\n",
    }
    other = "[neurarium.networks]\nhighway = other_package:Road\n"
    road = "from their_package.networks import Highway\nclass Road(Highway):\n    pass\n"
    wheels = [
        wheel(folder, "their-package", POINTS, files),
        wheel(
            folder,
            "z-other-package",
            other.replace("other_package", "z_other_package"),
            {"__init__.py": road},
        ),
    ]
    target = folder / "site-packages"
    line = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(target)]
    subprocess.run([*line, *map(str, wheels)], check=True, capture_output=True)
    return target


def said(site: Path, code: str) -> tuple[str, str]:
    """Run code in a process that sees the packages; return what it printed, and its warnings."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def shell(site: Path, folder: Path, *words: str) -> tuple[int, dict, str]:
    done = subprocess.run(
        [sys.executable, "-m", "neurarium", *words, "--json"], capture_output=True, text=True, timeout=120,
        cwd=folder, env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout.strip().splitlines()[-1]), done.stderr


def test_names_are_listed_without_importing_anything(site):
    code = """
import sys
from neurarium.core.members import address, table
rows = table("network")
print(rows["highway"][1].summary, "|", rows["mlp"][1].package == "", "|", rows["their-package:mlp"][0], "|",
      rows["z-other-package:highway"][0], "|", address("network", "highway"), "|", "twice" in table("method"), "|",
      [name for name in ("torch", "their_package", "z_other_package") if name in sys.modules])
"""
    out, warned = said(site, code)
    assert out == (
        "Roads (their-package 1.2) | True | Highway | Road | their_package.networks:Highway | True | []"
    )
    assert "'Bad Name = their_package.networks:Highway'" in warned and "kebab-case" in warned


def test_clashes_go_by_the_rule_and_are_warned_of_once(site):
    code = """
from neurarium.core.members import find
print(find("network", "mlp").__module__, find("network", "their-package:mlp").__module__)
print(find("network", "highway").__name__, find("network", "z-other-package:highway").__name__)
find("network", "highway")
"""
    out, warned = said(site, code)
    assert out.split() == ["neurarium.networks.mlp", "their_package.networks", "Highway", "Road"]
    assert warned.count("the other of this name is reached as their-package:mlp") == 1
    assert (
        warned.count("'highway' is their-package:highway; the other of this name is reached as z-other") == 1
    )


def test_a_broken_plugin_is_named_and_the_rest_works(site):
    code = """
from neurarium.core.errors import ArtifactError, RefusalError
from neurarium.core.members import find
for name in ("broken", "nothing"):
    try:
        find("network", name)
    except (ArtifactError, RefusalError) as error:
        print(str(error).splitlines()[0])
print(find("network", "cnn").__name__)
"""
    out, _ = said(site, code)
    first, second, third = out.splitlines()
    assert first.startswith("the network 'broken' of the package their-package 1.2 cannot be loaded")
    assert "No module named 'no_such_module'" in first
    assert second == "'nothing' of the package their-package 1.2 is no network" and third == "SmallCNN"


@pytest.mark.slow
def test_trained_saved_and_predicted_by_its_name(site, tmp_path):
    words = ("--network", "highway", "--method", "twice", "--set", "width=12", "--epochs", "2", "--quiet")
    code, value, told = shell(site, tmp_path, "train", "iris", *words)
    assert code == 0, told
    code, value, _ = shell(site, tmp_path, "evaluate", value["run"])
    assert code == 0 and value["examples"] == 22
    code, value, _ = shell(site, tmp_path, "runs")
    assert value["runs"][0]["network"] == "highway"
    code, value, _ = shell(site, tmp_path, "chapters")
    assert {
        "kind": "method",
        "name": "twice",
        "summary": "Roads (their-package 1.2)",
        "package": "their-package 1.2",
    } in value["packages"]
    code, value, _ = shell(site, tmp_path, "train", "iris", "--network", "broken")
    assert code == 2 and "their-package 1.2 cannot be loaded" in value["error"]["problem"]
    code, value, _ = shell(site, tmp_path, "train", "iris", "--network", "highwai")
    assert code == 2 and value["error"]["fix"] == "did you mean 'highway'?"


def test_a_saved_run_names_only_what_its_package_declares(site):
    """`Gate` stands in a package that declares networks; the same class in a package that declares none is refused."""
    code = """
import sys, torch
from neurarium.core import plugins
from neurarium.core.errors import ArtifactError
from neurarium.core.recipe import locate
print(locate("their_package.networks:Gate").__name__, locate("their_package.networks:made").__name__)
plugins.declared.cache_clear()
plugins.metadata.distributions = lambda: ()
for address in ("their_package.networks:Gate", "their_package.networks:made", "os:getcwd"):
    try:
        print(locate(address))
    except ArtifactError as error:
        print("refused", str(error).partition(" as a builder")[0][-30:])
"""
    out, _ = said(site, code)
    assert out.splitlines()[0] == "Gate made"
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["refused"] * 3


def test_metadata_that_cannot_be_read_is_left_out(tmp_path, monkeypatch):
    info = tmp_path / "damaged-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[neurarium.networks]\nno equals sign here\n")
    (info / "METADATA").write_text("Name: damaged\nVersion: 1\n")
    found = list(plugins.metadata.distributions(path=[str(tmp_path)]))
    monkeypatch.setattr(plugins.metadata, "distributions", lambda: found)
    plugins.declared.cache_clear()
    try:
        with pytest.warns(plugins.PluginWarning, match="damaged"):
            assert plugins.declared() == ()
    finally:
        plugins.declared.cache_clear()
