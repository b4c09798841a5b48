"""The worked examples of CONTRIBUTING.md run as they stand there, and do what the text says."""

from __future__ import annotations

import doctest
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from neurarium.core.recipe import build, recipe_of

DOCUMENT = Path(__file__).resolve().parent.parent / "CONTRIBUTING.md"
NAME = "contributed"  # the module in which the examples live, so that recipes can find what they define


@pytest.fixture(scope="module")
def contributed(tmp_path_factory: pytest.TempPathFactory):
    """Run every Python block of the document, one after the other, as one module."""
    text = DOCUMENT.read_text(encoding="utf-8")
    blocks = list(re.finditer(r"```python\n(.*?)```", text, flags=re.DOTALL))
    module = ModuleType(NAME)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("contributed"))
        patch.setitem(sys.modules, NAME, module)
        torch.manual_seed(0)
        for block in blocks:
            above = "\n" * text.count(
                "\n", 0, block.start(1)
            )  # so that a failure names the line of the document
            exec(compile(above + block[1], str(DOCUMENT), "exec", dont_inherit=True), module.__dict__)
        module.blocks = len(blocks)
        yield module


def test_every_example_runs(contributed):
    assert contributed.blocks == 6
    assert {"Highway", "Agreement", "Binarize"} <= set(vars(contributed))


def test_the_network_is_what_its_equations_say(contributed):
    network = contributed.Highway(3, 2, width=5, depth=1)
    x = network.enter(rows := torch.randn(4, 3))
    gate = 1 / (1 + torch.exp(-(x @ network.gates[0].weight.T + network.gates[0].bias)))
    layer = (x @ network.layers[0].weight.T + network.layers[0].bias).clamp(min=0)
    torch.testing.assert_close(network.features(rows), gate * layer + (1 - gate) * x)
    assert network(rows).shape == (4, 2)


def test_the_network_is_rebuilt_from_its_recipe(contributed):
    network = contributed.Highway(3, 2, width=5)
    rebuilt = build(recipe_of(network).to_json())
    rebuilt.load_state_dict(network.state_dict())
    rows = torch.randn(4, 3)
    assert torch.equal(rebuilt(rows), network(rows))


def test_the_docstrings_of_the_examples_run(contributed):
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    for found in finder.find(
        contributed.Highway, "Highway", module=contributed, globs=dict(vars(contributed))
    ):
        runner.run(found)
    assert runner.summarize(verbose=False) == (0, 1)
