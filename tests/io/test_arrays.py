import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from ct_importance.io.arrays import to_array

COLUMNS = [
    (["a", "größe", "", "z" * 300], pa.string()),
    (["a", None, ""], pa.string()),
    ([None, None], pa.string()),
    (np.array(["a", "bcd"]), pa.string()),
    ([b"ab", None, b"cd"], pa.binary(2)),
    ([b"ab"], pa.binary(2)),
    ([1, -5, 127], pa.int8()),
    (np.arange(100)[::3], pa.int32()),
    ([1, None], pa.int8()),
    ([0.1, -1e300, float("nan"), float("inf")], pa.float64()),
    ([0.1, 2.5], pa.float32()),
    ([1, 2], pa.float64()),
    ([1.5, None], pa.float64()),
    ([True, False, True] * 5, pa.bool_()),
    ([np.True_, None], pa.bool_()),
    ([[1.0, 2.0], None], pa.list_(pa.float64())),
    *(([], kind) for kind in (pa.string(), pa.binary(2), pa.int8(), pa.float64(), pa.bool_())),
]


@pytest.mark.parametrize(("values", "kind"), COLUMNS, ids=str)
def test_arrays_are_those_of_pyarrow(values, kind):
    array, expected = to_array(values, kind), pa.array(values, type=kind)

    array.validate(full=True)
    assert array.type == expected.type
    assert array.null_count == expected.null_count
    assert str(array) == str(expected)  # NaN is not equal to itself


@pytest.mark.parametrize(
    ("values", "kind"),
    [([300], pa.int8()), (["a"], pa.int8()), ([2**70], pa.int64())],
    ids=str,
)
def test_what_does_not_fit_is_refused(values, kind):
    with pytest.raises((pa.ArrowException, OverflowError)):
        to_array(values, kind)


def test_usual_columns_need_no_pandas():
    code = (
        "import sys, pyarrow as pa\n"
        "from ct_importance.io.arrays import to_array\n"
        "to_array(['a', None], pa.string()); to_array([b'ab', None], pa.binary(2))\n"
        "to_array([1], pa.int8()); to_array([0.5], pa.float32()); to_array([True], pa.bool_())\n"
        "raise SystemExit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
