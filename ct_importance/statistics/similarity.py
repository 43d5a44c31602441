"""How alike are the importance maps of several trainings of one classifier?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ct_importance.compute.progress import progress
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import count_slices, read_together
from ct_importance.io.table_file import read_table, write_frame
from ct_importance.metrics.similarity import standardised_ranks
from ct_importance.statistics.intervals import interval, resample_patients
from ct_importance.statistics.jobs import SimilarityJob


def write_similarity(
    job: SimilarityJob, slices: StrPath, maps: Sequence[StrPath], similarity: StrPath
) -> None:
    """Write how alike the maps of one estimator are in each pair of trainings.

    Args:
        job: Of which estimator.
        slices: The list of slices.
        maps: The estimator's tables, one per training.
        similarity: The table to write, see `similarity_of_maps`.
    """
    listed = read_table(slices, ["slice_id", "patient_id"]).to_pydict()
    patients = dict(zip(listed["slice_id"], listed["patient_id"], strict=True))
    together = progress(
        read_together(maps),
        f"maps of {job.estimator} compared: slices",
        count_slices(slices, job.subsets),
    )
    found = similarity_of_maps(
        ((patients[slice_id], [row["importance"] for row in rows]) for slice_id, rows in together),
        resamples=job.statistics.resamples,
        confidence=job.statistics.confidence,
        seed=job.seed,
    )
    found.insert(0, "estimator", job.estimator)
    write_frame(similarity, found)


def similarity_of_maps(
    slices: Iterator[tuple[str, list[np.ndarray]]], resamples: int, confidence: float, seed: int
) -> pd.DataFrame:
    """Return Spearman's correlation of the maps of two trainings, a mean over slices.

    Args:
        slices: Patient of each slice, and its S maps (H, W).
        resamples: Bootstrap resamples of the patients.
        confidence: E.g. 0.95.
        seed: Seed of the run.

    Returns:
        A row per variant and pair of trainings (``first``, ``second``, counted from 1), then one
        of the mean over the pairs (0 and 0): ``similarity``, ``low``, ``high``, ``slices`` and
        ``patients``. Slices in which a map has one value only are left out.
    """
    rows: list[tuple[Any, ...]] = []
    trainings = 0
    for patient, maps in slices:
        absolute = [np.abs(importance) for importance in maps]
        for variant, of_variant in (("original", maps), ("absolute", absolute)):
            ranks = [standardised_ranks(importance) for importance in of_variant]
            found = [float(one @ other) for one, other in combinations(ranks, 2)]
            rows.append((variant, patient, *found))
        trainings = len(maps)
    pairs = list(combinations(range(1, trainings + 1), 2))
    table = pd.DataFrame(rows, columns=["variant", "patient", *pairs]).set_index("patient")
    table[(0, 0)] = table[pairs].mean(axis=1, skipna=False)
    results = []
    for variant, of_variant in table.groupby("variant", sort=False):
        for first, second in [*pairs, (0, 0)]:
            of_pair = of_variant[(first, second)].dropna()
            key = {"variant": variant, "first": first, "second": second}
            results.append({**key, **_mean(of_pair, resamples, confidence, seed)})
    return pd.DataFrame(results)


def _mean(values: pd.Series, resamples: int, confidence: float, seed: int) -> Mapping[str, float]:
    """Return the mean over slices, whose index is the patient, with an interval over patients."""
    by_patient = values.groupby(level=0).agg(["sum", "count"])
    sums, counts = (by_patient[name].to_numpy(float) for name in ("sum", "count"))
    found = {"slices": len(values), "patients": len(by_patient)}
    if not found["slices"]:
        return {"similarity": np.nan, "low": np.nan, "high": np.nan} | found
    weights = resample_patients(counts[None], resamples, seed)
    estimate = np.array([sums.sum() / counts.sum()])
    means = (weights @ sums / (weights @ counts))[:, None]
    low, high = interval(estimate, means, confidence, [len(by_patient)])
    return {"similarity": float(estimate[0]), "low": float(low[0]), "high": float(high[0])} | found
