"""Bars in place of a line per job: `make demo RICH=1`.

Below what a run prints stand a bar of all jobs and one of each rule that has jobs now. What jobs
write themselves, such as the progress of a training, is printed above the bars: jobs are other
processes, which would write into them.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from ct_importance.compute.progress import HANG, wrapped
from ct_importance.workflow.terminal.page import Page, kind_of

STANDARD_ERROR = 2
PATIENCE = 2
"""Seconds that the last words of jobs are waited for."""


class Bars(Page):
    """A page on which bars count jobs; failures and warnings are lines as on any."""

    def __init__(self, stream: TextIO) -> None:
        """Count on the terminal that a stream leads to."""
        super().__init__(stream)
        self._totals: Counter[str] = Counter()
        self._finished: Counter[str] = Counter()
        self._running: Counter[str] = Counter()
        self._rules: dict[int, str] = {}
        self._bars: dict[str, TaskID] = {}
        self._terminal = os.fdopen(os.dup(stream.fileno()), "w", encoding="utf-8")
        self._console = Console(file=self._terminal)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None, complete_style="green"),  # red is for failures
            MofNCompleteColumn(separator=" of "),
            TimeElapsedColumn(),
            console=self._console,
            redirect_stderr=False,  # see `_start`
            refresh_per_second=4,
            transient=True,
            expand=True,
        )
        self._all = self._progress.add_task("all jobs", total=None)
        self._reader: threading.Thread | None = None

    def end(self) -> None:
        """Take the bars away: what follows is no part of the work."""
        if self._reader is not None:
            os.dup2(self._standard_error, STANDARD_ERROR)
            os.close(self._standard_error)
            self._reader.join(PATIENCE)
            self._reader = None
            self._progress.stop()

    def close(self) -> None:
        """Take the bars away, also of a run that is interrupted."""
        self.end()
        super().close()

    def _start(self) -> None:
        """Draw the bars, and take what jobs write on standard error, to print it above them."""
        self._standard_error = os.dup(STANDARD_ERROR)
        reading, writing = os.pipe()
        os.dup2(writing, STANDARD_ERROR)
        os.close(writing)
        self._reader = threading.Thread(target=self._pass_on, args=[reading], daemon=True)
        self._reader.start()
        self._progress.start()

    def _pass_on(self, reading: int) -> None:
        with open(reading, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self._write(wrapped(line.rstrip("\n"), HANG, self._terminal))

    def _write(self, lines: Iterable[str]) -> None:
        if text := "\n".join(lines):
            self._console.print(Text.from_ansi(text))

    def _lines(self, record: logging.LogRecord) -> Iterator[str]:
        lines, kind = list(super()._lines(record)), kind_of(record)
        self._count(kind, vars(record))
        # Bars say when a job begins and ends.
        yield from [] if kind in ("job_info", "progress") else lines

    def _count(self, kind: str, said: dict[str, Any]) -> None:
        if kind == "run_info":
            self._totals.update(said.get("stats", {}))
            self._progress.update(self._all, total=self._totals["total"])
        elif kind == "job_info":
            self._begin(said["jobid"], said["rule_name"])
        elif kind == "job_finished":
            self._leave(said["job_id"], finished=1)
        elif kind == "job_error":
            self._leave(said["jobid"])
        elif kind == "group_error":
            for one in said["job_error_info"]:
                self._leave(one["jobid"])
        elif kind == "progress":
            self._progress.update(self._all, completed=said["done"], total=said["total"])

    def _begin(self, number: int, rule: str) -> None:
        if self._reader is None:
            self._start()
        self._rules[number] = rule
        self._running[rule] += 1
        self._draw(rule)

    def _leave(self, number: int, finished: int = 0) -> None:
        rule = self._rules.pop(number, None)
        if rule is not None:
            self._running[rule] -= 1
            self._finished[rule] += finished
            self._draw(rule)

    def _draw(self, rule: str) -> None:
        """Show the bar of a rule while it has jobs."""
        if not self._running[rule]:
            self._progress.remove_task(self._bars.pop(rule))
            return
        if rule not in self._bars:
            self._bars[rule] = self._progress.add_task(rule)
        finished = self._finished[rule]
        # There are more than was said at first, where jobs depend on what others find.
        total = max(self._totals[rule], finished + self._running[rule])
        self._progress.update(self._bars[rule], completed=finished, total=total)
