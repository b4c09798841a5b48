"""The examples at the end of each file of docs/own do what they say, and each file is short."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import distillation
import dqn
import fedavg
import gan
import maml
import prune_quantize
import pytest
import quantum_kernel
import sharpness
import torch
import wgan_gp
import zoo

from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Classes

OWN = Path(gan.__file__).parent


def code_lines(path: Path) -> int:
    """Count lines of code above the example: no blank ones, comments, docstrings or imports."""
    text = path.read_text(encoding="utf-8").partition("# -- an example")[0]
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        has_docstring = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        )
        parts = node.body[:1] if has_docstring else []
        if isinstance(node, ast.Import | ast.ImportFrom):
            parts = [node]
        left_out |= {line for part in parts for line in range(part.lineno, part.end_lineno + 1)}
    lines = enumerate(text.splitlines(), 1)
    return sum(bool(line.strip()) and line.strip()[0] != "#" and n not in left_out for n, line in lines)


@pytest.mark.parametrize("path", sorted(OWN.glob("*.py")), ids=lambda path: path.stem)
def test_each_method_has_40_lines_at_most(path):
    assert 10 < code_lines(path) <= 40


def test_the_guide_names_every_example():
    text = (OWN / "README.md").read_text(encoding="utf-8")
    for path in OWN.glob("*.py"):
        assert f"({path.name})" in text, path.name


def test_the_smallest_example_of_the_guide_learns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (OWN / "README.md").read_text(encoding="utf-8")
    first = text.split("```python\n")[1].split("```")[0]
    network = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Linear(4, 6))
    splits = [Examples(zoo.batch("mlp", 300, seed)) for seed in range(2)]
    dataset = Dataset("numbers", Array((6,)), Classes(("a", "b", "c")), *splits)
    code = first.replace("nr.fit(", "run = nr.fit(").replace("epochs=20", "epochs=15, progress=False")
    named: dict = {"network": network, "dataset": dataset}
    exec(code.replace("1e-3", "1e-2"), named)
    losses = [row["validation"]["loss"] for row in named["run"].history]
    assert losses[-1] < 0.7 * losses[0]
    assert "weights.safetensors" in os.listdir(tmp_path / "runs" / "autoencoder")


def test_gan_learns_a_normal_distribution():
    generator = gan.example(steps=600)
    torch.manual_seed(5)
    made = generator(torch.randn(20_000, 1)).detach()
    assert abs(float(made.mean()) - 3) < 0.4
    assert 0.6 < float(made.std()) < 1.4


def test_critic_measures_the_distance():
    assert abs(wgan_gp.example() - 3.2) < 0.3  # a soft penalty allows slopes a little above 1


def test_maml_adapts_to_new_sines():
    before, after = maml.example(steps=120)
    assert after < 0.6 * before


def test_dqn_walks_to_the_right():
    values = dqn.example()
    assert torch.equal(values.argmax(1), torch.ones(5, dtype=torch.int64))
    assert float((values[:, 1] - 0.9 ** torch.arange(4.0, -1, -1)).abs().max()) < 0.15


def test_fedavg_learns_from_clients_of_two_classes_each():
    assert fedavg.example(rounds=8) > 0.8


def test_student_agrees_with_its_teacher():
    teacher, student, agreement = distillation.example(epochs=8)
    assert teacher > 0.93 and student > 0.9 and agreement > 0.93


def test_four_bits_and_a_fifth_of_the_weights_are_enough():
    (dense, small), zeros = prune_quantize.example(epochs=5)
    assert dense > 0.93 and small > dense - 0.1
    assert min(zeros) >= 0.79


def test_sharpness_aware_training_learns_digits():
    assert sharpness.example(epochs=4) > 0.88


def test_kernel_learns_a_wave():
    assert quantum_kernel.example() < 0.02
