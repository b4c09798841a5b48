"""Two processes against one, and against each other: one pair of workers runs all cases of `ranks.py`."""

from __future__ import annotations

from typing import Any

import pytest
import ranks
import torch
import zoo
from processes import bitwise, furthest, results, started

from neurarium.training.checkpoint import Checkpoints
from neurarium.training.run import Run

WORLD = 2


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """Start two processes that run all cases; give the folder of their results and runs, and the processes."""
    folder = tmp_path_factory.mktemp("ranks")
    with started(folder, WORLD) as processes:
        yield folder, processes


@pytest.fixture(scope="module")
def alone(workers, tmp_path_factory):
    """Run the same cases in this process, while the workers run."""
    folder, threads = tmp_path_factory.mktemp("alone"), torch.get_num_threads()
    torch.set_num_threads(1)
    results = {name: function(folder / name) for name, function in ranks.TOGETHER.items()}
    torch.set_num_threads(threads)
    return results


@pytest.fixture(scope="module")
def together(workers, alone) -> list[dict[str, Any]]:
    """Return the results of each rank."""
    return results(*workers)


@pytest.mark.parametrize("name", ranks.TOGETHER)
def test_two_give_what_one_gives(name, alone, together):
    """The same global batches, to 1e-6: uneven shares, weights, accumulation, BatchNorm, clipping, several descents."""
    assert furthest(together[0][name], alone[name]) < 1e-6


@pytest.mark.parametrize("name", ranks.TOGETHER)
def test_ranks_stay_bitwise_equal(name, together):
    assert bitwise(together[0][name], together[1][name])


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_training_changed_the_weights(kind, together):
    """Or all of the above would say nothing."""
    start = zoo.network(kind, dtype=torch.float64).state_dict()
    for name in ("supervised", "second_order", "shares_of_two_and_of_none", "sharded-supervised"):
        found = together[0][f"{name}-{kind}"]
        assert max(float((found[f"network.{k}"] - v).abs().max()) for k, v in start.items()) > 0.01, name


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_own_environments_teach_one_policy(kind, together):
    first, second = (each[f"q_learning-{kind}"] for each in together)
    assert bitwise(first["weights"], second["weights"])
    assert not torch.equal(first["seen"], second["seen"])


@pytest.mark.parametrize("name", ["resumed", "resumed_sharded"])
def test_a_resumed_run_is_the_uninterrupted_one(name, together):
    for each in together:
        assert bitwise(each[name]["whole5"], each[name]["part5"])
        assert furthest(each[name]["part3"], each[name]["part5"]) > 1e-3
    assert bitwise(together[0][name], together[1][name])


def test_dropout_is_drawn_anew_on_each_rank(workers, together):
    """Else two ranks would drop the same units, and the resumed run could not have gone wrong."""
    newest = Checkpoints(workers[0] / "runs" / "resumed" / "whole-False" / "checkpoints").newest()
    states = [rank["random"]["torch"] for rank in newest["ranks"]]
    assert len(states) == WORLD and not torch.equal(*states)


def test_all_stop_where_one_asks(together):
    assert [each["one_asks_to_stop"]["steps"] for each in together] == [2, 2]
    reasons = [each["one_asks_to_stop"]["reason"] for each in together]
    assert reasons == ["another process stopped", "the second process has seen enough"]
    assert bitwise(*(each["one_asks_to_stop"]["weights"] for each in together))


def test_all_stop_at_a_nan_and_its_rank_names_it(together):
    first, second = (each["bad_batch"] for each in together)
    assert first["kind"] == second["kind"] == "NotFiniteError"
    assert "another process" in first["message"]
    assert "'inputs' holds nan at [3, 0, 1, 2]" in second["message"]


def test_overflow_on_one_rank_skips_the_step_of_all(together):
    for each in together:
        found = each["overflow"]
        assert (found["skipped"], found["scale"], found["updates"]) == (True, 256.0, 1)
    assert bitwise(together[0]["overflow"], together[1]["overflow"])
    for each in together:
        assert 0 < each["overflow_sharded"]["skipped"] < 12
        assert each["overflow_sharded"]["updates"] == 12 - each["overflow_sharded"]["skipped"]
    assert bitwise(together[0]["overflow_sharded"], together[1]["overflow_sharded"])


# ----------------------------------------------------------------------------------------------------- sharded


@pytest.mark.parametrize("name", ranks.SHARDED)
def test_sharded_gives_what_one_gives(name, alone, together):
    assert furthest(together[0][f"sharded-{name}"], alone[name]) < 1e-6
    assert bitwise(together[0][f"sharded-{name}"], together[1][f"sharded-{name}"])


def test_sharded_muon_differs_by_the_rounding_of_its_products_alone(alone, together):
    """It orthogonalizes in bfloat16: parts of a matrix are summed in another order."""
    first, second = (each["muon_sharded"] for each in together)
    assert bitwise(first, second)
    assert furthest(first, alone["optimizers-muon"]) < 0.04  # the three updates together are 0.1


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_a_rank_holds_about_half_of_the_bytes(kind, together):
    shares = [each["bytes_per_rank"][kind] for each in together]
    for part in ("parameters", "moments"):
        assert max(share[part] for share in shares) <= 0.55
        assert sum(share[part] for share in shares) == pytest.approx(1.0, abs=1e-9)


def test_a_sharded_target_network_follows_its_policy(together):
    first, second = (each["q_learning_sharded"] for each in together)
    assert bitwise(first["weights"], second["weights"])
    assert furthest(first["weights"], together[0]["q_learning-mlp"]["weights"]) < 1e-6


def test_a_sharded_run_goes_on_and_is_loaded_unsharded(workers, together, tmp_path):
    """One process resumes what two began with their parameters in parts, and reads their weights."""
    folder = workers[0] / "runs" / "resumed_sharded" / "part-True"
    method, source = ranks.dropping()
    network = Run.load(folder, network=method.network).network
    expected = together[0]["resumed_sharded"]["part5"]
    assert bitwise({f"network.{k}": v for k, v in network.state_dict().items()}, expected)

    method, source = ranks.dropping()
    ranks.quiet(
        method, source, steps=5, out=folder, resume=True
    )  # no step is left: the state is the checkpoint's
    assert method.descent.updates == 5
    assert bitwise({k: v for k, v in ranks.whole(method).items() if k in expected}, expected)
    ranks.quiet(method, source, steps=6, out=folder, resume=True)
    assert method.descent.updates == 6


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("maml", "MAML cannot train sharded parameters"),
        ("wgan", "WGANGP cannot train sharded parameters"),
        ("fedavg", "FedAvg cannot train sharded parameters"),
        ("kernel", "KernelRidge cannot train sharded parameters"),
        ("scalar", "'temperature' is a single number"),
        ("lbfgs", "lbfgs works on all parameters as one vector"),
    ],
)
def test_what_cannot_be_sharded_is_refused_by_name(name, message, together):
    for each in together:
        assert each["refused"][name].startswith("RefusalError")
        assert message in each["refused"][name]
        assert "follow" not in each["refused"]


@pytest.mark.slow
def test_three_give_what_one_gives(alone, tmp_path):
    """Shares of three, two and one examples, and of none."""
    with started(tmp_path, 3, "together", "sharded") as processes:
        found = results(tmp_path, processes)
    for name in ranks.TOGETHER:
        assert furthest(found[0][name], alone[name]) < 1e-6, name
    for name in ranks.SHARDED:
        assert furthest(found[0][f"sharded-{name}"], alone[name]) < 1e-6, name
    assert all(bitwise(found[0], each) for each in found[1:])
