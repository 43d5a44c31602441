"""Sentences that say in words what ranks and agreement say in numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from ct_importance.cohort.options import PlantedOptions
from ct_importance.report.names import display_name, metric_name
from ct_importance.report.tables.formats import fixed
from ct_importance.statistics.verdicts import of_merit, sanity_of

VARIANT_WORDS = {"original": "original values", "absolute": "absolute values"}
MOST = 2
"""Estimators named at most, of those the metrics disagree on."""
MOST_NAMED = 4
"""Estimators named at most, of those that cannot be told apart from the first."""
MOST_PAIRS = 6
"""Pairs of metrics that have a sentence each, at most: those of four."""


def ordinal(rank: float, count: int) -> str:
    """Return a rank in words: 1st, 2nd, 2nd to 3rd (shared), ..., last.

    Args:
        rank: 1 is best; a half if two estimators share it.
        count: Number of estimators.
    """
    if rank == count > 1:
        return "last"
    if rank % 1:
        return f"{ordinal(rank // 1, count + 1)} to {ordinal(rank // 1 + 1, count + 1)}"
    number = int(rank)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def join(parts: Sequence[str]) -> str:
    """Return parts joined by commas and a last "and"."""
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def say_warnings(of_all: Sequence[str], of_metrics: Mapping[str, Sequence[str]]) -> list[str]:
    """Return every warning once: those of all metrics, then others with the metrics they are of.

    Args:
        of_all: Warnings that concern all metrics.
        of_metrics: Warnings of each metric's table, which may repeat these.
    """
    metrics_of: dict[str, list[str]] = {}
    for metric, warnings in of_metrics.items():
        for warning in warnings:
            if warning not in of_all:
                metrics_of.setdefault(warning, []).append(metric_name(metric))
    return [*of_all, *(f"{join(names)}: {warning}" for warning, names in metrics_of.items())]


def say_answer(ranks: pd.DataFrame, controls: Collection[str] = ()) -> str:
    """Return in one sentence who leads by each metric, who may lead as well, and who fails sanity.

    Args:
        ranks: Columns variant, metric, estimator, rank, rank_low and, where the run has a test of
            sanity, verdict. Of absolute values, or of what variant there is.
        controls: Estimators that know nothing of the classifier.

    Returns:
        The sentence, "" of one estimator.
    """
    variant = "absolute" if (ranks["variant"] == "absolute").any() else "original"
    of_variant = ranks[ranks["variant"] == variant]
    if of_variant["estimator"].nunique() < 2:
        return ""
    metrics_of: dict[str, list[str]] = {}
    for metric, of_metric in of_variant.groupby("metric", sort=False):
        if "verdict" not in of_metric or (of_metric["verdict"] == "").all():
            said = _say_leaders(of_metric, controls)
            metrics_of.setdefault(said, []).append(metric_name(str(metric)))
    parts = [f"{said} by {join(names)}" for said, names in metrics_of.items()]
    verdicts = sanity_of(ranks)
    failing = [name for (of, name), it in verdicts.items() if (of, it) == (variant, "fails")]
    if failing:
        parts.append(_say_failing(failing, controls))
    elif verdicts:
        parts.append("all pass the test of sanity")
    return f"By {VARIANT_WORDS[variant]}, {'; '.join(parts)}."


def _say_failing(failing: Collection[str], controls: Collection[str]) -> str:
    """Return who fails; of controls, which have to, no names."""
    named = sorted(display_name(name) for name in failing if name not in controls)
    if not named:
        return "no estimator but the controls fails the test of sanity"
    fails = "fails" if len(named) == 1 else "fail"
    as_they = "" if len(named) == len(failing) else ", as controls do"
    return f"{join(named)} {fails} the test of sanity{as_they}"


def _say_leaders(ranks: pd.DataFrame, controls: Collection[str]) -> str:
    """Return who is first, and who was not shown to be worse than anyone."""
    ordered = ranks.sort_values("rank", kind="stable")
    is_first = ordered["rank"] == ordered["rank"].min()
    first = list(ordered.loc[is_first, "estimator"])
    others = list(ordered.loc[~is_first & (ordered["rank_low"] == 1), "estimator"])
    leads = f"{join([_with_kind(name, controls) for name in first])} lead"
    leads += "s" if len(first) == 1 else " with equal values"
    if set(first) <= set(controls):
        # Who leads the estimators is asked for as well.
        best = ordered.loc[~ordered["estimator"].isin(controls), "estimator"][:1]
        leads += "".join(f" (of the estimators {display_name(name)})" for name in best)
    if not others:
        return leads
    if len(first) + len(others) == len(ordered):
        them = "it" if len(first) == 1 else "them"
        return f"{leads}, but no other can be told apart from {them}"
    named = [_with_kind(name, controls) for name in others[:MOST_NAMED]]
    if len(others) > MOST_NAMED:
        named.append(f"{len(others) - MOST_NAMED} more")
    return f"{leads}, but cannot be told apart from {join(named)}"


def _with_kind(name: str, controls: Collection[str]) -> str:
    return f"the control {display_name(name)}" if name in controls else display_name(name)


def say_disagreement(
    ranks: pd.DataFrame, variant: str, lower_is_better: Collection[str] = ()
) -> list[str]:
    """Return which estimator is first, and of which ones the metrics think most differently.

    What the tests do not bear out is said to be open.

    Args:
        ranks: Columns variant, metric, estimator, rank, rank_low, rank_high.
        variant: "original" or "absolute".
        lower_is_better: Metrics of which the best value is the lowest.
    """
    of_variant = of_merit(ranks[ranks["variant"] == variant])
    metrics = list(dict.fromkeys(of_variant["metric"]))
    wide, low, high = wide_ranks(of_variant, metrics)
    if len(wide) < 2 or len(metrics) < 2:
        return []
    words = ("best", "good") if {*lower_is_better} & {*metrics} else ("highest", "high")
    return [
        f"By {VARIANT_WORDS[variant]}, {sentence}"
        for sentence in (_say_firsts(wide, high, *words), *_say_spreads(wide, low, high))
    ]


def wide_ranks(ranks: pd.DataFrame, metrics: Collection[str]) -> list[pd.DataFrame]:
    """Return ranks and both ends of the places that tests leave: estimators by some metrics.

    Args:
        ranks: Of one variant: columns metric, estimator, rank, rank_low, rank_high.
        metrics: In the order wanted.
    """
    wanted = ranks[ranks["metric"].isin(metrics)]
    return [
        wanted.pivot(index="estimator", columns="metric", values=column)[[*metrics]]
        for column in ("rank", "rank_low", "rank_high")
    ]


def _say_firsts(wide: pd.DataFrame, high: pd.DataFrame, first: str, alike: str) -> str:
    """Return which estimators come first; that a value is the `first`, others not as `alike`."""
    firsts = {metric: wide.index[wide[metric] == wide[metric].min()] for metric in wide}
    always = set.intersection(*map(set, firsts.values()))
    if always:
        names = join(sorted(map(display_name, always)))
        found = f"the {first} value for every metric is that of {names}"
    else:
        metrics_of: dict[str, list[str]] = {}
        for metric, names in firsts.items():
            metrics_of.setdefault(join(list(map(display_name, names))), []).append(metric)
        parts = [
            f"that of {names} for {join(list(map(metric_name, m)))}"
            for names, m in metrics_of.items()
        ]
        found = f"the {first} value is {', '.join(parts)}"
    doubtful = [metric_name(metric) for metric in wide if high[metric].min() > 1]
    if not doubtful:
        return f"{found}; the tests show that no other is as {alike}."
    if len(doubtful) == len(wide.columns):
        return f"{found}; that no other is as {alike} could not be shown for any metric."
    return f"{found}; that no other is as {alike} could not be shown for {join(doubtful)}."


def _say_spreads(wide: pd.DataFrame, low: pd.DataFrame, high: pd.DataFrame) -> list[str]:
    sentences = []
    best, worst = wide.idxmin(axis=1), wide.idxmax(axis=1)
    spread = wide.max(axis=1) - wide.min(axis=1)
    for estimator in spread.sort_values(ascending=False, kind="stable").index[:MOST]:
        # One place up or down is little to speak of.
        if spread[estimator] < 2:
            break
        one, other = best[estimator], worst[estimator]
        is_shown = high.loc[estimator, one] < low.loc[estimator, other]
        places = [ordinal(wide.loc[estimator, metric], len(wide)) for metric in (one, other)]
        sentences.append(
            f"{display_name(estimator)} ranks {places[0]} for {metric_name(one)} but {places[1]} "
            f"for {metric_name(other)}, of {len(wide)} estimators; the tests "
            f"{'bear this out' if is_shown else 'do not exclude chance'}."
        )
    return sentences


def say_taus(taus: pd.DataFrame, variant: str) -> list[str]:
    """Return how far each pair of metrics agrees, as far as it is more than chance.

    Of more than `MOST_PAIRS`, how many agree, and those that agree most and least.

    Args:
        taus: Columns variant, first, second, tau, tau_low, tau_high.
        variant: "original" or "absolute".
    """
    known = (
        taus[taus["variant"] == variant]
        .dropna(subset="tau")
        .sort_values("tau", kind="stable", ascending=False)
    )
    if len(known) <= MOST_PAIRS:
        return [_say_pair(row, variant) for _, row in known.sort_index().iterrows()]
    low, high = known["tau_low"], known["tau_high"]
    alike, otherwise = int((low > 0).sum()), int((high < 0).sum())
    counts = (
        f"By {VARIANT_WORDS[variant]}, {alike} of {len(known)} pairs of metrics rank the "
        f"estimators more alike than by chance, {otherwise} the other way round; of "
        f"{len(known) - alike - otherwise} neither could be shown."
    )
    return [counts, *(_say_pair(known.iloc[place], variant) for place in (0, -1))]


def _say_pair(row: pd.Series, variant: str) -> str:
    both = f"{metric_name(row['first'])} and {metric_name(row.second)}"
    tau = _with_ends("Kendall's tau", row.tau, row.tau_low, row.tau_high)
    return f"By {VARIANT_WORDS[variant]}, {_alike(both, row.tau_low, row.tau_high)} ({tau})."


def _alike(metrics: str, low: float, high: float) -> str:
    if low >= 0.8:
        return f"{metrics} rank the estimators much alike"
    if low > 0:
        return f"{metrics} rank the estimators partly alike"
    if high < 0:
        return f"{metrics} rank the estimators partly the other way round"
    return f"whether {metrics} rank the estimators alike could not be shown"


def say_classifiers(ranks: pd.DataFrame, agreement: pd.DataFrame, variant: str) -> list[str]:
    """Return how far classifiers rank the estimators alike, and as the paper does, by each metric.

    Args:
        ranks: Columns classifier, variant, metric, estimator, rank, rank_high.
        agreement: Columns what, variant, metric, first, second, value, low, high, see
            `ct_importance.report.tables.classifiers.write_classifiers`.
        variant: "original" or "absolute".
    """
    sentences = []
    of_variant = agreement[agreement["variant"] == variant]
    for metric, of_metric in of_variant.groupby("metric", sort=False):
        kinds = dict(iter(of_metric.dropna(subset="value").groupby("what", sort=False)))
        said = []
        if "classifiers" in kinds:
            ranked = ranks[(ranks["variant"] == variant) & (ranks["metric"] == metric)]
            said += [_say_pairs(kinds["classifiers"], kinds.get("all")), _say_best(ranked)]
        if "paper" in kinds:
            taus = [f"{fixed(row.value, 2)} for {row.first}" for row in kinds["paper"].itertuples()]
            said.append(f"tau with the ranking of the paper is {join(taus)}")
        if said:
            by = f"By {metric_name(str(metric))} of {VARIANT_WORDS[variant]}"
            sentences.append(f"{by}, {'; '.join(said)}.")
    return sentences


def _say_pairs(pairs: pd.DataFrame, of_all: pd.DataFrame | None) -> str:
    names = dict.fromkeys([*pairs["first"], *pairs["second"]])
    who = f"all {len(names)} classifiers" if len(names) > 2 else join(list(names))
    # NaN, where one has no interval, is neither above nor below anything.
    low, high = pairs["low"].min(skipna=False), pairs["high"].max(skipna=False)
    ends = ["value", "low", "high"]
    measures = [_with_ends("Kendall's tau", *row) for row in pairs[ends].itertuples(index=False)]
    if of_all is not None:
        least, most = (fixed(end, 2) for end in (pairs["value"].min(), pairs["value"].max()))
        measures = [f"Kendall's tau {least} to {most}", _with_ends("W", *of_all.iloc[0][ends])]
    return f"{_alike(who, low, high)} ({'; '.join(measures)})"


def _with_ends(name: str, value: float, low: float, high: float) -> str:
    ends = f"interval {fixed(low, 2)} to {fixed(high, 2)}"
    return f"{name} {fixed(value, 2)}, {'no interval' if pd.isna(low) else ends}"


def _say_best(ranks: pd.DataFrame) -> str:
    """Return which estimator is first for which classifier, and where the tests leave it open."""
    best = ranks[ranks["rank"] == ranks.groupby("classifier")["rank"].transform("min")]
    everyone = list(dict.fromkeys(best["classifier"]))
    classifiers: dict[str, list[str]] = {}
    for classifier, names in best.groupby("classifier", sort=False)["estimator"]:
        first = join(sorted(map(display_name, names))) + (" (equal)" if len(names) > 1 else "")
        classifiers.setdefault(first, []).append(str(classifier))
    parts = [f"{first} for {join(names)}" for first, names in classifiers.items()]
    if len(parts) == 1:
        parts = [f"{next(iter(classifiers))} for {'both' if len(everyone) == 2 else 'all'}"]
    doubtful = list(dict.fromkeys(best.loc[best["rank_high"] > 1, "classifier"]))
    which = f", which the tests leave open for {join(doubtful)}" if doubtful else ""
    if doubtful == everyone:
        which = ", which the tests leave open"
    return f"first is {join(parts)}{which}"


def say_flips(flips: pd.DataFrame, planted: Mapping[str, PlantedOptions]) -> list[str]:
    """Return whether each classifier uses the sign that was put on its slices.

    Args:
        flips: See `ct_importance.statistics.planted.flips.flips_of`, with the classifier.
        planted: What is put on slices, by classifier.
    """
    removed = flips[flips["what"] == "removed"].set_index("classifier")
    return [
        f"{name} ({one.sign} on {100 * one.dose:g} % of the training patients of {one.in_class}): "
        f"without the sign, the answer changes on {removed['flipped'][name]} of "
        f"{removed['slices'][name]} test slices that have it."
        for name, one in planted.items()
        if name in removed.index
    ]
