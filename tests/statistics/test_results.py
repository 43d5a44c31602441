"""What the masks of several readers reach by a metric, against each other."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from ct_importance.cohort.extraction import slices_schema
from ct_importance.io.image_table import write_table
from ct_importance.io.slices import write_slice_list
from ct_importance.statistics.jobs import CeilingJob
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.statistics.results import write_ceiling

SIZE = 16


def job(**options):
    return CeilingJob(
        **{"name": "relevance_rank", "method": "relevance_rank", "options": options},
        **{"seed": 0, "statistics": StatisticsOptions(resamples=100), "of_readers": True},
        classes=("a", "b"),
    )


def ceiling(folder, readers):
    """Values of the readers of slices (N, R, SIZE, SIZE), a patient each; and their points."""
    folder = folder / "run"
    (folder / "slices").mkdir(parents=True)
    tables = []
    for number, masks in enumerate(readers):
        tables.append(folder / "slices" / f"{number}.parquet")
        row = {
            **{"slice_id": [f"slice {number}"], "patient_id": [f"patient {number}"]},
            **{"label": [0], "split": ["test"], "sampled": [True], "annotated": [True]},
            "image": np.zeros((1, SIZE, SIZE), np.float32),
            "mask": masks.any(axis=0)[None],
            "readers": masks[None],
        }
        write_table(tables[-1], slices_schema(SIZE, len(masks)), row)
    write_slice_list(folder / "slices.parquet", tables)
    made = {name: folder / f"{name}.parquet" for name in ("values", "curves")}
    write_ceiling(job(), folder / "slices.parquet", None, folder / "points.parquet", made)
    return pd.read_parquet(made["values"]), pd.read_parquet(folder / "points.parquet")


def squares(*places):
    """Masks of 6 x 6 pixels; None: not marked."""
    masks = np.zeros((len(places), SIZE, SIZE), bool)
    for mask, place in zip(masks, places, strict=True):
        if place is not None:
            mask[place : place + 6, 4:10] = True
    return masks


def test_readers_reach_what_their_masks_have_in_common(tmp_path):
    readers = [squares(2, 4), squares(1, 1), squares(3, None)]

    values, points = ceiling(tmp_path, readers)

    # Masks of one size: as many of the top pixels lie in the mask as both have in common, and
    # those that lie outside of it are tied with all the rest.
    expected = [f1_score(*masks.reshape(2, -1)) for masks in readers[:2]]
    original = points[points.variant == "original"]
    assert original.slice_id.tolist() == ["slice 0", "slice 1"]
    np.testing.assert_allclose(original.score, expected)
    assert values.estimator.tolist() == ["readers", "readers"]
    assert values.value[0] == pytest.approx(np.mean(expected))
    assert values.value_low[0] <= values.value[0] <= values.value_high[0]


def test_where_no_slice_has_two_masks_there_is_no_row(tmp_path, caplog):
    values, points = ceiling(tmp_path, [squares(2, None), squares(None, 1)])
    assert values.empty
    assert points.empty
    assert "value_low" in values
    assert "no slice has masks of several readers" in caplog.text
