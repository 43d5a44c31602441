import errno
import logging
import os
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from ct_importance.compute.workers import process_pool
from ct_importance.errors import InputError
from ct_importance.io.atomic import remove_leftovers, write_text
from ct_importance.workflow.running import WORKFLOW_PROCESS, job_log


@pytest.fixture(autouse=True)
def logging_as_before():
    """Undo what a job sets up for its whole process."""
    root = logging.getLogger()
    level = root.level
    with warnings.catch_warnings():
        yield
    root.setLevel(level)


def run_job(log: Path, error: BaseException) -> None:
    with job_log(log):
        logging.info("working")
        raise error


# Log of a job


def test_records_and_warnings_go_to_the_log(tmp_path):
    log = tmp_path / "logs" / "stage" / "job.log"

    with job_log(log):
        logging.getLogger("scripts.any").info("read %d files", 3)
        warnings.warn("something is odd", UserWarning, stacklevel=1)

    content = log.read_text()
    assert "INFO read 3 files\n" in content
    assert "something is odd" in content


def test_the_log_starts_anew_with_each_job_and_ends_with_it(tmp_path):
    for number in range(2):
        with job_log(tmp_path / "log"):
            logging.info("job %d", number)
    logging.info("after the job")

    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.split("INFO ")[1] for line in lines[:-1]] == ["job 1"]
    took = r"INFO done in \d+\.\d s, \d+\.\d s of CPU; its start took \d+\.\d\d s of CPU$"
    assert re.search(took, lines[-1])


def test_an_input_error_ends_the_job_with_its_message_alone(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        run_job(tmp_path / "log", InputError("labels.csv: no such column"))

    assert end.value.code == 1
    content = (tmp_path / "log").read_text()
    assert content.splitlines()[-1].endswith("ERROR labels.csv: no such column")
    assert "Traceback" not in content
    assert capsys.readouterr().err == "", "the workflow shows the end of the log"


def test_any_other_error_leaves_its_traceback_and_ends_the_log(tmp_path):
    with pytest.raises(SystemExit):
        run_job(tmp_path / "log", ZeroDivisionError("by nothing"))

    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[-1] == "ZeroDivisionError: by nothing"
    assert any("ERROR The job failed. The cause is the last line below." in it for it in lines)
    assert any("in run_job" in line for line in lines)


@pytest.mark.parametrize(
    ("error", "start"),
    [
        (OSError(errno.ENOSPC, "", "a.parquet"), "a.parquet: No space left on device: free space"),
        (MemoryError(), "memory does not suffice: run fewer jobs at once"),
    ],
)
def test_what_the_system_refuses_ends_the_job_with_one_line(tmp_path, capsys, error, start):
    with pytest.raises(SystemExit):
        run_job(tmp_path / "log", error)

    assert f"ERROR {start}" in (tmp_path / "log").read_text().splitlines()[-1]
    assert capsys.readouterr().err == ""


def test_a_log_that_cannot_be_opened_is_an_error_in_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()

    with pytest.raises(SystemExit):
        run_job(tmp_path / "file" / "log", ZeroDivisionError())

    assert capsys.readouterr().err == f"ERROR: [Errno 17] File exists: '{tmp_path / 'file'}'\n"


def test_a_log_that_cannot_be_written_does_not_hinder_the_job(capfd):
    with job_log("/dev/full"):
        logging.info("there is no space for this")

    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError("labels.csv: no such column"), "ERROR: labels.csv: no such column\n"),
        (ZeroDivisionError("by nothing"), "ERROR: ZeroDivisionError: by nothing\n"),
    ],
)
def test_what_the_log_could_not_hold_is_said_on_standard_error(capsys, error, said):
    with pytest.raises(SystemExit):
        run_job(Path("/dev/full"), error)

    assert capsys.readouterr().err == said


WORKFLOW = """
import os, subprocess, sys
os.environ["CT_IMPORTANCE_WORKFLOW_PROCESS"] = str(os.getpid())
subprocess.run([sys.executable, "-c", sys.argv[1], sys.argv[2]])
"""
JOB = """
import os, sys, time
from ct_importance.workflow import running as job
from ct_importance.compute import workers as parallel
with job.job_log(sys.argv[1]), parallel.process_pool(2) as pool:
    list(pool.map(abs, range(4)))
    print(os.getpid(), *pool._processes, flush=True)
    time.sleep(60)
"""


def is_running(process: str) -> bool:
    """Whether a process is there and has not ended; one that nobody waits for stays as Z."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends such jobs")
def test_a_job_and_its_workers_end_with_a_killed_workflow(tmp_path):
    command = [sys.executable, "-c", WORKFLOW, JOB, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as workflow:
        processes = workflow.stdout.readline().split()
        assert len(processes) == 3
        assert all(map(is_running, processes))
        workflow.kill()

    deadline = time.monotonic() + 10
    while any(map(is_running, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_running, processes))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends such jobs")
def test_a_job_whose_workflow_is_gone_already_does_nothing(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    environment = os.environ | {WORKFLOW_PROCESS: str(gone.pid)}

    done = subprocess.run(
        [sys.executable, "-c", JOB, str(tmp_path / "log")], env=environment, check=False
    )

    assert done.returncode == 1
    assert not (tmp_path / "log").exists()


# Files and processes


def test_a_text_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "new folder" / "table.csv"
    write_text(path, "größe\n")
    assert path.read_bytes() == "größe\n".encode()

    def fail(*_: object) -> None:
        raise OSError("disk is full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk is full"):
        write_text(path, "other")

    assert path.read_text(encoding="utf-8") == "größe\n"


def test_a_text_file_leaves_no_temporary_one(tmp_path):
    write_text(tmp_path / "a.txt", "1")
    write_text(tmp_path / "a.txt", "2")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "2")]


def test_leftovers_of_killed_jobs_are_removed_at_any_depth(tmp_path):
    names = ["a.parquet", ".a.parquet.0123.tmp", "folder/.b.0123.tmp", "folder/b.tmp"]
    for name in names:
        write_text(tmp_path / name, "")

    removed = remove_leftovers(tmp_path)

    assert [str(path.relative_to(tmp_path)) for path in removed] == [names[1], names[2]]
    assert all((tmp_path / name).exists() for name in (names[0], names[3]))


def test_a_pool_keeps_the_order_of_its_results():
    with process_pool(2) as pool:
        assert list(pool.map(str, range(20), chunksize=3)) == [str(it) for it in range(20)]
