import pytest

from ct_importance.report.tables.cost import cost_table


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
    table = cost_table({"one": 15, "other": 15, "alone": 0}, files, slices=4)

    assert table.to_dict("list") == {
        "estimator": ["alone", "one", "other"],
        "gradient_passes": [0, 15, 15],
        "seconds": [5.0, 32.0, 34.0],
        "seconds_per_slice": [1.25, 8.0, 8.5],
    }
