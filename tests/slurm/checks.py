"""The workflow on a SLURM cluster: `make test-slurm`. pytest does not collect it by itself."""

import itertools
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from tests.slurm.cluster import Cluster, running_cluster
from tests.workflow.project import SLOW, TINY, Project, copy_project

SMALL = TINY | {
    "estimators": TINY["estimators"]
    | {name: None for name in ("random", *SLOW) if name != "smoothgrad"},
    "metrics": {"fidelity": {"step": 0.5}, "roc": {"thresholds": 10}, "dice": None},
}
# As a user calls it, but for an account, and the intervals and sizes of a small run.
COMMAND = [
    *(sys.executable, "-m", "snakemake", "--configfile", "overlay.yaml"),
    *("--workflow-profile", "profiles/slurm", "--default-resources", "slurm_account="),
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
    *("--latency-wait", "5", "--cores", "2", "--resources", "gpu=1"),
    *("--group-components", "extraction=4", "report=20"),
]
EXTRACTION, TRAINING = "extract_slices", "rule_train_classifier"
ENDED = {"COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL"}


def submit(project: Project, cluster: Cluster, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=project.folder,
        env=cluster.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell that starts the tests in the background lets them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def jobs_of(cluster: Cluster, output: str) -> list[dict[str, str]]:
    """The jobs of a run, which bear its identifier as their name."""
    (run,) = re.findall(r"SLURM run ID: (\S+)", output)
    return [job for job in cluster.jobs() if job["JobName"] == run]


def wait_for_job(cluster: Cluster, rule: str, gone: threading.Event) -> str | None:
    """Wait until a job of a rule runs, and return its number; None if the run ends before."""
    while not gone.wait(0.2):
        for job in cluster.jobs():
            if rule in job["Comment"] and job["JobState"] == "RUNNING":
                return job["JobId"]
    return None


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with running_cluster(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The same run without a cluster, made while the other one waits for its jobs."""
    project = copy_project(tmp_path_factory.mktemp("local"), SMALL)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(project.run)
        project.wait = run.result
        yield project


@pytest.fixture(scope="module")
def finished(cluster, local, tmp_path_factory):
    """A run on the cluster; somebody cancels its training and one of two extractions."""
    project = copy_project(tmp_path_factory.mktemp("cluster"), SMALL)
    begin, gone, project.cancelled = time.monotonic(), threading.Event(), []

    def cancel():
        for rule in (EXTRACTION, TRAINING):
            number = wait_for_job(cluster, rule, gone)
            if number:
                cluster.call("scancel", number)
                project.cancelled.append(number)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(cancel)
        run = submit(project, cluster)
        project.output, _ = run.communicate(timeout=1500)
        gone.set()
    assert run.returncode == 0, project.output[-5000:]
    project.jobs = jobs_of(cluster, project.output)
    took = time.monotonic() - begin
    print(f"\n{len(project.jobs)} submissions, {took:.0f} s", file=sys.__stdout__, flush=True)
    return project


def of_rule(project, rule):
    return [job for job in project.jobs if rule in job["Comment"]]


def test_results_are_those_of_a_local_run_byte_by_byte(finished, local):
    local.wait()
    digests = finished.digests()
    assert len(digests) > 40
    assert digests == local.digests()


def test_each_gpu_job_runs_in_the_gpu_partition_with_one_gpu_of_its_own(finished):
    with_gpu = {job["Comment"] for job in finished.jobs if "gpu" in job.get("TresPerJob", "")}
    in_partition = {job["Comment"] for job in finished.jobs if job["Partition"] == "gpu"}
    rules = {comment.split("_wildcards")[0] for comment in with_gpu}
    assert in_partition == with_gpu
    assert rules == {
        *("rule_train_classifier", "rule_predict_slices", "rule_share_passes"),
        *("rule_compute_importance", "rule_evaluate_importance"),
    }
    assert {job["Partition"] for job in finished.jobs} == {"cpu", "gpu"}


def test_no_more_gpu_jobs_at_a_time_than_the_resource_allows(finished):
    spans = sorted(
        (datetime.fromisoformat(job["StartTime"]), datetime.fromisoformat(job["EndTime"]))
        for job in finished.jobs
        if job["Partition"] == "gpu"
    )
    assert len(spans) > 5
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def test_patients_share_submissions_and_so_do_tables_and_figures(finished):
    done = [job for job in of_rule(finished, EXTRACTION) if job["JobState"] == "COMPLETED"]
    assert len(done) == 2  # of eight patients
    # Comments of groups name them and as many of their rules as there is space for.
    assert len(of_rule(finished, "rule_report_")) == 1
    assert not of_rule(finished, "rule_write_") + of_rule(finished, "rule_plot_")


@pytest.mark.parametrize("rule", [EXTRACTION, TRAINING])
def test_a_cancelled_job_is_tried_again_with_more_and_no_other_is_lost(finished, rule):
    (cancelled,) = [job for job in of_rule(finished, rule) if job["JobState"] == "CANCELLED"]
    again = of_rule(finished, rule)[-1]
    assert cancelled["JobId"] in finished.cancelled
    assert again["JobState"] == "COMPLETED"
    assert minutes(again) == 2 * minutes(cancelled)
    assert megabytes(again) == 2 * megabytes(cancelled)
    others = [job for job in finished.jobs if job["JobId"] not in finished.cancelled]
    assert {job["JobState"] for job in others} == {"COMPLETED"}


def minutes(job):
    days, clock = job["TimeLimit"].rpartition("-")[::2]
    hours, rest, _ = clock.split(":")
    return int(days or 0) * 1440 + int(hours) * 60 + int(rest)


def megabytes(job):
    number, unit = re.fullmatch(r"([\d.]+)([MG])", job["MinMemoryNode"]).groups()
    return float(number) * {"M": 1, "G": 1024}[unit]


def test_logs_are_where_they_are_without_a_cluster(finished, local):
    local.wait()

    def names(project):
        folder = project.results / "logs"
        return {str(path.relative_to(folder)) for path in folder.rglob("*.log")}

    assert names(finished) == names(local)


def test_a_second_run_submits_nothing(cluster, finished):
    before = len(cluster.jobs())
    output, _ = submit(finished, cluster).communicate(timeout=900)
    assert "Nothing to be done" in output
    assert len(cluster.jobs()) == before


@pytest.fixture(scope="module")
def interrupted(cluster, tmp_path_factory):
    """A run that is stopped by Ctrl-C while a job runs."""
    project = copy_project(tmp_path_factory.mktemp("interrupted"), SMALL)
    gone = threading.Event()
    run = submit(project, cluster)
    assert wait_for_job(cluster, "rule_generate_phantom", gone), "no job was submitted"
    run.send_signal(signal.SIGINT)
    project.output, _ = run.communicate(timeout=900)
    project.code = run.returncode
    return project


def test_ctrl_c_leaves_nothing_running(cluster, interrupted):
    assert interrupted.code != 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        states = {job["JobState"] for job in jobs_of(cluster, interrupted.output)}
        if states <= ENDED:
            break
        time.sleep(0.2)
    assert states == {"CANCELLED"}


def test_a_job_without_enough_memory_is_tried_three_times_then_its_logs_are_named(
    cluster, finished
):
    (finished.results / "cohort/headers/phantom.parquet").unlink()
    run = submit(
        finished,
        cluster,
        *("--set-resources", "read_headers:mem_mb=40*attempt"),
        *("--", "results/tiny/cohort/headers/phantom.parquet"),
    )
    finished.output, _ = run.communicate(timeout=900)
    assert run.returncode == 1
    tries = [
        job
        for job in jobs_of(cluster, finished.output)
        if job["Comment"].startswith("rule_read_headers")
    ]
    assert [megabytes(job) for job in tries] == [40, 80, 120]
    assert {job["JobState"] for job in tries} <= {"FAILED", "OUT_OF_MEMORY", "CANCELLED"}
    assert "results/tiny/logs/read_headers/phantom.log" in finished.output
    slurm_logs = list((finished.folder / "results/slurm_logs/rule_read_headers").rglob("*.log"))
    assert len(slurm_logs) == 3
    assert all(str(path) in finished.output for path in slurm_logs)
    assert all("memory limit" in path.read_text() for path in slurm_logs)
