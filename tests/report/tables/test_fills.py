import pandas as pd
import pytest

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.plugins import entry_of, load
from ct_importance.report.jobs import AgreementJob
from ct_importance.report.tables.agreement import write_agreement
from ct_importance.report.tables.fills import fill_tables, over_fills, say_fills
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.statistics.together import COLUMNS

ESTIMATORS = ["smoothgrad", "backpropagation", "random"]


def chosen(name, method="fidelity", **options):
    return ChosenMetric(**entry_of(name, load("metric", method)(**options)))


METRICS = [
    chosen("fidelity"),
    chosen("fidelity_road", fill="noisy_linear"),
    chosen("fidelity_road_logit", fill="noisy_linear", answer="logit"),
    chosen("fine", step=0.01, fill="blur"),
    chosen("roc", "roc"),
]
GROUP = {"fidelity": "by class", "fidelity_road": "noisy linear"}


def ranked(of_road, spread=0.0):
    """Ranks of the estimators, in order by the first fill, and in another by the second."""
    rows = []
    for metric, places in (("fidelity", [1, 2, 3]), ("fidelity_road", of_road), ("roc", [1, 2, 3])):
        for estimator, rank in zip(ESTIMATORS, places, strict=True):
            rows.append(
                {"variant": "original", "metric": metric, "estimator": estimator, "rank": rank}
                | {"rank_low": max(1, rank - spread), "rank_high": min(3, rank + spread)}
            )
    both = pd.DataFrame(rows)
    return pd.concat([both, both.assign(variant="absolute")], ignore_index=True)


TAUS = pd.DataFrame(
    {
        "variant": "original",
        "first": ["fidelity", "fidelity"],
        "second": ["fidelity_road", "roc"],
        "tau": [1 / 3, 1.0],
        "tau_low": -1.0,
        "tau_high": 1.0,
    }
)


def test_entries_are_compared_that_differ_in_their_fill_alone():
    assert over_fills(METRICS) == {"Fidelity": GROUP}
    assert over_fills(METRICS[:1]) == {}
    blurs = [
        chosen(name, fill={"method": "blur", "sigma": it}) for name, it in (("a", 0.1), ("b", 0.2))
    ]
    assert over_fills(blurs) == {"Fidelity": {"a": "blur (a)", "b": "blur (b)"}}


def test_places_that_every_fill_leaves():
    groups = {"Fidelity": GROUP}
    tables = fill_tables(ranked([2, 1, 3]), groups, ["random"])
    header, rows = tables["Fidelity: ranks over fills, original values"]
    assert header[:3] == ["Estimator", "by class", "noisy linear"]
    assert rows == [
        ["Backpropagation", "2", "1", "none"],
        ["SmoothGrad", "1", "2", "none"],
        ["Random†", "3", "3", "3"],
    ]
    _, rows = fill_tables(ranked([2, 1, 3], spread=1), groups, [])[
        "Fidelity: ranks over fills, absolute values"
    ]
    assert [row[-1] for row in rows] == ["1 to 2", "1 to 2", "2 to 3"]


@pytest.mark.parametrize(
    ("spread", "ending"),
    [
        (0, "no place of Backpropagation and SmoothGrad survives every fill."),
        (1, "every estimator has a place that survives every fill, as far as tests tell."),
    ],
)
def test_sentences(spread, ending):
    groups = {"Fidelity": GROUP}
    (sentence,) = say_fills(ranked([2, 1, 3], spread), TAUS, groups, "original")
    assert sentence == (
        "By original values, rankings of Fidelity by 2 fills agree with Kendall's tau of 0.33; "
        + ending
    )
    assert say_fills(ranked([2, 1, 3]), TAUS, groups, "absolute") == []


def test_the_page_of_agreement_has_them(tmp_path):
    ranks, taus = tmp_path / "ranks", tmp_path / "taus"
    ranked([2, 1, 3]).assign(value=1.0, verdict="").to_parquet(ranks)
    TAUS.to_parquet(taus)
    together = tmp_path / "together"
    alone = {name: "a" if name == "group" else 0.5 for name in COLUMNS[2:]}
    ranked([2, 1, 3])[COLUMNS[:2]].drop_duplicates().assign(**alone).to_parquet(together)
    job = AgreementJob(metrics=METRICS, statistics=StatisticsOptions())
    written = [tmp_path / name for name in ("ranks.csv", "taus.csv", "words.md", "page.html")]
    write_agreement(job, ranks, taus, together, *written)
    for path in written[2:]:
        assert "Fidelity: ranks over fills, original values" in path.read_text()
