"""RealMLP by its authors' recipe beside pytabkit's, on the same rows: `python benchmarks/realmlp_recipe.py [--epochs N] [--seeds N] [--side ours]`.

california-housing as shipped, by our split (seed 0): 70 % train, 15 % validate, 15 % test; RMSE on test, in dollars. Ours is
what `neurarium train california-housing --network realmlp` does; theirs is `RealMLP_TD_Regressor`, as it comes. It takes no gap
in numbers: the median of the training rows fills it, as in ours, which sees where it was too. `--side before` is ours with what
it lacked: numbers by normal scores, a start without data, no weight decay, dropout that stays.
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

BEFORE: dict[str, Any] = {
    "start": "normal",
    "weight_decay": 0.0,
    "weight_decay_schedule": "constant",
    "dropout_schedule": "constant",
}
TARGET = "median_house_value"


def ours(data: Any, test: polars.DataFrame, epochs: int, seed: int, options: dict[str, Any]) -> numpy.ndarray:
    run = nr.studies.train(
        data,
        "realmlp",
        options=options,
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
    parser.add_argument(
        "--side", choices=("ours", "before", "pytabkit"), nargs="*", default=("ours", "pytabkit")
    )
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    data = {name: nr.data.load("california-housing", scaling=name) for name in ("robust", "quantile")}
    whole = polars.read_csv(nr.data.fetch("california-housing") / "housing.csv")
    parts = {name: whole[rows.tolist()] for name, rows in data["robust"].rows.items()}
    truth = parts["test"][TARGET].to_numpy()
    sides = {
        "ours": lambda seed: ours(data["robust"], parts["test"], asked.epochs, seed, {}),
        "before": lambda seed: ours(data["quantile"], parts["test"], asked.epochs, seed, BEFORE),
        "pytabkit": lambda seed: theirs(parts, asked.epochs, seed),
    }
    for seed in range(asked.seeds):
        for name in asked.side:
            began = time.process_time()
            error = float(numpy.sqrt(numpy.square(sides[name](seed) - truth).mean()))
            row = {
                "side": name,
                "seed": seed,
                "rmse": round(error),
                "seconds": round(time.process_time() - began, 1),
            }
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
