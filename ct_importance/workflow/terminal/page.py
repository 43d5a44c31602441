"""What a run prints while it goes on: one line when a job begins, ends or fails.

Snakemake's own log, .snakemake/log/, holds what it says of each job: inputs, outputs, reasons.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO

from ct_importance.compute.progress import HANG, in_words, wrapped

BARS = "CT_IMPORTANCE_BARS"
"""Environment variable: bars that move are asked for (`make demo RICH=1`, which installs rich)."""
RED, GREEN, DIM, PLAIN = "\033[31m", "\033[32m", "\033[2m", "\033[0m"
OF_NO_CONCERN = (
    *("Building DAG of jobs", "Select jobs to execute", "Execute ", "Using shell", "Provided "),
    *("Rules claiming more threads", "Conda environments: ignored", "Group jobs: inactive"),
    *("Singularity containers: ignored", "Assuming unrestricted", "DAG of jobs will be updated"),
    *("Shutting down, this might take", "Storing output in storage", "Complete log(s):"),
    *("RuleException:", "At least one job did not complete", "Exiting because a job execution"),
    *("WorkflowError:\nAt least one job did not complete", "Touching output file"),
    *("Updating checkpoint dependencies", "Will exit after finishing", "Trying to restart job"),
)
"""How messages begin that say nothing to who runs the workflow, or what is said at its end."""


class Page(logging.Handler):
    """Writes the events of Snakemake as lines that people read."""

    def __init__(self, stream: TextIO, colours: bool | None = None) -> None:
        """Write to a stream, in colours if it is a terminal (or as is said)."""
        super().__init__()
        self._stream = stream
        self._colours = stream.isatty() if colours is None else colours
        self._names: dict[int, str] = {}
        self._began: dict[int, float] = {}
        self._ended: list[int] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write the lines of an event, at once."""
        try:
            self._write(list(self._lines(record)))
        except BrokenPipeError:
            raise
        except Exception:
            self.handleError(record)

    def end(self) -> None:
        """Leave the terminal to what is printed at the end of a run."""

    def _write(self, lines: Iterable[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        if text:
            self._stream.write(text)
            self._stream.flush()

    def _lines(self, record: logging.LogRecord) -> Iterator[str]:
        kind, said = kind_of(record), vars(record)
        if kind == "job_info":
            self._names[said["jobid"]] = job_name(said["rule_name"], said["wildcards"] or {})
            self._began[said["jobid"]] = time.monotonic()
            yield self._line("begins", self._names[said["jobid"]], DIM)
        elif kind == "job_finished":
            self._ended.append(said["job_id"])
        elif kind == "progress":
            yield from self._done(said["done"], said["total"])
        elif kind in ("job_error", "group_error"):
            for one in [said] if kind == "job_error" else said["job_error_info"]:
                name = self._names.get(one["jobid"], one["rule_name"])
                logs = "".join(f"; see {log}" for log in one["log"][:1])
                yield self._line("FAILED", f"{name}{logs}", RED)
        elif kind == "run_info" and "stats" in said:
            yield f"{said['stats']['total']} jobs"
        elif not kind or kind == "error":
            text = str(record.getMessage()) if record.msg else ""
            if text.strip() and not text.startswith(OF_NO_CONCERN):
                colour = RED if record.levelno >= logging.ERROR else ""
                for line in text.splitlines():
                    lines = [line] if line.startswith(" ") else wrapped(line)
                    yield from (self._coloured(one, colour) for one in lines)

    def _done(self, done: int, total: int) -> Iterator[str]:
        for number in self._ended:
            took = ""
            if number in self._began:
                took = f" ({in_words(time.monotonic() - self._began.pop(number))})"
            name = self._names.get(number, f"job {number}")
            yield self._line("done", f"{name}{took}, {done} of {total}", GREEN)
        self._ended.clear()

    def _line(self, what: str, text: str, colour: str) -> str:
        head = f"{time.strftime('%H:%M:%S')}  {self._coloured(f'{what:<6}', colour)}  "
        return head + "\n".join(wrapped(HANG + text, HANG)).removeprefix(HANG)

    def _coloured(self, text: str, colour: str) -> str:
        return f"{colour}{text}{PLAIN}" if self._colours and colour else text


def kind_of(record: logging.LogRecord) -> str:
    """Return the name of Snakemake's event that a record is of; empty if it is a text."""
    event = getattr(record, "event", None)
    return "" if event is None else str(event.value)


def job_name(rule: str, wildcards: Mapping[str, Any]) -> str:
    """Return how a job is called: its rule, and what it is of; the run is the same for all.

    >>> job_name("compute_importance", {"run": "demo", "classifier": "resnet50", "replicate": "1"})
    'compute_importance resnet50 1'
    """
    shown = (str(value).strip("/") for name, value in wildcards.items() if name != "run")
    return " ".join([rule, *filter(None, shown)])


def show_as_page(logger: logging.Logger) -> None:
    """Let Snakemake's logger write to the terminal as `Page` does, or `Bars`.

    Nothing changes where another writes there (`--logger`), or where its user asked for more
    (`--verbose`).
    """
    for handler in list(logger.handlers):
        if handler.name == "DefaultStreamHandler" and logger.level > logging.DEBUG:
            page = _page_for(handler.stream)  # type: ignore[attr-defined] # of a handler of streams
            for one in handler.filters:
                page.addFilter(one)
            logger.removeHandler(handler)
            logger.addHandler(page)


def _page_for(stream: TextIO) -> Page:
    """Return a page with bars where they are asked for, and can move."""
    if os.environ.get(BARS) and stream.isatty():
        from ct_importance.workflow.terminal.bars import Bars

        return Bars(stream)
    return Page(stream)


def end_page(logger: logging.Logger) -> None:
    """Leave the terminal to what is printed at the end of a run."""
    for handler in logger.handlers:
        if isinstance(handler, Page):
            handler.end()
