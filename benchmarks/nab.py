"""The NAB scores of a trained detector beside the windowed Gaussian's, whose published ones are 39.6, 20.9 and 47.4.

    python benchmarks/nab.py [--epochs N] [--detector forecast|reconstruction] [--seed S]

`NEURARIUM_DATA` names the folder that holds `nab`. Every detector learns from the first 15 % of each trace (750 moments at
most) without labels, and scores each moment by what came before it; the threshold is the one that is best for the whole
corpus and each profile, as the benchmark does it.
"""

from __future__ import annotations

import argparse

import neurarium as nr
from neurarium.studies.anomalies.scores import anomaly_scores
from neurarium.studies.anomalies.study import scored, value_before, watch
from neurarium.studies.anomalies.windowed_gaussian import windowed_gaussian


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--detector", default="forecast")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    data = nr.data.load("nab", detector=asked.detector)
    run = nr.studies.train(data, epochs=asked.epochs, seed=asked.seed, evaluate=False)
    watched = watch(run, data.traces)
    rows = {
        "windowed Gaussian": scored(watched, lambda each: windowed_gaussian(each.trace.values)),
        "the value before, our scores": scored(
            watched, lambda each: anomaly_scores(each.trace.values, value_before(each.trace.values))
        ),
        f"{asked.detector}, our scores": scored(watched, lambda each: each.scores),
    }
    print(f"{'':32} standard  low FP  low FN   found  false alarms")
    for name, found in rows.items():
        best = found["standard"]
        figures = "".join(f"{each.score:8.1f}" for each in found.values())
        print(f"{name:32}{figures}   {best.found:3} of {best.windows}  {best.alarms:6}")


if __name__ == "__main__":
    main()
