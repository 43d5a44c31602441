"""Calls what reads hostile files in a process of its own, with little memory and little time."""

import multiprocessing
import resource
from collections.abc import Callable
from pathlib import Path

SECONDS = 20


def bounded(function: Callable[[], object], memory: int = 1 << 30) -> object:
    """Return what a function returns within some seconds; its exception in place of a result.

    Args:
        function: Called in another process.
        memory: Bytes that the process, and each that it starts, may take beyond what this one has.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, function, memory))
    process.start()
    sender.close()
    try:
        assert receiver.poll(SECONDS), f"not done in {SECONDS} s"
        return receiver.recv()
    except EOFError:
        raise AssertionError("the process crashed") from None
    finally:
        process.kill()
        process.join()


def _send(sender: object, function: Callable[[], object], memory: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + memory,) * 2)
    try:
        sender.send(function())
    except Exception as error:
        sender.send(error)
