import collections
import contextlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ct_importance.compute.device_claim import claim_device
from ct_importance.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
JOB = """
import os, sys
from pathlib import Path
from ct_importance.compute.device_claim import claim_device
folder, *devices = sys.argv[1:]
claimed = claim_device(devices, Path(folder))
if devices[-1] == "forks" and not os.fork():
    sys.stdin.read()
    os._exit(0)
print(claimed, flush=True)
sys.stdin.read()
"""


class Jobs:
    """Processes that claim a device each and run until they are ended."""

    def __init__(self, folder, stack):
        self.folder, self.stack = folder, stack

    def begin(self, *devices):
        job = subprocess.Popen(
            [sys.executable, "-c", JOB, str(self.folder), *devices],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.stack.enter_context(job)  # closes its standard input, which ends it
        return job

    def start(self, *devices):
        job = self.begin(*devices)
        job.device = devices[claimed_by(job)]
        return job


def claimed_by(job):
    return int(job.stdout.readline())


@pytest.fixture
def jobs(tmp_path):
    with contextlib.ExitStack() as stack:
        yield Jobs(tmp_path / "claims", stack)


def test_jobs_that_start_at_once_get_a_device_each(jobs):
    started = [jobs.begin("a", "b", "c", "d") for _ in range(4)]
    assert sorted(map(claimed_by, started)) == [0, 1, 2, 3]


def test_more_jobs_than_devices_are_spread_evenly(jobs):
    started = [jobs.start("a", "b", "c") for _ in range(7)]
    counts = collections.Counter(job.device for job in started)
    assert counts == {"a": 3, "b": 2, "c": 2}


@pytest.mark.parametrize("end", ["kill", "terminate"])
def test_a_job_that_ends_in_whatever_way_frees_its_device(jobs, end):
    first, second = jobs.start("a", "b"), jobs.start("a", "b")
    assert (first.device, second.device) == ("a", "b")

    getattr(second, end)()
    second.wait()

    assert jobs.start("a", "b").device == "b"


def test_the_least_used_device_is_taken_even_if_another_has_a_gap(jobs):
    on_a = [jobs.start("a") for _ in range(3)]
    jobs.start("b")
    on_a[0].kill()
    on_a[0].wait()

    assert jobs.start("a", "b").device == "b"


def test_devices_are_known_by_name_whatever_their_order(jobs):
    jobs.start("a", "b")
    assert jobs.start("b", "c").device == "b"
    assert jobs.start("b", "a", "c").device == "c"


def test_a_child_that_outlives_its_parent_holds_no_device(jobs):
    parent = jobs.start("a", "forks")
    assert parent.device == "a"
    parent.kill()
    parent.wait()

    assert jobs.start("a", "b").device == "a"


# Other users of a shared temporary folder


def test_nobody_else_may_write_where_claims_are(jobs):
    jobs.folder.mkdir(mode=0o777)
    jobs.folder.chmod(0o777)  # as an earlier version, or a umask, may have left it
    jobs.start("a", "b")

    assert stat.S_IMODE(jobs.folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in jobs.folder.iterdir())


@pytest.mark.parametrize("target", ["folder", "nothing", "file"])
def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path, target):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "claims").symlink_to(tmp_path / target)

    with pytest.raises(InputError) as caught:
        claim_device(["a"], tmp_path / "claims")

    assert "a link, or not yours; remove it, or set TMPDIR to a folder" in str(caught.value)
    assert not list((tmp_path / "folder").iterdir())


@pytest.mark.parametrize("name", ["choosing", "a"])
def test_a_link_in_place_of_a_file_is_not_followed(tmp_path, name):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / name).symlink_to(tmp_path / "victim")

    with pytest.raises(InputError, match=f"claims/{name}: a link, or not yours; remove it"):
        claim_device(["a"], tmp_path / "claims")
    assert not (tmp_path / "victim").exists()


def test_a_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    (tmp_path / "claims").mkdir()
    somebody = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody)

    with pytest.raises(InputError, match="claims: a link, or not yours; remove it, or set TMPDIR"):
        claim_device(["a"], tmp_path / "claims")
    assert not list((tmp_path / "claims").iterdir())
