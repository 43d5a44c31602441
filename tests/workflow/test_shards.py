"""Order and division of the work change nothing but the jobs."""

import shutil

import pytest

from tests.workflow.project import SLOW, TINY, Project, copy_project

FEW = TINY | {
    "estimators": dict.fromkeys(SLOW)
    | {
        "smoothgrad": {"samples": 2},
        "segment_ablation": {"parts": 4},
        "xrai": {"target": "last", "base": {"method": "smoothgrad", "samples": 2}},
    },
    "report": {"figure1_estimator": "smoothgrad", "figure3_estimator": "smoothgrad"},
}
LEFT_OUT = [name for name in SLOW if name != "smoothgrad"]
PART = "noisy_gradients-noise_0.15-samples_2-target_last"


@pytest.fixture(scope="module")
def sharded(finished, tmp_path_factory) -> Project:
    """The finished run, with fewer estimators and the work on them divided."""
    project = Project(tmp_path_factory.mktemp("sharded") / "copy")
    shutil.copytree(finished.folder, project.folder, copy_function=shutil.copy2)
    project.configure(FEW | {"shards": 2})
    project.jobs = project.jobs_run()
    return project


def test_another_pass_in_another_order_gives_the_same_bytes(sharded, tmp_path):
    again = copy_project(tmp_path / "again", FEW)

    again.run("--resources", "gpu=1")

    of_shards = {
        name: digest
        for name, digest in sharded.digests().items()
        # The configuration is in the summary of a run; other files are of estimators left out.
        if "/shards/" not in name and not any(left_out in name for left_out in [*LEFT_OUT, "path_"])
    }
    whole = again.digests()
    for differing in ("summary.json", "README.md"):
        del of_shards[differing], whole[differing]
    assert len(whole) > 90
    assert of_shards == whole


def test_shares_of_the_slices_are_jobs(sharded):
    # The few slices are one batch, so one share is empty; tests/io/test_slices.py has larger ones.
    for number in (1, 2):
        assert f"share_passes({PART}, {number}of2)" in sharded.jobs
        assert f"compute_importance(backpropagation, {number}of2)" in sharded.jobs
        assert f"evaluate_importance(fidelity, smoothgrad, {number}of2)" in sharded.jobs
    assert "join_shards(metrics/dice/smoothgrad)" in sharded.jobs
    # Segments of all slices that are explained, no longer of annotated ones alone.
    assert {"segment_slices", "combine_shared(xrai)"} <= sharded.jobs
    assert "compute_importance(segment_ablation, 2of2)" in sharded.jobs
    assert not any("extract" in job or "train" in job for job in sharded.jobs)
