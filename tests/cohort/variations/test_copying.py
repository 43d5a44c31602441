import numpy as np
import pytest

from ct_importance.cohort.jobs import CopyJob
from ct_importance.cohort.variations.copying import copy_slices, with_noise
from ct_importance.compute.randomness import generator_for
from ct_importance.errors import InputError
from ct_importance.io.slices import iterate_slices, original_of, write_rows
from tests.slices import write_slices

JOB = CopyJob(radii=(0.02, 0.1), copies=2, seed=0)


@pytest.fixture
def copied(tmp_path):
    chosen = write_slices(tmp_path, [2, 1])
    (tmp_path / "noisy").mkdir()
    tables = [tmp_path / "noisy" / f"{name}.parquet" for name in ("slices", "images")]
    copy_slices(JOB, chosen, *tables)
    return chosen, *tables


def test_copies_follow_their_slices_and_differ_by_noise_alone(copied):
    chosen, slices, _ = copied
    originals = {row["slice_id"]: row for row in iterate_slices(chosen, ["all"], ["image", "mask"])}
    found = list(iterate_slices(slices, ["all"], ["image", "mask"]))

    ids = [f"{slice_id}#copy{number}" for slice_id in originals for number in (1, 2, 3, 4)]
    assert [row["slice_id"] for row in found] == ids
    for row in found:
        own = originals[original_of(row["slice_id"])]
        assert all(row[name] == own[name] for name in ("patient_id", "label", "split", "annotated"))
        np.testing.assert_array_equal(row["mask"], own["mask"])
        radius = 0.02 if row["slice_id"].endswith(("copy1", "copy2")) else 0.1
        change = np.abs(row["image"] - own["image"])
        assert change.max() <= radius + 1e-6
        assert change.mean() == pytest.approx(radius / 2, rel=0.2)
        assert row["image"].min() >= 0
        assert row["image"].max() <= 1
    assert len({row["image"].tobytes() for row in found}) == len(found)


def test_copies_are_the_same_each_time_and_others_with_another_seed(copied, tmp_path):
    chosen, _, images = copied
    again = [tmp_path / f"{name}.parquet" for name in ("list", "again")]
    copy_slices(JOB, chosen, *again)
    assert again[1].read_bytes() == images.read_bytes()
    copy_slices(JOB.model_copy(update={"seed": 1}), chosen, *again)
    assert again[1].read_bytes() != images.read_bytes()


def test_noise_is_uniform_and_cut_off_at_black_and_white():
    noisy = with_noise(np.full(100_000, 0.5, np.float32), 0.1, generator_for("noise"))
    assert [noisy.min(), noisy.max()] == pytest.approx([0.4, 0.6], abs=1e-4)
    assert float(noisy.std()) == pytest.approx(0.1 / 3**0.5, rel=0.01)
    black = with_noise(np.zeros(1000, np.float32), 0.1, generator_for("noise"))
    assert (black == 0).mean() == pytest.approx(0.5, abs=0.1)


def test_no_slice_is_said_in_one_line(tmp_path):
    write_rows(tmp_path / "none.parquet", [])
    with pytest.raises(InputError, match=r"none\.parquet: there is no slice; see [^\n]*$"):
        copy_slices(JOB, tmp_path / "none.parquet", tmp_path / "a", tmp_path / "b")
