"""Which estimators differ: paired comparisons by patient, corrected for their number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from ct_importance.compute.randomness import generator_for
from ct_importance.metrics.averaging import PatientSums, values_of_trainings
from ct_importance.metrics.metric import Metric

ROUNDING = 1e-9
"""Values that differ by less are equal."""


def sign_flips(patients: int, permutations: int, seed: int) -> tuple[np.ndarray, bool]:
    """Return which patients' results change places, in each permutation.

    Args:
        patients: P.
        permutations: R, how many at most.
        seed: Seed of the run.

    Returns:
        (R, P) of 0 and 1, and whether these stand for all 2 ** P there are: they are those without
        the last patient, since where all others change places, differences have the other sign.
    """
    if 2**patients <= permutations:
        numbers = np.arange(2 ** (patients - 1))[:, None]
        return (numbers >> np.arange(patients) & 1).astype(float), True
    generator = generator_for(seed, "sign flips")
    return generator.integers(0, 2, (permutations, patients)).astype(float), False


def permutation_p_value(
    metric: Metric,
    first: Sequence[PatientSums],
    second: Sequence[PatientSums],
    flips: tuple[np.ndarray, bool],
) -> float:
    """Return the two-sided p-value of a paired permutation test of the table's value.

    Were there no difference, each patient's results could as well be the other's: the value's
    difference is compared with those where the results of some patients change places, in all
    trainings of the classifier alike. If the results of a patient are exchangeable in this sense,
    the test is exact for any number of patients; with P of them no p-value is below 2 ** (1 - P).
    A value that is undefined (NaN) differs from none.

    Of several trainings, the difference must also be more than that between trainings, see
    `_with_trainings`; one that is not of one sign in all of them is not shown: its p-value is 1.

    Args:
        metric: A metric.
        first: Sums of one estimator and variant, by training.
        second: Those of another, of the same slices and trainings.
        flips: See `sign_flips`.
    """
    pairs = [_side_by_side(*pair) for pair in zip(first, second, strict=True)]

    def differences(changed: np.ndarray) -> np.ndarray:
        one, other = (
            values_of_trainings(metric, pairs, np.hstack(weights))
            for weights in ((1 - changed, changed), (changed, 1 - changed))
        )
        found: np.ndarray = one - other
        return found

    changed, are_all = flips
    permuted = np.abs(differences(changed).mean(axis=0))

    def p_value(distance: float) -> float:
        # Sums in another order differ in their last bits. What is undefined (NaN) shows nothing.
        extreme = (~(permuted < distance - ROUNDING)).sum()
        if are_all:
            return float(extreme / len(permuted))
        return float((extreme + 1) / (len(permuted) + 1))

    observed = differences(np.zeros((1, changed.shape[1])))[:, 0]
    if len(observed) == 1:
        return p_value(abs(observed[0]))
    if observed.min() < -ROUNDING and observed.max() > ROUNDING:
        return 1.0
    return _with_trainings(observed, p_value)


def _with_trainings(observed: np.ndarray, p_value: Callable[[float], float]) -> float:
    """Return the p-value of a mean difference, for other patients and other trainings.

    It is that of the interval of `ct_importance.statistics.intervals.crossed_interval` with the
    permutation test in place of the resamples: at the error rate a, the difference must be as
    large as sqrt(c^2 + k^2), where c is what the test by patient asks for and k what the paired
    t test of the S trainings does. The p-value is the lowest error rate at which it is. So it is
    above those of both tests; where trainings do not differ, it is that of the test by patient.

    Args:
        observed: (S,) by training.
        p_value: Of a distance, by patient.
    """
    from scipy.special import stdtrit

    trainings = len(observed)
    distance = abs(observed.mean())
    error = observed.std(ddof=1) / np.sqrt(trainings)
    low, high = 0.0, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        left = distance**2 - (stdtrit(trainings - 1, 1 - rate / 2) * error) ** 2
        if left > 0 and p_value(np.sqrt(left)) <= rate:
            high = rate
        else:
            low = rate
    return high


def _side_by_side(first: PatientSums, second: PatientSums) -> PatientSums:
    """Return the patients of both, those of the second after those of the first."""
    return PatientSums(
        patients=first.patients + second.patients,
        classes=first.classes,
        counts=np.hstack([first.counts, second.counts]),
        positions=first.positions,
        sums={
            name: np.concatenate([first.sums[name], second.sums[name]], axis=1)
            for name in first.sums
        },
    )


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Return p-values adjusted for their number (Holm 1979): the family-wise error rate is kept.

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    found = np.asarray(p_values, float)
    order = np.argsort(found, kind="stable")
    factors = len(found) - np.arange(len(found))
    adjusted = np.empty(len(found))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * found[order]))
    return adjusted


def smallest_holm(patients: int, names: int, permutations: int) -> float:
    """Return the smallest adjusted p-value that a comparison of each name with each can have.

    Above the error rate no test is possible: the estimators could be as different as can be.

    Args:
        patients: P.
        names: How many are compared.
        permutations: At most, see `sign_flips`.

    Example:
        >>> smallest_holm(patients=8, names=5, permutations=10_000)
        0.078125
    """
    takes_all = 2**patients <= permutations
    smallest = 2 / 2**patients if takes_all else 1 / (permutations + 1)
    return min(1.0, smallest * (names * (names - 1) // 2))


def differing_pairs(
    comparisons: pd.DataFrame, variant: str, error_rate: float
) -> set[frozenset[str]]:
    """Return the pairs of estimators that differ in a variant, at a family-wise error rate.

    Args:
        comparisons: See `ct_importance.statistics.estimates.Estimates`.
        variant: "original" or "absolute".
        error_rate: E.g. 0.05.
    """
    found = comparisons[
        (comparisons["first_variant"] == variant)
        & (comparisons["second_variant"] == variant)
        & (comparisons["p_holm"] <= error_rate)
    ]
    return {frozenset(pair) for pair in zip(found["first"], found["second"], strict=True)}


def letter_groups(names: Sequence[str], differing: set[frozenset[str]]) -> list[list[str]]:
    """Return the groups of names that do not differ, each as large as can be (Piepho 2004).

    Args:
        names: In the order wanted.
        differing: Pairs that differ.

    Returns:
        Groups in the order of their first members; every name is in one, and two names are in a
        group together if and only if they do not differ.
    """
    groups = [frozenset(names)]
    for pair in combinations(names, 2):
        if frozenset(pair) not in differing:
            continue
        split = [
            part
            for group in groups
            for part in ([group - {name} for name in pair] if group.issuperset(pair) else [group])
        ]
        split = list(dict.fromkeys(split))
        groups = [group for group in split if not any(group < other for other in split)]
    ordered = [sorted(group, key=list(names).index) for group in groups]
    return sorted(ordered, key=lambda group: [list(names).index(name) for name in group])


def letters(names: Sequence[str], differing: set[frozenset[str]]) -> dict[str, str]:
    """Return the compact letter display: names that share a letter do not differ.

    Args:
        names: Best first; the first has the letter a.
        differing: Pairs that differ.

    Example:
        >>> differing = {frozenset(("best", "worst"))}
        >>> letters(["best", "middle", "worst"], differing)
        {'best': 'a', 'middle': 'ab', 'worst': 'b'}
    """
    found = dict.fromkeys(names, "")
    for number, group in enumerate(letter_groups(names, differing)):
        for name in group:
            found[name] += _letter(number)
    return found


def _letter(number: int) -> str:
    """Return a, ..., z, then a1, b1, ...: of many estimators there can be many groups."""
    rounds, place = divmod(number, 26)
    return chr(ord("a") + place) + (str(rounds) if rounds else "")
