"""kill -9 of the workflow and of single jobs, again and again; then the results are as ever."""

import os
import random
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.workflow.project import TINY, Project, copy_project

KILLS = {"workflow": 12, "job": 12}
SEED = 5
MOST_JOBS = 6
"""Jobs that end before the next kill, at most: kills are spread over the whole of the work."""
LONGEST = 2.0
"""Seconds from the end of these to the kill, at most."""
# One of each kind: alone, with a part of its own, with parts that two share.
LEFT_OUT = ["deconvolution", "expected_gradients", "integrated_gradients_bw"]
OVERLAY = TINY | {"estimators": TINY["estimators"] | dict.fromkeys(LEFT_OUT)}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("undisturbed"), OVERLAY)
    project.run()
    return project


def jobs_of(workflow: psutil.Process) -> list[psutil.Process]:
    """The processes that run scripts of rules, without their workers."""
    found = []
    for process in workflow.children():
        try:
            if ".snakemake/scripts/" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def start(project: Project, output: Path, *arguments: str) -> psutil.Popen:
    with open(output, "w") as file:
        return psutil.Popen(
            project.command(*arguments), cwd=project.folder, stdout=file, stderr=subprocess.STDOUT
        )


def wait_for_jobs(count: int, workflow: psutil.Popen, output: Path) -> None:
    """Wait until so many more jobs have ended, or the workflow has."""

    def ended() -> int:
        return output.read_text().count("  done    ")

    before = ended()
    while workflow.poll() is None and ended() < before + count:
        time.sleep(0.1)


def kill(victim: str, workflow: psutil.Popen) -> int:
    """Kill the workflow or one of its jobs, and wait until what has to end has ended.

    Returns how many kills that were: none if there was nothing to kill.
    """
    try:
        process = workflow if victim == "workflow" else next(iter(jobs_of(workflow)), None)
        if workflow.poll() is not None or process is None:
            return 0
        started_by_it = process.children(recursive=True)
        process.kill()
    except psutil.NoSuchProcess:  # it ended just now
        return 0
    _, alive = psutil.wait_procs([process, *started_by_it], timeout=10)
    alive = [it for it in alive if it.is_running() and it.status() != psutil.STATUS_ZOMBIE]
    assert not alive, f"still there after kill -9 of the {victim}: {alive}"
    return 1


def unlock_if_it_says_so(project: Project, output: Path) -> bool:
    """Do what a user does whose run after a crash ends with the message about the lock."""
    if "It can be removed with the --unlock argument" not in output.read_text():
        return False
    project.run("--unlock")
    return True


def test_a_run_that_is_killed_often_ends_with_the_same_bytes(undisturbed, tmp_path):
    project = copy_project(tmp_path / "killed", OVERLAY)
    generator = random.Random(SEED)
    left, unlocked, started, rounds = dict(KILLS), 0, time.monotonic(), 0
    workflow = start(project, tmp_path / "output")
    while any(left.values()):
        rounds += 1
        assert rounds < 20 * sum(KILLS.values()), "hardly anything was there to be killed"
        wait_for_jobs(generator.randint(0, MOST_JOBS), workflow, tmp_path / "output")
        time.sleep(generator.uniform(0, LONGEST))
        victim = generator.choice([name for name, count in left.items() if count])
        left[victim] -= kill(victim, workflow)
        if workflow.poll() is None:
            continue
        unlocked += unlock_if_it_says_so(project, tmp_path / "output")
        if workflow.returncode == 0:
            # Done too early: the rest of the kills meet the second half of the work.
            # What is asked for has to be lacking: of files between, Snakemake takes no notice.
            answers = (
                project.training / name for name in ("predictions.parquet", "evaluation.json")
            )
            for path in [*(project.training / "classifier").iterdir(), *answers]:
                path.unlink()
        workflow = start(project, tmp_path / "output")
    workflow.wait()
    unlocked += unlock_if_it_says_so(project, tmp_path / "output")
    output = project.run()
    print(
        f"\n{sum(KILLS.values())} kills ({KILLS}) in {time.monotonic() - started:.0f} s; "
        f"unlocked {unlocked} times"
    )

    assert unlocked > 0
    assert project.digests() == undisturbed.digests()
    assert not [path for path in project.results.rglob("*") if path.name.endswith(".tmp")]
    assert output.count("Traceback") == 0
    assert "Nothing to be done" in project.run()


def test_a_killed_job_is_named_with_what_to_do(undisturbed, tmp_path):
    target = undisturbed.training / "saliency" / "backpropagation.parquet"
    target.unlink()
    # Nothing else needs it again, and Snakemake makes what is asked for.
    asked_for = ("--", str(target.relative_to(undisturbed.folder)))
    workflow = start(undisturbed, tmp_path / "output", *asked_for)
    while workflow.poll() is None and not kill("job", workflow):
        time.sleep(0.05)
    assert workflow.wait() == 1

    output = (tmp_path / "output").read_text()
    assert (
        "compute_importance (scripts/compute_importance.py): "
        "results/tiny/logs/compute_importance/resnet50/1/backpropagation.log" in output
    )
    assert "it was killed, most likely for lack of memory: run fewer jobs at once" in output
    undisturbed.run(*asked_for)
    assert target.exists()
    assert not os.listdir(undisturbed.folder / ".snakemake" / "incomplete")
