"""The page of signs says of each classifier whether it uses its sign, and what cannot be said."""

import pandas as pd
import pytest

from ct_importance.cohort.options import PlantedOptions
from ct_importance.io.table_file import write_frame
from ct_importance.report.jobs import PlantedJob
from ct_importance.report.tables.planted import write_planted
from ct_importance.statistics.options import StatisticsOptions

SIGNS = {"used": ("marker", 1.0), "unused": ("marker", 0.0), "moved": ("offset", 1.0)}
PLANTED = {
    name: PlantedOptions(sign=sign, in_class="contrast", dose=dose)
    for name, (sign, dose) in SIGNS.items()
}


@pytest.fixture
def written(tmp_path):
    flips = [
        {
            **{"classifier": name, "what": what, "slices": 12, "patients": 6, "change": 0.4},
            **{"flipped": count, "rate": count / 12, "rate_low": 0.1, "rate_high": 0.9},
            "flipped_patients": count // 2,
        }
        for name, count in {"used": 9, "unused": 0, "moved": 3}.items()
        for what in ("removed", "added")
    ]
    truth = [
        {
            **{"classifier": name, "metric": "sensitivity", "variant": variant, "chance": 0.1},
            **{"estimator": one, "value": value, "value_low": 0.3, "value_high": 1.0},
            **{"letters": "a", "patients": 6, "slices": 9},
        }
        for name in ("used", "moved")
        for variant in ("original", "absolute")
        for one, value in {"random": 0.11, "occlusion": 0.92}.items()
    ]
    knew = [
        {
            **{"classifier": "used", "truth": "sensitivity", "metric": metric},
            **{"variant": "original", "estimators": 8},
            **{"tau": tau, "tau_low": tau - 0.2, "tau_high": tau + 0.1},
        }
        for metric, tau in {"roc": -0.3, "fidelity": 0.7}.items()
    ]
    tables = {"flips": flips, "truth": truth, "knew": knew}
    for name, rows in tables.items():
        write_frame(tmp_path / f"{name}.parquet", pd.DataFrame(rows))
    job = PlantedJob(planted=PLANTED, controls=("random",), statistics=StatisticsOptions())
    paths = {name: tmp_path / f"{name}.parquet" for name in tables}
    files = [tmp_path / f"planted.{suffix}" for suffix in ("csv", "md", "html")]
    write_planted(job, paths, *files)
    return files


def test_the_page_has_a_row_per_question(written):
    text = written[1].read_text()
    assert "| used | marker, 100 % | taken away | 9 of 12 | 0.75 [0.10, 0.90] | 0.40 |" in text
    assert text.index("| Occlusion |") < text.index("| Random† |")
    assert "| chance | 0.10 |" in text
    assert text.index("| Fidelity | 0.70 [0.50, 0.80]") < text.index("| ROC | −0.30")


def test_it_says_what_cannot_be_said(written):
    text = written[1].read_text()
    assert "unused: the answer flips on no slice" in text
    assert "Offset changes the whole body" in text
    assert "Of moved, slices of fewer than 8 patients flip" in text
    assert "two unrelated rankings reach ±0.64" in text
    assert "used: the answer flips on no slice" not in text.replace("unused", "")


def test_the_csv_has_all_of_it_and_the_page_of_the_report_the_same(written):
    whole = pd.read_csv(written[0])
    assert whole["what"].value_counts().to_dict() == {"truth": 8, "flips": 6, "knew": 2}
    assert "9 of 12" in written[2].read_text()
