import pickle

import pytest
from filelock import FileLock

from tests.workflow.environment import environment_of_lock
from tests.workflow.project import Project, copy_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id) -> Project:
    """The tiny run, done once, by whichever process of the tests wants it first.

    It has the packages of requirements.lock alone, as a user has. Tests that change it take a copy.
    """
    if worker_id == "master":
        return _finish(tmp_path_factory.mktemp("finished"))
    shared = tmp_path_factory.getbasetemp().parent
    with FileLock(shared / "finished.lock"):
        kept = shared / "finished.pickle"
        if not kept.exists():
            kept.write_bytes(pickle.dumps(_finish(shared / "finished")))
        return pickle.loads(kept.read_bytes())


def _finish(folder) -> Project:
    project = copy_project(folder)
    project.python = environment_of_lock(folder.with_name(f"{folder.name}-environment"))
    project.output = project.run()
    return project
