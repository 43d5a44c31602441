from itertools import chain

import pytest

from ct_importance.workflow.layout.batches import batches_of


def names(count: int) -> list[str]:
    return [f"P{number}" for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 16, 17, 60, 256, 257, 2000])
def test_each_patient_is_in_one_batch(count):
    batches = batches_of(names(count))

    assert sorted(chain(*batches.values())) == sorted(names(count))
    assert len(batches) == count if count <= 16 else count / 32 < len(batches) <= max(16, count / 8)


@pytest.mark.parametrize("count", [17, 60, 200, 400])
def test_a_new_patient_changes_one_batch(count):
    before, after = batches_of(names(count)), batches_of([*names(count), "new"])

    changed = [name for name in {*before, *after} if before.get(name) != after.get(name)]
    assert len(changed) == 1
    assert "new" in after[changed[0]]
