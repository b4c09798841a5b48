"""How networks of images are computed: bfloat16 where machine and network gain by it, and the plan says so."""

from __future__ import annotations

import pytest
import torch

import neurarium as nr
from neurarium.data import Classes, Dataset, Examples, Image
from neurarium.networks import MLP, ResNet, SmallCNN
from neurarium.studies.planning import machine
from neurarium.studies.planning.machine import computed, uncompiled


def images(side: int) -> Dataset:
    pixels = torch.randn(12, 3, side, side, generator=torch.Generator().manual_seed(0))
    examples = Examples({"inputs": pixels, "targets": torch.arange(12) % 2})
    return Dataset("made", Image(3, side, side), Classes(("a", "b")), examples)


def said(decisions):
    return {each.subject: each.choice for each in decisions}


@pytest.mark.parametrize("has", [True, False])
@pytest.mark.parametrize(("side", "many"), [(8, False), (40, True)])
def test_bfloat16_where_the_machine_has_it_and_much_is_multiplied(monkeypatch, has, side, many):
    monkeypatch.setattr(machine, "multiplies_bfloat16", lambda device: has)
    network = SmallCNN(3, 2, widths=(16, 32))
    options, decisions = computed(network, images(side), {})
    wanted = "bfloat16" if has and many else "float32"
    assert options["precision"] == wanted
    assert said(decisions) == {"memory format": "channels last", "precision": wanted}


def test_what_is_said_stays_and_other_networks_are_left_alone(monkeypatch):
    monkeypatch.setattr(machine, "multiplies_bfloat16", lambda device: True)
    options, decisions = computed(SmallCNN(3, 2), images(40), {"precision": "float32"})
    assert options == {"precision": "float32"} and "precision" not in said(decisions)
    assert computed(MLP(3 * 40 * 40, 2), images(40), {}) == ({}, [])


def test_a_network_that_is_compiled_is_not_said_to_be_not():
    assert [each.choice for each in uncompiled(SmallCNN(3, 2), images(8), False)] == ["no"]
    assert uncompiled(SmallCNN(3, 2), images(8), True) == uncompiled(MLP(192, 2), images(8), None) == []


def test_the_plan_of_a_run_says_it_and_the_weights_stay_float32(monkeypatch):
    monkeypatch.setattr(machine, "multiplies_bfloat16", lambda device: True)
    run = nr.studies.train(
        images(40), "resnet", options={"blocks": "1,1", "widths": "8,16"}, steps=2, progress=False
    )
    plan = {each.subject: each for each in run.decisions}
    assert plan["precision"].choice == "bfloat16" and "products per image" in plan["precision"].reason
    assert plan["precision"].override == "--precision" and plan["memory format"].choice == "channels last"
    assert plan["compile"].choice == "no" and plan["compile"].override == "--compile"
    assert run.method.descent.precision == "bfloat16" and isinstance(run.network, ResNet)
    assert {each.dtype for each in run.network.parameters()} == {torch.float32}
