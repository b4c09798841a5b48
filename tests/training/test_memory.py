"""Out of memory: the batch is split finer, and the result is that of plain accumulation."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from training_helpers import StopAt, classes, difference, network, source

import neurarium as nr
from neurarium.core.errors import UserError
from neurarium.losses import MeanSquaredError
from neurarium.training import memory
from neurarium.training.evaluation import evaluate


class Small(MeanSquaredError):
    """A loss that does not fit for more than so many examples."""

    def __init__(
        self, room: int, error: type[Exception] = torch.OutOfMemoryError, text: str = "tried to allocate"
    ):
        super().__init__()
        self.room, self.error, self.text, self.refused = room, error, text, 0

    def forward(self, outputs, targets, weights=None):
        if len(outputs) > self.room:
            self.refused += 1
            raise self.error(self.text)
        return super().forward(outputs, targets, weights)


def trained(loss, *, data=None, out=None, **options):
    fitting = {name: options.pop(name) for name in ("callbacks", "resume") if name in options}
    method = nr.methods.Supervised(network(), loss=loss, optimizer="sgd", learning_rate=0.05, **options)
    return nr.fit(method, data or source(64, 16), epochs=3, progress=False, out=out, **fitting)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (torch.OutOfMemoryError, "CUDA out of memory"),
        (MemoryError, ""),
        (
            RuntimeError,
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes",
        ),
    ],
)
def test_the_batch_is_halved_and_the_weights_are_those_of_accumulation(error, text):
    loss = Small(5, error, text)
    run, plain = trained(loss), trained(MeanSquaredError(), accumulate=4)
    assert difference(dict(run.method.network.state_dict()), dict(plain.method.network.state_dict())) is None
    assert run.history == plain.history
    assert loss.refused == 2  # once whole, once in halves; in quarters it fits, and stays so
    told = [each.to_json() for each in run.decisions if each.subject == "micro-batches"]
    assert [each["choice"] for each in told] == [2, 4]


def test_what_was_learned_about_memory_is_known_after_a_resume(tmp_path):
    trained(Small(5), out=tmp_path / "run", callbacks=[StopAt(5)])
    loss = Small(5)
    resumed = trained(loss, out=tmp_path / "run", resume=True)
    assert loss.refused == 0 and resumed.method.descent.accumulate == 4
    assert difference(resumed.history, trained(Small(5)).history) is None


def test_one_example_that_does_not_fit_is_said_to_be_too_large():
    with pytest.raises(UserError, match="one example alone does not fit") as raised:
        trained(Small(0))
    assert "smaller network" in raised.value.fix and raised.value.exit_code == 2


def test_other_errors_are_not_swallowed():
    with pytest.raises(RuntimeError, match="shapes"):
        trained(Small(5, RuntimeError, "shapes do not agree"))
    assert not memory.is_out_of_memory(ValueError("allocate memory"))


def test_evaluation_is_halved_too():
    data = classes()

    class SmallEvaluation(nr.methods.Supervised):
        room, sizes = 7, []

        def evaluate(self, batch):
            if len(batch["inputs"]) > self.room:
                raise torch.OutOfMemoryError("tried to allocate")
            self.sizes.append(len(batch["inputs"]))
            return super().evaluate(batch)

    torch.manual_seed(0)
    net = nn.Linear(4, 3)
    small, plain = SmallEvaluation(net), nr.methods.Supervised(net)
    for method in (small, plain):
        method.begin(nr.training.Context(inputs=data.inputs, targets=data.targets))
    metrics = nr.metrics.metrics_for(data.targets)
    found, whole = (evaluate(each, data.validation, metrics.fresh()) for each in (small, plain))
    assert found == pytest.approx(whole, rel=1e-6)
    assert sum(small.sizes) == len(data.validation) and max(small.sizes) <= 7
    SmallEvaluation.room = 0
    with pytest.raises(UserError, match="one example alone"):
        evaluate(small, data.validation)
