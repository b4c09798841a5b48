"""The peers of training_loop.py: each trains the given network for one epoch, as its documentation tells, and no more."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

BATCH, RATE = 128, 1e-3
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def installed() -> dict[str, Callable[[nn.Sequential, Tensor, Tensor, int], None]]:
    """Return the peers that are there and work; say which do not."""
    found = {}
    for name, (package, epoch) in PEERS.items():
        if importlib.util.find_spec(package) is None:
            print(f"  {name}: not installed, left out")
            continue
        net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
        try:
            _quiet(epoch)(net, torch.zeros(BATCH, 784), torch.zeros(BATCH, dtype=torch.int64), 0)
        except Exception as error:
            print(f"  {name}: left out, {type(error).__name__}: {error}")
        else:
            found[name] = _quiet(epoch)
    return found


def _quiet(epoch: Any) -> Any:
    def run(*args: Any) -> None:
        logging.disable(logging.WARNING)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            epoch(*args)

    return run


def skorch(net: nn.Sequential, inputs: Tensor, targets: Tensor, seed: int) -> None:
    from skorch import NeuralNet

    torch.manual_seed(seed)
    trainer = NeuralNet(
        net, nn.CrossEntropyLoss, optimizer=torch.optim.Adam, optimizer__fused=True, lr=RATE, max_epochs=1,
        batch_size=BATCH, iterator_train__shuffle=True, train_split=None, verbose=0, warm_start=True,
    )  # fmt: skip
    trainer.initialize()
    trainer.module_ = net  # the very weights, not a copy
    trainer.initialized_ = True
    trainer.optimizer_ = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
    trainer.partial_fit(inputs, targets)


def _lightning(net: nn.Sequential, loader: Any, seed: int) -> None:
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def training_step(self, batch: Any, index: int) -> Tensor:
            return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=RATE, fused=True)

    torch.manual_seed(seed)
    trainer = lightning.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu",
    )  # fmt: skip
    trainer.fit(Module(), loader)


def lightning_usual(net: nn.Sequential, inputs: Tensor, targets: Tensor, seed: int) -> None:
    rows = torch.utils.data.TensorDataset(inputs, targets)
    _lightning(net, torch.utils.data.DataLoader(rows, BATCH, shuffle=True), seed)


class _Rows(torch.utils.data.Dataset):
    """Rows that are taken a whole batch at a time."""

    def __init__(self, inputs: Tensor, targets: Tensor):
        self.inputs, self.targets = inputs, targets

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, chosen: Any) -> tuple[Tensor, Tensor]:
        return self.inputs[chosen], self.targets[chosen]


def lightning_batched(net: nn.Sequential, inputs: Tensor, targets: Tensor, seed: int) -> None:
    rows = _Rows(inputs, targets)
    batches = torch.utils.data.BatchSampler(torch.utils.data.RandomSampler(rows), BATCH, drop_last=False)
    _lightning(net, torch.utils.data.DataLoader(rows, sampler=batches, batch_size=None), seed)


def fastai(net: nn.Sequential, inputs: Tensor, targets: Tensor, seed: int) -> None:
    from functools import partial

    from fastai.basics import DataLoader, DataLoaders, Learner, OptimWrapper

    torch.manual_seed(seed)
    rows = torch.utils.data.TensorDataset(inputs, targets)
    loaders = DataLoaders(DataLoader(rows, bs=BATCH, shuffle=True), DataLoader(rows, bs=BATCH), device="cpu")
    learner = Learner(
        loaders, net, loss_func=nn.functional.cross_entropy, lr=RATE,
        opt_func=partial(OptimWrapper, opt=partial(torch.optim.Adam, fused=True)),
    )  # fmt: skip
    learner._do_epoch_validate = lambda *args, **kwargs: None
    learner.fit(1)


def transformers(net: nn.Sequential, inputs: Tensor, targets: Tensor, seed: int) -> None:
    from transformers import Trainer, TrainingArguments

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
            scores = self.net(inputs)
            return {"loss": nn.functional.cross_entropy(scores, labels), "logits": scores}

    class Named(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(inputs)

        def __getitem__(self, index: int) -> dict[str, Tensor]:
            return {"inputs": inputs[index], "labels": targets[index]}

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, num_train_epochs=1, per_device_train_batch_size=BATCH, learning_rate=RATE, optim="adamw_torch_fused",
            weight_decay=0.0, lr_scheduler_type="constant", max_grad_norm=0.0, save_strategy="no", report_to=[],
            logging_strategy="no", disable_tqdm=True, use_cpu=True, seed=seed, remove_unused_columns=False,
        )  # fmt: skip
        Trainer(Model(), arguments, train_dataset=Named()).train()


def keras(net: nn.Sequential, inputs: Tensor, targets: Tensor, seed: int) -> None:
    import keras as library

    library.utils.set_random_seed(seed)
    layers = library.layers
    model = library.Sequential(
        [library.Input((784,)), layers.Dense(256, activation="relu"), layers.Dense(10)]
    )
    model.set_weights(
        [part.detach().numpy() for each in (net[0], net[2]) for part in (each.weight.t(), each.bias)]
    )
    loss = library.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(library.optimizers.Adam(RATE), loss, jit_compile=False)
    model.fit(inputs.numpy(), targets.numpy(), batch_size=BATCH, epochs=1, verbose=0, shuffle=True)
    held = [torch.from_numpy(each).clone() for each in model.get_weights()]
    with torch.no_grad():
        for layer, weight, bias in ((net[0], held[0], held[1]), (net[2], held[2], held[3])):
            layer.weight.copy_(weight.t())
            layer.bias.copy_(bias)


PEERS: dict[str, tuple[str, Any]] = {
    "skorch": ("skorch", skorch),
    "lightning": ("lightning", lightning_usual),
    "lightning, batched loader": ("lightning", lightning_batched),
    "fastai": ("fastai", fastai),
    "transformers Trainer": ("transformers", transformers),
    "keras on torch": ("keras", keras),
}
