import pytest

from tests.workflow.project import Project, copy_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """The tiny run, done once; tests that change it take a copy."""
    project = copy_project(tmp_path_factory.mktemp("finished"))
    project.output = project.run()
    return project
