"""The study: what each job is asked to do, and by which code. The one object that knows a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from ct_importance.metrics.filling import Filling
from ct_importance.plugins import modules, name_of
from ct_importance.workflow.code import code_digest
from ct_importance.workflow.config import canonical_json
from ct_importance.workflow.jobs import classifier, cohort, metrics, report, saliency, statistics
from ct_importance.workflow.layout.grid import Wildcards
from ct_importance.workflow.layout.report import ReportFiles

OF_ALL_METRICS = {
    *("rank_estimators", "compare_classifiers", "measure_truth"),
    *("write_agreement", "write_stability", "write_summary"),
}
"""Rules whose scripts load every metric."""
OF_A_SOURCE = {
    *("train_classifier", "import_classifier", "randomise_classifier"),
    "predict_slices",
}
"""Rules whose scripts load the source of a classifier, and nothing else by name."""
JOBS = (cohort, classifier, saliency, metrics, statistics, report)


class Study(ReportFiles):
    """A run, made of its validated configuration; tested without Snakemake.

    Which files there are, the modules of ``workflow/layout`` say, one per stage; what a job is
    asked to do, those of ``workflow/jobs``.
    """

    def job(self, rule: str) -> Callable[[Wildcards], str]:
        """Return a function from wildcards to what a rule's script is asked to do, as JSON.

        A function, since Snakemake leaves what it returns as it is: braces in the paths of users
        stay what they are.
        """
        (build,) = (getattr(stage, rule) for stage in JOBS if hasattr(stage, rule))
        return lambda wildcards: canonical_json(build(self, wildcards))

    def code(self, rule: str) -> Callable[[Wildcards], str]:
        """Return a function from wildcards to a digest of the code a rule's script runs."""
        return lambda wildcards: code_digest(f"scripts/{rule}.py", *self._loaded(rule, wildcards))

    def _loaded(self, rule: str, wildcards: Wildcards) -> list[str]:
        """Return the modules that a script loads by name."""
        if rule == "combine_shared":
            return self._estimator(wildcards)
        if rule == "compute_importance":
            looks = self.estimators[wildcards.estimator].looks
            return [*self._estimator(wildcards), *([self._source(wildcards)] if looks else [])]
        if rule == "share_passes":
            return [self._module("shared", self.shared[wildcards.shared]), self._source(wildcards)]
        if rule in OF_A_SOURCE:
            return [self._source(wildcards)]
        if rule == "evaluate_importance" and self.needs(wildcards.metric, "classifier"):
            return [*self._metric(wildcards.metric), self._source(wildcards)]
        if rule in ("plot_figure", "plot_classifiers"):
            # What it shows of estimators and metrics is in tables that their code has made.
            return [self._module("figure", self.figure_of(wildcards))]
        if rule in OF_ALL_METRICS:
            names = self.metrics
        elif rule == "write_table":
            names = [self.tables[wildcards.table]]
        else:
            names = [wildcards.metric] if hasattr(wildcards, "metric") else []
        return list(chain.from_iterable(map(self._metric, names)))

    def _metric(self, name: str) -> list[str]:
        """Return the modules of a metric, and of its fill."""
        metric = self.config.metrics[name]
        fills = [value for _, value in metric if isinstance(value, Filling)]
        return [self._module("metric", metric), *(self._module("fill", fill) for fill in fills)]

    def _estimator(self, wildcards: Wildcards) -> list[str]:
        """Return the modules of an estimator, and of those that its maps are made of."""
        whole = [self.estimators[wildcards.estimator]]
        while built_on := whole[-1].built_on:
            whole.append(built_on)
        return [self._module("estimator", it) for it in whole]

    def _source(self, wildcards: Wildcards) -> str:
        return self._module("source", self.classifiers[wildcards.classifier])

    def _module(self, kind: Any, chosen: object) -> str:
        return modules(kind)[name_of(type(chosen))]


def growing(amount: int) -> Callable[[Wildcards, int], int]:
    """Return a resource of which a job that is tried again gets twice as much, then three times."""

    def for_attempt(wildcards: Wildcards, attempt: int) -> int:
        return amount * attempt

    return for_attempt


def one_of(names: Iterable[str]) -> str:
    """Return a pattern that matches these names and nothing else, even if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"
