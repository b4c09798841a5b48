"""RealMLP by its authors' recipe beside pytabkit's, on the same rows: `python benchmarks/realmlp_recipe.py [--epochs N] [--seeds N]`.

california-housing as shipped, by our split (seed 0): 70 % train, 15 % validate, 15 % test; RMSE on test, in dollars. Ours is
the network of `--network realmlp` with the recipe of its docstring as options (Adam, rates by parameter, cosine of the
logarithm, 256 epochs of 256 rows, the best epoch on validation); theirs is `RealMLP_TD_Regressor`, as it comes. Two things of
theirs are not in ours: dropout and weight decay that fall to zero (ours keep the dropout and leave the decay out), and the
scaling of numbers by robust quartiles with a smooth cut (ours: normal scores of ranks). Theirs takes no gap in numbers: the
median of the training rows fills it, as in ours, which sees where it was too.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from typing import Any

import numpy
import polars
import polars.selectors
import torch

import neurarium as nr
from neurarium.studies.prediction.study import predict

RECIPE: dict[str, Any] = {
    "optimizer": "adam",
    "optimizer.betas": (0.9, 0.95),
    "learning_rate": 0.2,
    "rate_factors": "own",
    "schedule": "cosine-logarithm",
    "activation": "mish",
}
TARGET = "median_house_value"


def ours(data: Any, test: polars.DataFrame, epochs: int, seed: int) -> numpy.ndarray:
    run = nr.studies.train(
        data,
        "realmlp",
        options=RECIPE,
        epochs=epochs,
        batch_size=256,
        seed=seed,
        progress=False,
        evaluate=False,
    )
    return predict(run, test.drop(TARGET))["prediction"].to_numpy()


def theirs(parts: dict[str, polars.DataFrame], epochs: int, seed: int) -> numpy.ndarray:
    import pandas
    from pytabkit import RealMLP_TD_Regressor

    model = RealMLP_TD_Regressor(
        device="cpu", random_state=seed, n_epochs=epochs, n_threads=torch.get_num_threads()
    )
    medians = parts["train"].drop(TARGET).select(polars.selectors.numeric().median())
    fills = [polars.col(name).fill_null(medians[name][0]) for name in medians.columns]
    filled = {name: part.drop(TARGET).with_columns(fills) for name, part in parts.items()}
    inputs = {name: pandas.DataFrame(part.to_dict(as_series=False)) for name, part in filled.items()}
    targets = {name: part[TARGET].to_numpy().astype(numpy.float64) for name, part in parts.items()}
    model.fit(inputs["train"], targets["train"], inputs["validation"], targets["validation"])
    return numpy.asarray(model.predict(inputs["test"])).ravel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=256)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    data = nr.data.load("california-housing")
    whole = polars.read_csv(nr.data.fetch("california-housing") / "housing.csv")
    parts = {name: whole[rows.tolist()] for name, rows in data.rows.items()}
    truth = parts["test"][TARGET].to_numpy()
    sides = {
        "ours": lambda seed: ours(data, parts["test"], asked.epochs, seed),
        "pytabkit": lambda seed: theirs(parts, asked.epochs, seed),
    }
    for seed in range(asked.seeds):
        for name, side in sides.items():
            began = time.process_time()
            error = float(numpy.sqrt(numpy.square(side(seed) - truth).mean()))
            row = {
                "side": name,
                "seed": seed,
                "rmse": round(error),
                "seconds": round(time.process_time() - began, 1),
            }
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
