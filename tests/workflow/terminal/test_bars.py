import io
import logging
import os
import re
import subprocess
import sys
import threading

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from ct_importance.workflow.terminal.page import BARS, Page, end_page, show_as_page

pytest.importorskip("rich")

JOB = {"event": LogEvent.JOB_INFO, "rule_msg": None, "wildcards": {}}
STATS = {"total": 3, "train": 1, "explain": 2}


class Terminal:
    """A terminal of 60 columns that a logger writes to, and what it shows."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self._screen, program = os.openpty()
        self.stream = os.fdopen(program, "w")
        self._shown = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while b"THE END" not in self._shown:
            self._shown += os.read(self._screen, 1 << 16)

    def lines(self) -> list[str]:
        """End what is shown, and return all that was, frames of bars one below the other."""
        self.stream.write("THE END\n")
        self.stream.flush()
        self._reader.join(10)
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._shown.decode())
        return [line.rstrip() for line in re.split(r"[\r\n]+", text)]


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(BARS, "1")
    logger = logging.getLogger("of a test of bars")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    found = Terminal(logger)
    stream = logging.StreamHandler(found.stream)
    stream.name = "DefaultStreamHandler"
    logger.handlers[:] = [stream]
    show_as_page(logger)
    logger.info("Job stats", extra={"event": LogEvent.RUN_INFO, "stats": STATS})
    yield found
    end_page(logger)


def page_of(logger):
    (page,) = [handler for handler in logger.handlers if isinstance(handler, Page)]
    return page


def begin(terminal, number, rule):
    terminal.logger.info("", extra=JOB | {"jobid": number, "rule_name": rule})


def finish(terminal, number, done):
    extra = {"event": LogEvent.JOB_FINISHED, "job_id": number}
    terminal.logger.info("", extra=extra)
    terminal.logger.info("", extra={"event": LogEvent.PROGRESS, "done": done, "total": 3})


def test_bars_count_all_jobs_and_those_of_rules_that_run(terminal):
    begin(terminal, 1, "train")
    finish(terminal, 1, done=1)
    begin(terminal, 2, "explain")
    begin(terminal, 3, "explain")
    finish(terminal, 2, done=2)
    page = page_of(terminal.logger)
    page._progress.refresh()
    end_page(terminal.logger)

    lines = terminal.lines()
    frame = max(place for place, line in enumerate(lines) if line.startswith("all jobs"))
    assert re.match(r"all jobs +\S+ 2 of 3 0:00:0\d$", lines[frame])
    assert re.match(r"explain +\S+ 1 of 2 0:00:0\d$", lines[frame + 1])
    assert "train" not in lines[frame + 2]
    assert any(re.match(r"all jobs +\S+ 0 of 3 ", line) for line in lines)
    assert not [line for line in lines if "begins" in line or "done" in line]


def test_what_jobs_write_stands_above_the_bars_on_lines_of_its_own(terminal):
    begin(terminal, 1, "train")
    said = "15:00:00          epochs of a long name: 1 of 10, about 3 min left"
    write = f"import sys; print({said!r}, file=sys.stderr)"
    subprocess.run([sys.executable, "-c", write], check=True)
    failed = {"jobid": 1, "rule_name": "train", "log": ["train.log"]}
    terminal.logger.error("", extra={"event": LogEvent.JOB_ERROR} | failed)
    end_page(terminal.logger)

    lines = terminal.lines()
    place = lines.index("15:00:00          epochs of a long name: 1 of 10, about 3")
    assert lines[place + 1] == " " * 18 + "min left"
    assert [line[10:] for line in lines if "FAILED" in line] == ["FAILED  train; see train.log"]


def test_at_the_end_standard_error_is_what_it_was(terminal, capfd):
    begin(terminal, 1, "train")
    end_page(terminal.logger)
    end_page(terminal.logger)
    os.write(2, b"later")

    assert capfd.readouterr().err == "later"
    assert "later" not in "".join(terminal.lines())


def test_more_jobs_than_were_announced_are_no_more_than_all(terminal):
    for number in (1, 2, 3):
        begin(terminal, number, "extract")
    page = page_of(terminal.logger)
    (bar,) = page._bars.values()
    assert page._progress.tasks[bar].total == 3


def test_a_file_has_lines_though_bars_are_asked_for(terminal):
    stream = logging.StreamHandler(io.StringIO())
    stream.name = "DefaultStreamHandler"
    terminal.logger.handlers[:] = [stream]
    show_as_page(terminal.logger)
    assert type(page_of(terminal.logger)) is Page
