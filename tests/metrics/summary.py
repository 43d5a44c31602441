"""The table's values of one estimator, out of its table of points."""

from __future__ import annotations

import pandas as pd

from ct_importance.metrics.averaging import mean_curves, sum_by_patient
from ct_importance.metrics.metric import Metric


def summarise_points(metric: Metric, rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per variant: ``variant`` and what the metric's ``summarise`` gives.

    Args:
        metric: A metric.
        rows: Its table of points for one estimator.
    """
    return pd.DataFrame(
        [
            {"variant": variant}
            | {
                name: float(value[0])
                for name, value in metric.summarise(mean_curves(metric, sums)).items()
            }
            for variant, sums in sum_by_patient(metric, rows).items()
        ]
    )
