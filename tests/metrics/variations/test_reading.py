"""What maps are compared with: read from tables of other weights, of copies, and of patients."""

import numpy as np
import pyarrow as pa
import pytest

from ct_importance.errors import InputError
from ct_importance.io.image_table import image_field, write_table
from ct_importance.io.slices import Shard, copy_id
from ct_importance.metrics.samples import read_samples
from ct_importance.metrics.variations.reading import (
    OTHERS,
    with_others,
    with_scores,
    with_variations,
)
from ct_importance.plugins import load
from tests.slices import SIZE, write_slices

METRIC = load("metric", "randomised_weights")()


def write_maps(path, maps):
    schema = pa.schema([("slice_id", pa.string()), image_field("importance", (SIZE, SIZE))])
    images = np.stack([np.full((SIZE, SIZE), value, np.float32) for value in maps.values()])
    write_table(path, schema, {"slice_id": list(maps), "importance": images})
    return path


@pytest.fixture
def slices(tmp_path):
    return write_slices(tmp_path, [2, 2, 2, 1])


@pytest.fixture
def maps(tmp_path):
    ids = [f"P{patient}.{number}" for patient in range(4) for number in range(2)][:7]
    return write_maps(tmp_path / "maps.parquet", {it: n for n, it in enumerate(ids)})


def samples(slices, maps, shard=None):
    return read_samples(METRIC, slices, ["test"], maps, None, *([shard] if shard else []))


def test_variations_are_in_the_order_of_their_tables(slices, maps, tmp_path):
    ids = [sample.slice_id for sample, _ in samples(slices, maps)]
    copies = {
        copy_id(it, number): 100 * n + number for n, it in enumerate(ids) for number in (1, 2)
    }
    tables = [
        write_maps(tmp_path / "one.parquet", {it: -n for n, it in enumerate(ids)}),
        write_maps(tmp_path / "copies.parquet", copies),
    ]
    found = list(with_variations(samples(slices, maps), tables))
    assert [own[0, 0] for _, own in found] == list(range(7))
    assert [sample.variations[:, 0, 0].tolist() for sample, _ in found] == [
        [-n, 100 * n + 1, 100 * n + 2] for n in range(7)
    ]
    del copies["P3.0#copy1"], copies["P3.0#copy2"]
    write_maps(tables[1], copies)
    with pytest.raises(InputError, match=r"slice P3\.0 is missing"):
        list(with_variations(samples(slices, maps), tables))


@pytest.mark.parametrize("classes", [2, 3])
def test_scores_are_those_of_the_slice_and_of_its_variations(slices, maps, tmp_path, classes):
    ids = [sample.slice_id for sample, _ in samples(slices, maps)]
    tables = []
    for table, names in enumerate([ids, [copy_id(it, n) for it in ids for n in (1, 2)]]):
        values = [float(10 * table + n) for n in range(len(names))]
        answers = (
            {"logit": values} if classes == 2 else {"scores": [[it, 0.0, 1.0] for it in values]}
        )
        kinds = {"logit": pa.float32(), "scores": pa.list_(pa.float32(), 3)}
        schema = pa.schema([("slice_id", pa.string()), *((it, kinds[it]) for it in answers)])
        tables.append(tmp_path / f"{table}.parquet")
        write_table(tables[-1], schema, {"slice_id": names, **answers})
    last = [sample for sample, _ in with_scores(samples(slices, maps), tables)][-1]
    assert (
        last.scores.tolist()
        == {
            2: [[-6, 6], [-22, 22], [-23, 23]],
            3: [[6, 0, 1], [22, 0, 1], [23, 0, 1]],
        }[classes]
    )


def test_others_are_of_other_patients_and_do_not_depend_on_the_share(slices, maps):
    whole = list(with_others(samples(slices, maps), METRIC, slices, maps, seed=0))
    patients = {float(n): f"P{n // 2}" for n in range(7)}
    for sample, _ in whole:
        values = sample.others[:, 0, 0].tolist()
        assert len(set(values)) == OTHERS
        assert sample.patient_id not in {patients[value] for value in values}
    shares = [
        pair
        for shard in (Shard(0, 2), Shard(1, 2))
        for pair in with_others(samples(slices, maps, shard), METRIC, slices, maps, seed=0)
    ]
    for (one, _), (other, _) in zip(whole, shares, strict=True):
        np.testing.assert_array_equal(one.others, other.others)
    another = list(with_others(samples(slices, maps), METRIC, slices, maps, seed=1))
    assert any(
        (one.others != it.others).any() for (one, _), (it, _) in zip(whole, another, strict=True)
    )


def test_one_patient_alone_is_said_in_one_line(tmp_path):
    slices = write_slices(tmp_path, [2])
    maps = write_maps(tmp_path / "maps.parquet", {"P0.0": 1, "P0.1": 2})
    with pytest.raises(InputError, match=r"^slice P0\.0: there is no slice of another [^\n]*$"):
        list(with_others(samples(slices, maps), METRIC, slices, maps, seed=0))
