import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ct_importance.io.system_errors import MORE_MEMORY
from ct_importance.workflow.failure import (
    AS_IT_SAYS,
    CAUSES,
    FULL,
    INSTALL,
    KILLED,
    LIKEWISE,
    LINES,
    MORE_TIME,
    REPORT,
    STOPPED,
    FailedJob,
    describe,
    failed_jobs,
    print_failures,
    remedy,
)

# As Snakemake 9 writes them; the second job has a log of the cluster, too.
LOG = """\
rule predict:
    input: a
    output: b
    log: {folder}/logs/predict.log
    jobid: 3
    resources: gpu=1

[Mon Nov 23 09:00:00 2026]
Error in rule predict:
    message: None
    jobid: 3
    input: a
    output: b
    log: {folder}/logs/predict.log (check log file(s) for error details)
Error in rule train:
    message: SLURM-job '7' failed, SLURM status is: 'TIMEOUT'.
    jobid: 4
    log: {folder}/logs/train.log, {folder}/slurm/7.log (check log file(s) for error details)
Error in rule retried:
    jobid: 5
    log: {folder}/logs/retried.log (check log file(s) for error details)
Finished jobid: 5 (Rule: retried)
Error in group g:
    jobs:
        rule extract:
            jobid: 6
            output: c
            log: {folder}/logs/extract.log (check log file(s) for error details)
"""


@pytest.fixture
def logs(tmp_path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "snakemake.log").write_text(LOG.format(folder=tmp_path))
    return tmp_path


def test_jobs_that_failed_for_good_are_found(logs):
    jobs = failed_jobs((logs / "snakemake.log").read_text())

    assert [(job.rule, [Path(log).name for log in job.logs]) for job in jobs] == [
        ("predict", ["predict.log"]),
        ("train", ["train.log", "7.log"]),
        ("extract", ["extract.log"]),
    ]
    assert "TIMEOUT" in jobs[1].message


def test_a_job_that_failed_twice_is_named_once():
    text = LOG.format(folder="f")
    assert len(failed_jobs(text + text)) == 3


def test_logs_their_last_lines_and_remedies_are_printed(logs, capsys):
    lines = [f"09:00:0{number} INFO line {number}" for number in range(6)]
    lines.append("09:00:06 ERROR labels.csv: no such column: name it")
    (logs / "logs" / "predict.log").write_text("\n".join(lines) + "\n")
    (logs / "logs" / "extract.log").write_text(
        "08:00:00 INFO done in 1.0 s, 1.0 s of CPU; its start took 0.30 s of CPU\n"
    )

    print_failures([logs / "snakemake.log"], logs)

    output = capsys.readouterr().out
    assert f"Failed jobs: 3. The logs of all jobs are in {logs}/logs/." in output
    shown = "".join(f"  | {line}\n" for line in lines[-LINES:])
    place = f"{logs}/logs/predict.log ends:\n{shown}  What to do: {AS_IT_SAYS}"
    assert f"predict (scripts/predict.py): {place}" in output
    assert (
        f"train (scripts/train.py): {logs}/logs/train.log\n  See also {logs}/slurm/7.log\n"
        in output
    )
    assert f"What to do: {MORE_TIME}" in output
    # That log is one of an earlier time.
    assert (
        f"extract (scripts/extract.py): {logs}/logs/extract.log\n  What to do: {KILLED}" in output
    )


ERROR = "Error in rule {1}:\n    jobid: {0}\n    log: {0} (check log file(s) for error details)\n"


def fail(folder, *causes, rule="a"):
    """Write logs that end with causes, and Snakemake's own; return what is printed of them."""
    for number, cause in enumerate(causes):
        (folder / f"{number}.log").write_text(f"09:00:0{number % 10} ERROR {cause}\n")
    text = "".join(ERROR.format(folder / f"{number}.log", rule) for number in range(len(causes)))
    # The number of a job is what comes before its log.
    for number in range(len(causes)):
        text = text.replace(f"jobid: {folder / f'{number}.log'}", f"jobid: {number}")
    (folder / "log").write_text(text)
    print_failures([folder / "log"], folder)


def test_jobs_that_ctrl_c_ended_are_no_failures(logs, capsys):
    (logs / "logs" / "predict.log").write_text("09:00:06 ERROR labels.csv: no such column\n")
    log = logs / "snakemake.log"
    log.write_text(f"{log.read_text()}{STOPPED}, this might take some time.\n")

    print_failures([log], logs)

    output = capsys.readouterr().out
    assert output.startswith("\nStopped, as was asked.\n\nFailed jobs: 2.")
    assert "predict (scripts" in output
    assert "train (scripts" in output
    assert "extract" not in output

    log.write_text(f"{STOPPED}, this might take some time.\n")
    print_failures([log], logs)
    (said, goes_on) = capsys.readouterr().out.strip().split("\n\n")
    assert said == "Stopped, as was asked."
    assert goes_on.startswith("The same command goes on")


def test_on_a_terminal_lines_are_wrapped_but_for_code_and_paths(tmp_path, monkeypatch):
    long = "labels.csv: there is no column of this name among the many that it has; name one"
    code = "    return a_function_of_a_library(of_some_length, and_another, and_one_more)"
    (tmp_path / "0.log").write_text(f"09:00:00 ERROR {long}\n")
    (tmp_path / "1.log").write_text(f"{code}\nValueError\n")
    jobs = [FailedJob("a", logs=[str(tmp_path / f"{number}.log")]) for number in range(2)]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "50")

    lines = [line for job in jobs for line in describe(job)]

    assert [line for line in lines if len(line) > 50 and "/" not in line] == [f"  | {code}"]
    assert lines[:2] == ["a (scripts/a.py):", f"  {tmp_path}/0.log"]
    assert "  |   of this name among the many that it has;" in lines


def test_of_many_causes_some_are_shown(tmp_path, capsys):
    fail(tmp_path, *(f"{number}.csv: empty" for number in range(CAUSES + 2)))

    output = capsys.readouterr().out
    assert output.count("What to do") == CAUSES
    assert "... and 2 more causes." in output


def test_a_cause_that_several_jobs_share_is_said_once(tmp_path, capsys):
    fail(tmp_path, *["weights.pt: no such file"] * (LIKEWISE + 3), "other.csv: empty")

    output = capsys.readouterr().out
    assert f"Failed jobs: {LIKEWISE + 4}." in output
    assert output.count("weights.pt: no such file") == 1
    assert output.count("What to do") == 2
    assert f"  Likewise a: {tmp_path}/1.log\n" in output
    assert output.count("Likewise") == LIKEWISE
    assert "... and 2 more like it" in output
    assert output.count("other.csv: empty") == 1


@pytest.mark.parametrize(
    ("last", "message", "expected"),
    [
        ("09:00:00 ERROR a.csv: empty", "", AS_IT_SAYS),
        ("09:00:00 ERROR a.csv: empty", "status is TIMEOUT", AS_IT_SAYS),
        ("09:00:00 INFO maps: 1 of 2", "status is: 'OUT_OF_MEMORY'", MORE_MEMORY),
        ("09:00:00 INFO maps: 1 of 2", "DUE TO TIME LIMIT", MORE_TIME),
        ("09:00:00 INFO maps: 1 of 2", "None", KILLED),
    ],
)
def test_the_remedy_suits_the_end_of_the_log(last, message, expected):
    assert expected in remedy(["09:00:00 INFO start", last], message)


@pytest.mark.parametrize(
    ("last", "expected"),
    [("ModuleNotFoundError: No module named 'captum'", INSTALL), ("RuntimeError: shape", REPORT)],
)
def test_the_remedy_suits_the_exception(last, expected):
    assert remedy(["09:00:00 ERROR The job failed. The cause is below.", last]) == expected


def test_a_job_without_a_log_was_killed_or_did_not_start():
    assert remedy([]) == KILLED


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        ({"f_bavail": 3}, FULL),
        ({"f_favail": 0}, FULL),
        ({"f_favail": 0, "f_files": 0}, KILLED),  # a disk that does not count files
        ({}, KILLED),
    ],
)
def test_a_log_that_a_full_disk_cut_off_is_no_lack_of_memory(tmp_path, monkeypatch, disk, expected):
    room = {"f_bavail": 9999, "f_frsize": 4096, "f_files": 9, "f_favail": 9}
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(**(room | disk)))

    assert remedy(["09:00:00 INFO maps: 1 of 2"], "", tmp_path) == expected
    assert remedy(["09:00:00 ERROR a.csv: empty"], "", tmp_path) == AS_IT_SAYS
    assert "free space there" in FULL
    assert "memory" not in FULL


def test_a_disk_that_is_gone_is_no_full_one(tmp_path):
    assert remedy([], "", tmp_path / "gone") == KILLED
