import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from ct_importance.errors import InputError
from ct_importance.io.image_table import image_field, write_table
from ct_importance.metrics.similarity import standardised_ranks
from ct_importance.statistics.jobs import SimilarityJob
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.statistics.similarity import similarity_of_maps, write_similarity


def compared(slices):
    return similarity_of_maps(iter(slices), resamples=300, confidence=0.95, seed=0)


@pytest.mark.parametrize("levels", [4, 1000])
def test_it_is_spearmans_correlation_of_scipy(levels):
    one, other = np.random.default_rng(0).integers(-levels, levels, (2, 9, 7)).astype(np.float32)
    found = standardised_ranks(one) @ standardised_ranks(other)

    assert found == pytest.approx(stats.spearmanr(one.ravel(), other.ravel()).statistic)


def maps(rng, shared, count=3):
    """Maps of which a share is the same in all trainings."""
    same = rng.normal(size=(8, 8))
    return [shared * same + (1 - shared) * rng.normal(size=(8, 8)) for _ in range(count)]


def test_a_row_per_pair_and_one_of_their_mean_for_each_variant():
    rng = np.random.default_rng(0)
    slices = [(f"p{number // 2}", maps(rng, 0.5)) for number in range(12)]
    found = compared(slices).set_index(["variant", "first", "second"])

    for variant, change in (("original", lambda it: it), ("absolute", np.abs)):
        of_pairs = []
        for pair in ((1, 2), (1, 3), (2, 3)):
            of_slices = [
                stats.spearmanr(*(change(of[number - 1]).ravel() for number in pair)).statistic
                for _, of in slices
            ]
            of_pairs.append(np.mean(of_slices))
            row = found.loc[(variant, *pair)]
            assert row["similarity"] == pytest.approx(of_pairs[-1])
            assert row["low"] < row["similarity"] < row["high"]
            assert (row["slices"], row["patients"]) == (12, 6)
        assert found.loc[(variant, 0, 0), "similarity"] == pytest.approx(np.mean(of_pairs))


def test_slices_of_one_patient_count_as_one_patient():
    rng = np.random.default_rng(1)
    # The maps of a patient are alike or not as a whole.
    each = [maps(rng, shared, 2) for shared in (0.1, 0.9, 0.2, 0.8, 0.5, 0.4)]
    once, often = (
        compared([(f"p{n}", of) for n, of in enumerate(each) for _ in range(times)]).iloc[0]
        for times in (1, 9)
    )
    columns = ["similarity", "low", "high"]
    np.testing.assert_allclose(once[columns].astype(float), often[columns].astype(float))


def test_a_map_of_one_value_has_no_ranking_and_is_left_out():
    rng = np.random.default_rng(0)
    whole = [("p", maps(rng, 0.5, 2)), ("q", maps(rng, 0.5, 2))]
    flat = ("r", [np.zeros((8, 8)), rng.normal(size=(8, 8))])

    pd.testing.assert_frame_equal(compared(whole), compared([*whole, flat]))
    nothing = compared([flat])
    assert nothing["similarity"].isna().all()
    assert set(nothing["slices"]) == {0}


SCHEMA = pa.schema([("slice_id", pa.string()), image_field("importance", (8, 8))])


def write(folder, *ids):
    """Maps of two trainings, of these slices, compared."""
    rng = np.random.default_rng(0)
    paths = []
    for number, of_training in enumerate(ids):
        paths.append(folder / f"{number}.parquet")
        images = rng.normal(size=(len(of_training), 8, 8))
        write_table(paths[-1], SCHEMA, {"slice_id": of_training, "importance": images})
    pd.DataFrame(
        {
            **{"slice_id": ["a", "b", "c"], "patient_id": ["p", "q", "q"], "annotated": True},
            **{"split": "test", "sampled": True, "table": "x", "digest": "y", "label": 0},
        }
    ).to_parquet(folder / "slices.parquet")
    options = StatisticsOptions(resamples=100)
    job = SimilarityJob(estimator="mine", subsets=("test",), seed=0, statistics=options)
    write_similarity(job, folder / "slices.parquet", paths, folder / "similarity.parquet")
    return pd.read_parquet(folder / "similarity.parquet")


def test_tables_of_maps_are_compared_slice_by_slice(tmp_path):
    found = write(tmp_path, ["a", "b", "c"], ["a", "b", "c"])

    assert set(found["estimator"]) == {"mine"}
    assert set(found["slices"]) == {3}
    assert set(found["patients"]) == {2}


def test_maps_of_other_slices_are_not_compared(tmp_path):
    with pytest.raises(InputError, match="hold other slices"):
        write(tmp_path, ["a", "b", "c"], ["a", "c", "b"])
