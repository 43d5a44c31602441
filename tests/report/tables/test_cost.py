import math

import pyarrow as pa
import pytest

from ct_importance.io.image_table import write_table
from ct_importance.report.tables.cost import cost_table, gap_of
from ct_importance.saliency.completeness import DIFFERENCE, GAP
from ct_importance.saliency.estimator import Cost


@pytest.fixture
def benchmarks(tmp_path):
    def write(name, seconds):
        path = tmp_path / f"{name}.tsv"
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t-\n")
        return path

    return write


def test_a_part_counts_in_full_for_each_estimator_made_of_it(benchmarks):
    part = benchmarks("noisy", 30.0)
    files = {
        "one": [benchmarks("one", 2.0), part],
        "other": [benchmarks("other", 4.0), part],
        "alone": [benchmarks("alone", 5.0)],
    }
    passes = {"one": Cost(15, 15), "other": Cost(15, 15), "alone": Cost(9, 0)}
    table = cost_table(passes, files, slices=4)

    assert table.to_dict("list") == {
        "estimator": ["alone", "one", "other"],
        "forward_passes": [9, 15, 15],
        "backward_passes": [0, 15, 15],
        "seconds": [5.0, 32.0, 34.0],
        "seconds_per_slice": [1.25, 8.0, 8.5],
    }


@pytest.mark.parametrize(
    ("differences", "gaps", "expected"),
    [
        ([2.0, -4.0, 10.0], [0.2, -0.2, 0.1], (0.05, 0.1)),
        ([0.0, 1.0], [0.0, 0.5], (0.25, 0.5)),
        ([0.0, 1.0, 1.0], [0.1, 0.5, 0.5], (0.5, math.inf)),
    ],
)
def test_gaps_are_shares_of_the_difference(tmp_path, differences, gaps, expected):
    columns = {"difference": differences, "gap": gaps}
    write_table(tmp_path / "maps.parquet", pa.schema([DIFFERENCE, GAP]), columns)
    assert gap_of(tmp_path / "maps.parquet") == pytest.approx(expected)


def test_without_slices_there_is_no_gap(tmp_path):
    write_table(
        tmp_path / "maps.parquet", pa.schema([DIFFERENCE, GAP]), {"difference": [], "gap": []}
    )
    assert all(map(math.isnan, gap_of(tmp_path / "maps.parquet")))
