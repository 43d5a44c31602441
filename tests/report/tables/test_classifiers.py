"""The page across classifiers, made of tables as the statistics write them."""

import itertools

import numpy as np
import pandas as pd
import pytest

from ct_importance.io.table_file import write_frame
from ct_importance.report.jobs import ClassifiersJob
from ct_importance.report.tables.classifiers import agreement_table, rank_table
from ct_importance.report.tables.paper import tau_with_paper
from ct_importance.statistics.concordance import COLUMNS, agreement_of_classifiers
from ct_importance.statistics.options import StatisticsOptions
from tests.report.scripts import run_script
from tests.statistics.crossed import METRICS, crossed, sums_of_curves

OPTIONS = StatisticsOptions(resamples=100)
ESTIMATORS = ("smoothgrad_squared", "smoothgrad", "deconvolution", "backpropagation", "mine")


def ranks_of(classifier, variant, metric, values):
    ranks = pd.Series(values).rank(ascending=False).to_numpy()
    columns = {"classifier": classifier, "variant": variant, "metric": metric}
    columns |= {"estimator": ESTIMATORS[: len(values)], "value": values, "rank": ranks}
    return pd.DataFrame(columns | {"rank_low": 1, "rank_high": len(values)})


def write(folder, ranks, agreement, **trainings):
    """Run the rule's script; return the files that it writes."""
    for name, table in {"ranks": ranks, "agreement": agreement}.items():
        write_frame(folder / f"{name}.parquet", table)
    output = {kind: folder / f"classifiers.{kind}" for kind in ("csv", "markdown", "html")}
    job = ClassifiersJob(trainings=trainings, statistics=OPTIONS)
    inputs = {name: folder / f"{name}.parquet" for name in ("ranks", "agreement")}
    run_script("write_classifiers", job, log=folder / "log", input=inputs, output=output)
    return output


@pytest.fixture(scope="module", params=[2, 3])
def made(request, tmp_path_factory):
    """Two or three classifiers, of which the first is trained three times."""
    folder, rng = tmp_path_factory.mktemp("classifiers"), np.random.default_rng(0)
    trainings = {"one": 3, "two": 1, "three": 1}
    trainings = dict(itertools.islice(trainings.items(), request.param))
    tables, ranks = [], []
    for name in ("dice", "fidelity"):
        sums = {
            classifier: {
                (estimator, variant): sums_of_curves(name, crossed(count, 12, (0.3, 1, 1), rng))
                for estimator in ESTIMATORS
                for variant in ("original", "absolute")
            }
            for classifier, count in trainings.items()
        }
        found = agreement_of_classifiers(METRICS[name], sums, OPTIONS, seed=0)
        tables.append(found.assign(metric=name))
        for classifier, variant in itertools.product(trainings, ("original", "absolute")):
            # The third ranks as the paper does; the values of the first are all alike.
            values = {"one": [1] * 5, "two": [1, 3, 2, 5, 4], "three": [9, 8, 2, 5, 0]}
            ranks.append(ranks_of(classifier, variant, name, values[classifier]))
    output = write(folder, pd.concat(ranks), pd.concat(tables), **trainings)
    return request.param, output


def test_everything_is_in_one_table(made):
    classifiers, output = made
    table = pd.read_csv(output["csv"])

    pairs = {2: 1, 3: 3}[classifiers]
    of_trainings = {2: 2, 3: 3}[classifiers]  # of one, and of one with each of the others
    assert table["what"].value_counts().to_dict() == {
        "rank": 2 * 2 * 5 * classifiers,
        "classifiers": 2 * 2 * pairs,
        "trainings": 2 * 2 * of_trainings,
        **({"all": 2 * 2} if classifiers == 3 else {}),
        "paper": 2 * 2 * classifiers,
    }
    assert table.query("what == 'rank' and first == 'one'")["value"].eq(3).all()
    ends = table.query("what == 'classifiers'")
    assert (ends["low"] <= ends["high"]).all()


@pytest.mark.parametrize("kind", ["markdown", "html"])
def test_people_read_ranks_agreement_and_words(made, kind):
    classifiers, output = made
    text = output[kind].read_text()

    for told in (
        "Ranks by Fidelity",
        "two (absolute)",
        "3 [1, 5]",
        "SmoothGrad Squared",
        "one and two, one training of each",
        "two trainings of one",
        "two and the paper",
        "and of the trainings of each",
    ):
        assert told in text
    of_three = ("all, Kendall's W", "brackets of tau and W", "0.33 on average")
    found = [told.lower() in text.replace("&#x27;", "'").lower() for told in of_three]
    assert found == [classifiers == 3] * 3
    once = "Of three and two, there is" if classifiers == 3 else "Of two, there is"
    assert once in text
    table = pd.read_csv(output["csv"])
    row = table.query("what == 'classifiers' and metric == 'dice'").iloc[0]
    numbers = [f"{row[name]:.2f}".replace("-", "−") for name in ("value", "low", "high")]
    assert "{} [{}, {}]".format(*numbers) in text


def test_where_all_are_trained_often_enough_nothing_is_said_of_one_training(tmp_path):
    ranks = pd.concat([ranks_of(it, "original", "roc", [2, 1]) for it in ("one", "two")])
    agreement = pd.DataFrame(
        [("classifiers", "original", "one", "two", 2, 1.0, 1.0, 1.0, "roc")],
        columns=[*COLUMNS, "metric"],
    )
    output = write(tmp_path, ranks, agreement, one=2, two=2)

    text = output["markdown"].read_text()
    assert "there is one training" not in text
    assert "unrelated rankings" not in text  # of two estimators, nothing can be said


def test_controls_are_marked():
    _, rows = rank_table(ranks_of("one", "original", "roc", [3, 2]), ["smoothgrad"])

    assert [row[0] for row in rows] == ["SmoothGrad Squared", "SmoothGrad†"]


def test_what_is_missing_is_a_dash():
    one = ranks_of("one", "original", "roc", [3, 2, 1])
    two = ranks_of("two", "original", "roc", [1, 2])
    header, rows = rank_table(pd.concat([one, two]))

    assert header == ["Estimator", *(f"{it} (original)" for it in ("one", "two"))] + [
        f"{it} (absolute)" for it in ("one", "two")
    ]
    assert rows == [
        ["SmoothGrad", "2 [1, 3]", "1 [1, 2]", "–", "–"],
        ["SmoothGrad Squared", "1 [1, 3]", "2 [1, 2]", "–", "–"],
        ["Deconvolution", "3 [1, 3]", "–", "–", "–"],
    ]
    agreement = pd.DataFrame(
        [("classifiers", "absolute", "one", "two", 0, np.nan, np.nan, np.nan)], columns=COLUMNS
    )
    assert agreement_table(agreement)[1] == [["one and two", "–", "–"]]


def test_the_paper_is_compared_among_the_estimators_that_both_rank():
    same = ranks_of("one", "absolute", "fidelity", [9, 8, 2, 5, 99])
    other = ranks_of("two", "absolute", "fidelity", [-9, -8, -2, -5, 99])
    found = tau_with_paper(pd.concat([same, other]))

    assert found[["first", "value", "estimators"]].to_numpy().tolist() == [
        ["one", 1, 4],
        ["two", -1, 4],
    ]
    unknown = tau_with_paper(ranks_of("one", "absolute", "my_metric", [1, 2]))
    assert unknown.empty
    assert "what" in unknown
