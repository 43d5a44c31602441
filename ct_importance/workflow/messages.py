"""Says what is wrong in config.yaml in the words of the file, not in those of pydantic."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from ct_importance.options import Options

# What was expected where pydantic complains, by the type of its complaint.
_EXPECTED = {
    "missing": "given",
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "string_too_long": "text of at most {max_length} characters",
    "string_pattern_mismatch": "text that matches {pattern}",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "literal_error": "{expected}",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "below {lt:g}",
    "less_than_equal": "at most {le:g}",
    "list_type": "a list",
    "tuple_type": "a list",
    "too_short": "a list of at least {min_length} values",
    "too_long": "a list of at most {max_length} values",
    "dict_type": "a mapping, like {{key: value}}",
    "model_type": "a mapping, like {{key: value}}",
}
_PATTERNS = {
    r"^[A-Za-z0-9][A-Za-z0-9_-]*$": "letters, digits, - and _, the first a letter or a digit"
}
MANY = 8
"""Of more values than these, the nearest is named, not all."""


def explain(
    model: type[Options], details: Sequence[Mapping[str, Any]], content: Any, where: str
) -> list[str]:
    """Return a line per mistake, in terms of the file, out of what pydantic says.

    Args:
        model: What the file was validated against.
        details: The mistakes, as pydantic lists them.
        content: What was validated.
        where: Keys that lead to the content, joined by dots; "" for the whole file.
    """
    sentences: dict[tuple[str, ...], list[str]] = {}
    wanted: dict[tuple[str, ...], dict[str, str]] = {}
    given: dict[tuple[str, ...], Any] = {}
    for detail in details:
        path, kind = _path_in_file(detail, content), detail["type"]
        found = sentences.setdefault(path, [])
        if (
            kind in _EXPECTED
            and detail["loc"][-1:] != ("[key]",)
            and not (kind == "literal_error" and len(_allowed(detail)) > MANY)
        ):
            # Where several kinds of value are allowed, pydantic complains once for each.
            wanted.setdefault(path, {})[kind] = _expectation(detail)
            given[path] = detail["input"]
        else:
            found.append(_sentence(model, detail, path))
    for path, kinds in wanted.items():
        # If an entry of a list is wrong, the list itself is of the right kind.
        if any(len(other) > len(path) and other[: len(path)] == path for other in sentences):
            kinds = {kind: text for kind, text in kinds.items() if not kind.endswith("_type")}
        if kinds:
            text = f"must be {' or '.join(dict.fromkeys(kinds.values()))}"
            sentences[path].append(text + _given(given[path], kinds))
    return [_line(where, path, text) for path, found in sentences.items() for text in found]


def _path_in_file(detail: Mapping[str, Any], content: Any) -> tuple[str, ...]:
    """Return the keys that lead to a mistake; pydantic's path also names kinds that it tried."""
    path = []
    for part in detail["loc"]:
        if isinstance(content, Mapping) and part in content:
            content = content[part]
            path.append(str(part))
        elif isinstance(content, list | tuple) and part in range(len(content)):
            content = content[part]
            path.append(f"entry {part + 1}")
        elif isinstance(content, Mapping) and detail["type"] == "missing":
            path.append(str(part))
    return tuple(path)


def _expectation(detail: Mapping[str, Any]) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "missing" and isinstance(detail["input"], list | tuple):
        return f"a list of {detail['loc'][-1] + 1} values"
    if context.get("pattern") in _PATTERNS:
        return _PATTERNS[context["pattern"]]
    return _EXPECTED[detail["type"]].format(**context)


def _sentence(model: type[Options], detail: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """Return what is wrong where it is more than a value of the wrong kind."""
    if detail["type"] == "extra_forbidden":
        return not_known(path[-1], _fields_at(model, path[:-1]))
    if detail["type"] == "literal_error":
        given, allowed = str(detail["input"]), _allowed(detail)
        near = [name for name in allowed if given.casefold() in name.casefold()]
        return not_known(given, near or allowed)
    if detail["loc"][-1:] == ("[key]",):
        names = _allowed(detail)
        if names:
            return not_known(path[-1], names)
        return "this name must be text: put it in quotes"
    text: str = detail["msg"].removeprefix("Value error, ").replace("Input should", "must")
    return text if isinstance(detail["input"], Mapping) else text + _given(detail["input"], {})


def _allowed(detail: Mapping[str, Any]) -> list[str]:
    """Return the texts that a value must be one of."""
    return re.findall("'([^']*)'", detail.get("ctx", {}).get("expected", ""))


def _given(value: Any, kinds: Mapping[str, str]) -> str:
    """Return what a value is, as it would stand in the file."""
    if kinds.keys() == {"missing"} and not isinstance(value, list | tuple):
        return ""
    text = repr(value) if isinstance(value, str | float) else json.dumps(value, default=str)
    if len(text) > 80:
        text = f"{text[:77]}..."
    unquoted = kinds.keys() == {"string_type"} and isinstance(value, int | float)
    return f" (it is {text}; put it in quotes)" if unquoted else f" (it is {text})"


def _line(where: str, path: tuple[str, ...], text: str) -> str:
    keys = [part for part in [where, *path] if part and not part.startswith("entry ")]
    entries = [part for part in path if part.startswith("entry ")]
    return ": ".join([".".join(keys), *entries, text])


def _fields_at(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """Return the keys there are below a path."""
    parts = iter(path)
    for part in parts:
        annotation = model.model_fields[part].annotation
        model = next(_models_in(annotation))
        if {dict, list, tuple} & {get_origin(kind) for kind in (annotation, *get_args(annotation))}:
            next(parts)  # a name of the mapping, or an entry of the list
    return list(model.model_json_schema()["properties"])


def _models_in(annotation: Any) -> Iterator[type[Options]]:
    if isinstance(annotation, type) and issubclass(annotation, Options):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def not_known(name: Any, known: Any) -> str:
    """Return that a name is not known, and which one was perhaps meant."""
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"
    return f"{name!r} is not known; {hint}"
