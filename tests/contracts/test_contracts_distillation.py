"""Distillation: the student learns from the teacher's answers alone; not a bit of the teacher changes."""

from __future__ import annotations

import copy

import pytest
import torch
import zoo
from distillation import Distillation

from neurarium.core.errors import ArtifactError
from neurarium.data.dataset import Dataset
from neurarium.data.examples import Examples
from neurarium.data.specs import Array, Classes
from neurarium.methods.supervised import Supervised
from neurarium.training.fitting import fit

TARGETS = Classes(("a", "b", "c"))


def data(kind: str) -> Dataset:
    splits = [Examples(zoo.batch(kind, count, seed)) for count, seed in ((128, 1), (64, 2))]
    return Dataset(kind, Array((zoo.FEATURES,)), TARGETS, *splits)


@pytest.fixture(scope="module", params=list(zoo.KINDS))
def taught(request):
    kind = request.param
    teacher = zoo.network(kind, seed=1)
    fit(Supervised(teacher, learning_rate=0.03), data(kind), epochs=8, batch_size=32, progress=False)
    teacher.train().requires_grad_(True)  # the method must see to it
    before = copy.deepcopy(teacher.state_dict())
    blank = data(kind)
    blank.train.batch["targets"] = torch.zeros_like(blank.train.batch["targets"])  # the labels are of no use
    method = Distillation(zoo.network(kind, seed=2), teacher, learning_rate=0.03)
    start = copy.deepcopy(method.student)
    fit(method, blank, epochs=12, batch_size=32, progress=False)
    return kind, method, teacher, before, start


def agreement(student, teacher, kind: str) -> float:
    inputs = zoo.batch(kind, 200, 3)["inputs"]
    student.eval()
    with torch.no_grad():
        return float((student(inputs).argmax(1) == teacher(inputs).argmax(1)).float().mean())


def test_student_answers_like_the_teacher(taught):
    kind, method, teacher, _, start = taught
    assert agreement(method.student, teacher, kind) > 0.85
    assert agreement(start, teacher, kind) < 0.7


def test_teacher_is_bitwise_unchanged(taught):
    _, method, teacher, before, _ = taught
    for name, each in teacher.state_dict().items():
        assert torch.equal(each, before[name]), name
    method.train()
    assert not any(module.training for module in teacher.modules())
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_state_holds_the_hash_of_the_teacher_alone(taught):
    kind, method, _, _, _ = taught
    state = method.state_dict()
    assert [name for name in state if name.startswith("teacher")] == ["teacher.fingerprint"]
    method.load_state_dict(state)
    other = Distillation(zoo.network(kind), zoo.network(kind, seed=9))
    with pytest.raises(ArtifactError, match="not the one that the checkpoint was made with"):
        other.load_state_dict(state)


def test_a_run_goes_on_with_the_same_teacher_only(tmp_path):
    data_ = data("cnn")

    def method(seed: int) -> Distillation:
        return Distillation(zoo.network("cnn", seed=2), zoo.network("cnn", seed=seed))

    whole = method(1)
    fit(whole, data_, epochs=2, batch_size=32, progress=False)
    fit(method(1), data_, epochs=1, batch_size=32, progress=False, out=tmp_path / "run")
    resumed = method(1)
    fit(resumed, data_, epochs=2, batch_size=32, progress=False, out=tmp_path / "run", resume=True)
    for name, each in whole.student.state_dict().items():
        assert torch.equal(each, resumed.student.state_dict()[name]), name
    with pytest.raises(ArtifactError, match="not the one"):
        fit(method(5), data_, epochs=3, batch_size=32, progress=False, out=tmp_path / "run", resume=True)
