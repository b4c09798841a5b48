"""What a run that translates is worth: BLEU by sacrebleu beside ours, and where its attention lies.

    neurarium train multi30k --network seq2seq-lstm --out runs/attention
    python benchmarks/translation.py runs/attention
    python benchmarks/translation.py runs/attention --split validation --beam 1 5 --length-penalty 0.6 1.0

The mass of the attention within 3 words of the diagonal stands beside that of uniform weights over the same texts, which is
what a network that looks everywhere alike would have: captions are short, so that it is far from zero.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from neurarium.metrics import BLEU
from neurarium.studies.planning.reading import read_again
from neurarium.studies.prediction.alignment import alignments, diagonal_mass
from neurarium.studies.prediction.learner import learner_of
from neurarium.studies.prediction.translation import pair_preparation, write_texts
from neurarium.training.run import Run


def main() -> None:
    """Print the figures of a run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run")
    parser.add_argument("--split", default="test")
    parser.add_argument("--beam", type=int, nargs="+", default=[5])
    parser.add_argument("--length-penalty", type=float, nargs="+", default=[1.0])
    parser.add_argument("--within", type=float, default=3.0)
    parser.add_argument("--texts", type=int, default=0, help="so many texts alone; all by default")
    told = parser.parse_args()
    run = Run.load(told.run)
    examples = read_again(run).splits[told.split]
    count = told.texts or len(examples)
    sources, goals = examples.sources[:count], examples.goals[:count]
    method, preparation = learner_of(run), pair_preparation(run)
    inputs = examples.take(slice(0, count))["inputs"]
    for beam in told.beam:
        for penalty in told.length_penalty:
            begun = time.process_time()
            said = write_texts(method, preparation, inputs, beam, penalty).texts
            took = time.process_time() - begun
            print(f"beam {beam}, penalty {penalty:g}: {_bleu(said, goals)}, {took:.0f} CPU seconds")
    masses, uniform, lengths = [], [], []
    for start in range(0, count, 100):
        for found in alignments(method, preparation, sources[start : start + 100], said[start : start + 100]):
            if found.goal:
                masses.append(diagonal_mass(found.weights, told.within))
                uniform.append(diagonal_mass(torch.ones_like(found.weights), told.within))
                lengths.append(len(found.source))
    print(
        f"attention within {told.within:g} words of the diagonal: {statistics.mean(masses):.1%} of its mass, uniform "
        f"weights {statistics.mean(uniform):.1%} ({len(masses):,} texts of {statistics.mean(lengths):.1f} words)"
    )


def _bleu(said: list[str], goals: list[str]) -> str:
    ours = BLEU(tokenize="13a")
    ours.update(said, goals)
    try:
        import sacrebleu
    except ImportError:
        return f"BLEU {ours.compute():.2f}"
    theirs = sacrebleu.corpus_bleu(said, [goals])
    return f"BLEU {ours.compute():.2f}, sacrebleu {theirs.score:.2f} (lengths {theirs.sys_len} to {theirs.ref_len})"


if __name__ == "__main__":
    main()
