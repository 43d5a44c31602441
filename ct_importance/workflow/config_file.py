"""Checks the text of configuration files before anything loads them.

A loader of YAML takes the last of two equal keys without a word, and a few lines of aliases or
brackets can keep it busy for ever. Snakemake loads the files of ``--configfile`` before it reads
the Snakefile, so the profiles call `check_command_line`; the Snakefile checks them once more, for
those who use a profile of their own.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath

MOST_BYTES = 500_000
MOST_VALUES = 100_000
"""Keys and values, those that aliases repeat included."""
DEEPEST = 50
"""Levels; the project's own keys have six."""
LONGEST = 4000
"""Characters of a key or value."""
# The one in C is ten times faster; it is there unless PyYAML was built without its library.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class _Node:
    """A mapping or list that is being read."""

    anchor: str | None
    is_mapping: bool
    size: int = 1
    keys: set[str] = field(default_factory=set)
    key: str | None = None
    """The key whose value comes next; None where a key comes next."""


def check_command_line(arguments: Iterable[str] | None = None) -> None:
    """End the process with one message if a file named on Snakemake's command line is not sound.

    Args:
        arguments: Those of the command; None for the process's own.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False, exit_on_error=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="extend", default=[])
    try:
        given, _ = parser.parse_known_args(sys.argv[1:] if arguments is None else [*arguments])
        check_config_files(given.configfile)
    except argparse.ArgumentError:
        return  # Snakemake says what is wrong with its options
    except InputError as error:
        raise SystemExit(str(error)) from None


def check_config_files(paths: Iterable[StrPath]) -> None:
    """Check that configuration files can be loaded, and hold no key twice.

    What is no regular file is passed over: Snakemake says that it is missing, and a pipe can be
    read only once.

    Raises:
        InputError: With the file, the line where there is one, and what to do.
    """
    for path in paths:
        if Path(path).is_file():
            _check_text(path, _read(path))


def _read(path: StrPath) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise InputError(
            f"config: {path} cannot be read ({error.strerror}); change its permissions"
        ) from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"config: {path}, line {line}: not UTF-8: save it as UTF-8") from None
    if len(content) > MOST_BYTES:
        raise InputError(
            f"config: {path} has more than {MOST_BYTES} bytes: is it the configuration?"
        )
    return text


def _line(mark: Any) -> str:
    return f", line {mark.line + 1}" if mark else ""


def _check_text(path: StrPath, text: str) -> None:
    reader = _Reader()
    try:
        for event in yaml.parse(text, Loader=LOADER):
            problem = reader.take(event)
            if problem:
                raise InputError(f"config: {path}{_line(event.start_mark)}: {problem}")
        content = yaml.load(text, Loader=LOADER)
    except InputError:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InputError(
            f"config: {path}{_line(mark)}: not as YAML should be: "
            f"{error.problem}; check indentation (spaces, no tabs), colons, quotes and brackets"
        ) from None
    except Exception as error:  # values such as dates: each kind has errors of its own
        reason = " ".join(str(error).split())
        raise InputError(f"config: {path}: not as YAML should be: {reason}") from None
    if not isinstance(content, dict):
        raise InputError(f"config: {path} is not a mapping: write lines such as `run: mine`")


class _Reader:
    """Follows the events of a YAML text, and finds what would be endless or lose a key."""

    def __init__(self) -> None:
        self._open = [_Node(None, False)]
        self._sizes: dict[str, int] = {}

    def take(self, event: yaml.Event) -> str | None:
        """Return what is wrong with the next event, if anything."""
        if isinstance(event, yaml.CollectionStartEvent):
            return self._start(event)
        if isinstance(event, yaml.CollectionEndEvent):
            node = self._open.pop()
            return self._add(node.anchor, node.size, "")
        if isinstance(event, yaml.ScalarEvent):
            if len(event.value) > LONGEST:
                return f"a value of {len(event.value)} characters: {LONGEST} are allowed"
            return self._add(event.anchor, 1, event.value)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._sizes:
                return f"*{event.anchor} stands for nothing that ends before it"
            return self._add(None, self._sizes[event.anchor], f"*{event.anchor}")
        return None

    def _start(self, event: yaml.CollectionStartEvent) -> str | None:
        parent = self._open[-1]
        if parent.is_mapping and parent.key is None:
            return "a key must be text; in front of `:` there is a list or a mapping"
        self._open.append(_Node(event.anchor, isinstance(event, yaml.MappingStartEvent)))
        if len(self._open) > DEEPEST:
            return f"more than {DEEPEST} levels: are brackets or indentation right?"
        return None

    def _add(self, anchor: str | None, size: int, value: str) -> str | None:
        """Add a key or value, complete now, to what it stands in."""
        if anchor:
            self._sizes[anchor] = size
        parent = self._open[-1]
        parent.size += size
        if parent.size > MOST_VALUES:
            return f"more than {MOST_VALUES} values: do aliases (*name) repeat each other?"
        if parent.is_mapping and parent.key is None:
            if value in parent.keys:
                shown = value if len(value) <= 100 else f"{value[:97]}..."
                return f"the key {shown} comes twice: the first would be lost, so remove one"
            parent.keys.add(value)
            parent.key = value
        else:
            parent.key = None
        return None
