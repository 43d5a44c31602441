"""Write docs/estimators.md and docs/metrics.md from the classes: `make schema`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from ct_importance.metrics.filling import Filling, as_entry
from ct_importance.metrics.metric import Metric
from ct_importance.options import Options
from ct_importance.plugins import KindName, load, modules, names
from ct_importance.saliency.estimator import Cost, Estimator

FAMILIES = {
    "gradient": "Gradients",
    "path": "Gradients along a path",
    "backward": "Other rules for the way back",
    "cam": "Maps of a layer",
    "attention": "Attention",
    "perturbation": "Hiding parts of the slice",
    "control": "Controls",
    "other": "From elsewhere",
}
"""Titles of the folders of estimators, in the order of the page."""
ESTIMATORS = """# Which estimators are there, and what do they compute?

Each is named in `estimators:` of config.yaml by its method, with its options. S is the score of the
explained class before sigmoid or softmax, x the slice. This page is made from the classes.

All of them have three options more. `target` says whose score is explained: the class that is
`predicted`, the `true` one, the `last`, or the name of one. `smooth: {samples: 15, noise: 0.15,
power: 1}` takes the mean of the maps of noisy copies (of their squares with `power: 2`), and as
many times the passes. `blur: 2` blurs the map with a Gaussian of 2 pixels.

Where "Complete" stands, the definition says what the pixels of a map sum up to. A run measures how
far they are from it (`tables/cost`): sums over few steps or samples are far, and say less of the
score than they seem to. Maps that are smoothed or blurred promise nothing.

Passes are those of one slice with the default options. What takes none backwards and needs no
layers can be asked of any network, also of one that is a graph of ONNX. `make cost
OVERLAYS=my_overlay.yaml` prints the passes of a configuration before it runs, those of its metrics
and, once the run has predictions, about how long they take.
"""
METRICS = """# Which metrics are there, and what do they compute?

Each is named in `metrics:` of config.yaml by its method, with its options. E is the importance map,
of a slice of N pixels, M the mask. This page is made from the classes.

Every metric judges each map as it is and as absolute values. Its table shows the value of each
estimator with its interval and the comparisons that [statistics.md](statistics.md) explains.
Several entries of one metric can stand side by side, each with a name of its own and `method`.

`slices` says of which slices an entry is, as far as its metric can be: `test`, `all`, `annotated`
(with a mask), `annotated_test` (those of test patients) or `planted` (with a [sign](planted.md),
which then is the mask). Slices below is the default.

Chance is the value of a random map. Compare with the controls, too: what does not beat the edges
of the slice or the mean mask explains nothing.
"""
FILLS = """## What takes the place of masked pixels?

Each is named in the key `fill` of a metric, alone (`fill: blur`) or with its options (`fill:
{method: blur, sigma: 0.1}`). Ranks that survive another fill say more than the others:
`fidelity_road: {method: fidelity, fill: noisy_linear}` stands beside `fidelity`, and
`tables/agreement` compares the two rankings.
"""
CATEGORIES = {
    "faithfulness": "Does the map tell what the classifier looks at?",
    "localisation": "Does it agree with the masks of experts?",
    "robustness": "Does it stay as it is where the slice hardly changes?",
    "complexity": "Is it easy to read?",
    "sanity": "Does it change where the classifier does?",
}
"""Titles of the folders of metrics, in the order of the page."""


def estimators() -> str:
    """Return the page of the estimators."""
    return page("estimator", ESTIMATORS, FAMILIES)


def metrics() -> str:
    """Return the page of the metrics."""
    fills = ("\n".join(section("fill", name)) for name in names("fill"))
    return "\n".join([page("metric", METRICS, CATEGORIES), FILLS, *fills])


PAGES = {"estimators.md": estimators, "metrics.md": metrics}


def page(kind: KindName, head: str, folders: Mapping[str, str]) -> str:
    """Return a head, and the sections of the classes of a kind folder by folder."""
    by_folder: dict[str, list[str]] = {}
    for name, module in modules(kind).items():
        by_folder.setdefault(module.split(".")[-2], []).append(name)
    parts = [head]
    for folder in [*folders, *sorted(by_folder.keys() - folders.keys())]:
        if folder in by_folder:
            parts.append(f"## {folders.get(folder, folder.capitalize())}\n")
            parts += ["\n".join(section(kind, name)) for name in by_folder[folder]]
    return "\n".join(parts)


def section(kind: KindName, name: str) -> list[str]:
    """Return the lines on a class: what it says of itself, and its options."""
    cls = load(kind, name)
    base, facts_of = KINDS[kind]
    facts = [f"Method: `{name}`", *facts_of(cls), *options(cls, base)]
    if kind != "fill":
        facts.append(f"Source: {cls.reference}")
    return [*described(cls), *(f"- {fact}" for fact in facts), ""]


def described(cls: Any) -> list[str]:
    """Return the title of a class and what it says of itself."""
    lines = [f"### {cls.title.capitalize() if issubclass(cls, Filling) else cls.title}"]
    for paragraph in inspect.cleandoc(cls.__doc__ or "").split("\n\n"):
        lines += ["", joined(paragraph)]
    return [*lines, ""]


def of_estimator(estimator: type[Estimator]) -> list[str]:
    """Return what there is to say of an estimator beside its options."""
    promise = f"Complete: the map sums up to {joined(estimator.complete)}"
    facts = [passes(estimator), *([promise] if estimator.complete else [])]
    facts += needs(estimator.needs)
    return [*facts, f"Target: {estimator.model_fields['target'].default}"]


def of_metric(metric: type[Metric]) -> list[str]:
    """Return what there is to say of a metric beside its options."""
    direction = "higher" if metric.higher_is_better else "lower"
    chance = metric.chance_of_slice or (
        "not known" if metric.chance is None else f"{metric.chance:g}"
    )
    own, with_map = (metric().cost(of_map).forward for of_map in (Cost(), Cost(forward=1)))
    work = [f"{own} forward passes for a map and its absolute values"] if own else []
    work += [f"{with_map - own} more maps of a slice"] if with_map > own else []
    slices = metric.model_fields["slices"].default.replace("_", " ")
    return [
        f"Value: {joined(metric.unit)}; {direction} is better",
        f"Chance: {joined(chance)}",
        f"Cost: {' and '.join(work) or 'no passes'}",
        f"Slices: {slices}",
        *needs(metric.needs),
    ]


KINDS: dict[KindName, tuple[type[Options], Callable[[Any], list[str]]]] = {
    "estimator": (Estimator, of_estimator),
    "metric": (Metric, of_metric),
    "fill": (Filling, lambda _: []),
}
"""Their base, and what there is to say of one beside its options."""


def needs(found: frozenset[str]) -> list[str]:
    """Return what a class needs, if it needs something."""
    return [f"Needs: {', '.join(sorted(found)).replace('_', ' ')}"] if found else []


def options(cls: type[Options], base: type[Options]) -> Iterator[str]:
    """Yield the options of a class that not all of its kind have."""
    for key, field in cls.model_fields.items():
        if key not in base.model_fields:
            is_required = field.default is PydanticUndefined and field.default_factory is None
            default = (
                "to be given"
                if is_required
                else as_yaml(field.get_default(call_default_factory=True))
            )
            yield f"Option `{key}` ({default}): {joined(field.description or '')}"


def passes(estimator: type[Estimator]) -> str:
    """Return what a map costs."""
    if any(field.is_required() for field in estimator.model_fields.values()):
        return "Passes: by its options"
    forward, backward = estimator().passes
    return f"Passes: {forward} forwards, {backward} backwards"


def as_yaml(value: object) -> str:
    """Return a default as it stands in config.yaml."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]  # type: ignore[index]
    if isinstance(value, tuple):
        cells = [as_yaml(it) for it in value]
        shown = cells if len(cells) < 12 else [*cells[:3], "...", *cells[-2:]]
        return f"[{', '.join(shown)}]"
    if isinstance(value, Filling):
        value = as_entry(value)
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {as_yaml(it)}' for key, it in value.items())}}}"
    return str(value)


def joined(paragraph: str) -> str:
    """Return a paragraph of a docstring on one line, as Markdown."""
    line = re.sub(r"\s+", " ", paragraph).strip().replace("``", "`")
    # Outside of code a star or an underscore would be markup; not all readers know an escaped <.
    parts = re.split(r"(`[^`]*`)", line)
    return "".join(
        it if it.startswith("`") else re.sub(r"[*_|]", r"\\\g<0>", it).replace("<", "&lt;")
        for it in parts
    )


if __name__ == "__main__":
    for file, text in PAGES.items():
        Path(__file__).with_name(file).write_text(text(), encoding="utf-8")
