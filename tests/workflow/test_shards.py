"""Dividing the slices among several jobs changes nothing but the jobs."""

import shutil

from tests.workflow.project import SLOW, TINY, Project

TABLES = ["table1_fidelity", "table2_auc", "table3_dice"]
JOINED = [
    "saliency/backpropagation.parquet",
    "saliency/smoothgrad.parquet",
    "metrics/fidelity/smoothgrad.parquet",
    "metrics/roc/backpropagation.parquet",
    "metrics/dice/smoothgrad.parquet",
]


def test_tables_and_maps_are_the_same_byte_for_byte(finished, tmp_path):
    project = Project(tmp_path / "copy")
    shutil.copytree(finished.folder, project.folder, copy_function=shutil.copy2)
    slow = {name: None for name in SLOW if name != "smoothgrad"}
    overlay = TINY | {"estimators": {"smoothgrad": {"samples": 2}, **slow}}
    targets = ["--", *(f"results/tiny/tables/{name}.csv" for name in TABLES)]
    project.configure(overlay)
    whole = {name: (project.results / name).read_bytes() for name in JOINED}

    project.configure(overlay | {"shards": 2})
    jobs = project.jobs_run(*targets)

    # The few slices are one batch, so one share is empty; tests/test_slices.py has larger ones.
    assert {name: (project.results / name).read_bytes() for name in JOINED} == whole
    part = "noisy_gradients-noise_0.15-samples_2"
    for number in (1, 2):
        assert f"compute_part({part}, {number}of2)" in jobs
        assert f"compute_importance(backpropagation, {number}of2)" in jobs
        assert f"evaluate_importance(fidelity, smoothgrad, {number}of2)" in jobs
    assert "join_shards(metrics/dice/smoothgrad)" in jobs
    assert not any("extract" in job or "train" in job for job in jobs)
