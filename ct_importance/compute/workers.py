"""Worker processes for the CPU work of a job."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing.connection import Connection
from typing import Any, TypeVar, cast

PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""
FORK = multiprocessing.get_context("fork")
"""A spawned process would run the script of the Snakemake rule once more."""
CRASHES = {-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT, -signal.SIGFPE, -signal.SIGILL}
"""How a process ends for which a file was too much; other signals come from outside."""

Item = TypeVar("Item")
Result = TypeVar("Result")
_BEGUN, _DONE = 1, 2
_task: tuple[Any, ...] = ()
"""Of a worker of `safe_map`: the function, the items, and how far each of them has come."""


class WorkerKilled(BrokenProcessPool):
    """A process was killed from outside while it worked on one item, which is the message."""


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of forked processes, which end with this one, however it ends."""
    return ProcessPoolExecutor(
        workers, mp_context=FORK, initializer=end_with, initargs=(os.getpid(),)
    )


def safe_map(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    crashed: Callable[[Item], Result],
    workers: int = 1,
    chunksize: int = 1,
) -> Iterator[Result]:
    """Map a function over items in processes that it may crash; results come in order.

    When a process ends, the items that were at work are tried once more, each in a process of its
    own, and the rest goes on.

    Args:
        function: Called in forked processes, which share what it refers to; only results travel.
        items: What there is to do.
        crashed: Returns the result of an item that crashes even the process it is alone in.
        workers: Processes.
        chunksize: Items that a process takes at once.

    Raises:
        WorkerKilled: If a process that is alone with an item is killed from outside.
        BrokenProcessPool: If one was killed that was at work on none.
        Exception: Whatever the function raises.

    Example:
        >>> list(safe_map(len, ["one", "three"], crashed=lambda text: -1, workers=2))
        [3, 5]
    """
    states = FORK.RawArray("B", len(items))
    alone: dict[int, Result] = {}
    done = 0
    while done < len(items):
        todo = [number for number in range(done, len(items)) if number not in alone]
        pool = ProcessPoolExecutor(
            min(workers, len(items)),
            mp_context=FORK,
            initializer=_begin,
            initargs=(os.getpid(), function, items, states),
        )
        # A generator, which gives up what has not begun when it is closed.
        found = cast("Generator[Result]", pool.map(_work, todo, chunksize=chunksize))
        with pool, closing(found) as results:
            try:
                while done < len(items):
                    yield alone.pop(done) if done in alone else next(results)
                    done += 1
                return
            except BrokenProcessPool:
                suspects = [number for number in todo if states[number] == _BEGUN]
                if not suspects:
                    raise
        for number in suspects:
            alone[number] = _try_alone(function, items[number], crashed)


def _begin(parent: int, *task: object) -> None:
    global _task
    end_with(parent)
    _task = task


def _work(number: int) -> Any:
    function, items, states = _task
    states[number] = _BEGUN
    result = function(items[number])
    states[number] = _DONE
    return result


def _try_alone(
    function: Callable[[Item], Result], item: Item, crashed: Callable[[Item], Result]
) -> Result:
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=_send, args=(sender, os.getpid(), function, item))
    process.start()
    sender.close()
    result: Result
    error: Exception | None
    try:
        result, error = receiver.recv()
    except EOFError:
        process.join()
        if process.exitcode in CRASHES:
            return crashed(item)
        raise WorkerKilled(str(item)) from None
    process.join()
    if error is not None:
        raise error
    return result


def _send(sender: Connection, parent: int, function: Callable[[Item], object], item: Item) -> None:
    end_with(parent)
    try:
        sender.send((function(item), None))
    except Exception as error:
        sender.send((None, error))


def end_with(process: int) -> None:
    """End this process when its parent ends, however that happens (on Linux).

    A job that outlives its workflow could overwrite the results of the next run.

    Args:
        process: Number of the process to end with: the parent of this one. If it is gone already,
            this one ends at once.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        os._exit(1)
