"""Mistakes that people make: what they type, in a folder with a table, images, a run and a damaged one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import nn

import neurarium as nr

# One line is one mistake; the message of each stands in mistakes.txt.
LINES = """
trian digits
train
train digist
train dta.csv -t kind
train nowhere/data.csv -t kind
train https://example.org/data.csv -t kind
train empty.csv -t kind
train header.csv -t kind
train data.csv
train data.csv -t kidn
train data.csv -t KIND
train data.csv -t length --task classifcation
train data.csv -t kind --task regression
train data.csv -t one
train data.csv -t id
train data.csv -t kind --network mpl
train data.csv -t kind --network MLP2
train data.csv -t kind --network cnn
train data.csv -t kind --method supervized
train data.csv -t kind --set
train data.csv -t kind --set widths
train data.csv -t kind --set widths=a,b -n mlp
train data.csv -t kind --set widht=8 -n mlp
train data.csv -t kind --set widths=8 --set widths=9 -n mlp
train data.csv -t kind --set widths=0 -n mlp
train data.csv -t kind --set widths=-8 -n mlp
train data.csv -t kind --set dropout=1.5 -n mlp
train data.csv -t kind --set dropout=-0.1 -n mlp
train data.csv -t kind --set activation=rleu -n mlp
train data.csv -t kind --set optimizer=adamm
train data.csv -t kind --set optimizer.momentm=0.9
train data.csv -t kind --set learning_rate=fast
train data.csv -t kind --set learning_rate=-1
train data.csv -t kind --set learning_rate=nan
train data.csv -t kind --set weight_decay=-1
train data.csv -t kind --set schedule=cosin
train data.csv -t kind --set warmup=2 --set schedule=cosine
train data.csv -t kind --set loss=huberr
train data.csv -t kind --set loss=huber
train data.csv -t length --set loss=cross-entropy
train data.csv -t kind --set regularizer=l3
train data.csv -t kind --set clip_norm=nan
train data.csv -t kind --set accumulate=0
train data.csv -t kind --set encoding=utf9
train data.csv -t kind --set separator=::
train data.csv -t kind --set types=length:numbr
train data.csv -t kind --set types=length
train data.csv -t kind --set drop=colour
train data.csv -t kind --set initializer=xavierr
train data.csv -t kind --epochs many
train data.csv -t kind --epochs 0
train data.csv -t kind --epochs -3
train data.csv -t kind --steps 0
train data.csv -t kind --batch-size 0
train data.csv -t kind --batch-size -4
train data.csv -t kind --patience -1
train data.csv -t kind --monitor acuracy
train data.csv -t kind --keep bst
train data.csv -t kind --time-limit soon
train data.csv -t kind --time-limit -5
train data.csv -t kind --precision float8
train data.csv -t kind --device gpu0
train data.csv -t kind --device cuda
train data.csv -t kind --ensemble 0
train data.csv -t kind --augment mixupp
train data.csv -t kind --augment cutmix
train data.csv -t kind --split randm
train data.csv -t kind --split grouped
train data.csv -t kind --split time
train data.csv -t kind --group colr
train data.csv -t kind --group color --time length
train data.csv -t kind --time color
train data.csv -t kind --validation 1.5
train data.csv -t kind --validation 0.6 --test 0.6
train data.csv -t kind --test tset.csv
train data.csv -t kind --test other.csv
train data.csv -t kind --columns a,b
train data.csv -t kind --workers -1
train data.csv -t kind --seed x
train data.csv -t kind --epohcs 3
train data.csv -t kind --out full
train data.csv -t kind --out data.csv
train data.csv -t kind --from flower
train data.csv -t kind --compile --rematerialize
train data.csv -t kind --config c.yaml --resume runs/good
train --config nothing.yaml
train --config broken.yaml
train --config odd.yaml
train --resume runs/gud
train --resume runs/good --set widths=9
train --resume runs/good --out elsewhere
train data.csv -t length --horizon 5
train data.csv -t length --horizon 0 --time id
train data.csv -t length --horizon 5 --time color
train data.csv -t kind --horizon 2 --time id
train data.csv -t length --task forecast --time id
train data.csv -t length --past id
train digits --horizon 5
train digits --target digit
train digits --columns a
train digits --network mlp --set size=8
train pictures --target class
train pictures --set sise=8
train pictures --set size=0
train one_class
predict
train data.csv --task translation
train data.csv --task translation --text kind --target nothing
train data.csv --parallel data.csv
train data.csv --parallel empty.csv
translate runs/good --input-text Hund
translate runs/good
predict runs/good
predict runs/gud -i new.csv
predict runs/good -i nwe.csv
predict runs/good -i lacking.csv
predict runs/good -i new.csv -o new.xls
predict runs/good -i new.csv -o out.csv --keep colr
predict runs/good -i empty.csv
predict runs/broken -i new.csv
predict runs/unfinished -i new.csv
evaluate runs/good --split tets
evaluate runs/good -i new.csv
evaluate runs/good -i new.csv --split test
evaluate data.csv
runs show gud
runs remove gud --yes
runs lst
datasets fetch mnits
chapters 99
plot activations rleu
""".strip().splitlines()


def _specs() -> Any:
    return nr.data.load("iris")


def fitted(**options: Any) -> Any:
    data = _specs()
    return nr.fit(
        nr.methods.Supervised(nr.networks.MLP.for_data(data.inputs, data.targets, widths=(4,))),
        data,
        progress=False,
        **options,
    )


X, Y = numpy.random.default_rng(0).random((40, 3)).astype("float32"), numpy.arange(40) % 2

# Mistakes in Python, by the code that is in error.
CALLS: dict[str, Callable[[], Any]] = {
    "nr.data.load('irsi')": lambda: nr.data.load("irsi"),
    "nr.networks.Mlp": lambda: nr.networks.Mlp,
    "nr.data.arrays(X, Y[:30])": lambda: nr.data.arrays(X, Y[:30]),
    "nr.data.arrays(X * nan, Y)": lambda: nr.data.arrays(X * numpy.nan, Y),
    "nr.data.arrays(text, Y)": lambda: nr.data.arrays(X.astype(str), Y),
    "nr.data.arrays(X, zeros)": lambda: nr.data.arrays(X, Y * 0),
    "nr.data.arrays(X, Y, split={'train': [99]})": lambda: nr.data.arrays(X, Y, split={"train": [99]}),
    "nr.data.table([[1, 2]], 'y')": lambda: nr.data.table(numpy.ones((4, 2, 2)), "y"),
    "nr.data.table({'a': [1, 2], 'b': [1]}, 'b')": lambda: nr.data.table({"a": [1, 2], "b": [1]}, "b"),
    "nr.data.images(array)": lambda: nr.data.images(X),
    "nr.networks.MLP(3, 2)(torch.zeros(5, 4))": lambda: nr.networks.MLP(3, 2)(torch.zeros(5, 4)),
    "nr.networks.SmallCNN.for_data(a table)": lambda: nr.networks.SmallCNN.for_data(_specs().inputs, _specs().targets),
    "nr.networks.MLP.for_data(..., widht=(4,))": lambda: nr.networks.MLP.for_data(_specs().inputs, _specs().targets, widht=(4,)),
    "Supervised(network, optimizer='adamm')": lambda: fitted_with(optimizer="adamm"),
    "Supervised(network, lr=0.1)": lambda: fitted_with(lr=0.1),
    "Supervised(network, los='huber')": lambda: fitted_with(los="huber"),
    "Descent(network, shedule='cosine')": lambda: nr.training.Descent(nn.Linear(2, 2), shedule="cosine"),
    "nr.networks.SmallCNN(chanels=3)": lambda: nr.networks.SmallCNN(chanels=3),
    "Supervised(network, loss='huberr')": lambda: fitted_with(loss="huberr"),
    "fit(..., keep='bst')": lambda: fitted(epochs=1, keep="bst"),
    "fit(..., monitor='acc')": lambda: fitted(epochs=1, monitor="acc"),
    "fit(..., device='tpu')": lambda: fitted(epochs=1, device="tpu"),
    "fit of a network without parameters": lambda: nr.fit(nr.methods.Supervised(nn.Identity()), _specs(), epochs=1, progress=False),
    "train(data, 'mpl')": lambda: nr.studies.train(_specs(), "mpl", progress=False),
    "predict(run, a frame without a column)": lambda: nr.studies.predict(fitted(epochs=1), {"a": [1]}),
    "neurarium.load('nowhere')": lambda: nr.load("nowhere"),
}  # fmt: skip


def fitted_with(**options: Any) -> Any:
    data = _specs()
    network = nr.networks.MLP.for_data(data.inputs, data.targets, widths=(4,))
    return nr.fit(nr.methods.Supervised(network, **options), data, epochs=1, progress=False)
