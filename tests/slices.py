"""Lists of slices of some patients of two classes."""

import numpy as np

from ct_importance.cohort.extraction import slices_schema
from ct_importance.io.image_table import write_table
from ct_importance.io.slices import write_slice_list

SIZE = 16


def write_slices(folder, patients, size=SIZE, split="test"):
    """Write slices.parquet, and return its path.

    Args:
        folder: Where to.
        patients: Slices of each patient; those of even number are of class 0.
        size: Rows and columns.
        split: Of all of them.
    """
    (folder / "slices").mkdir(parents=True)
    tables = []
    for patient, count in enumerate(patients):
        tables.append(folder / "slices" / f"P{patient}.parquet")
        generator = np.random.default_rng(patient)
        masks = [np.eye(size, dtype=bool), *[None] * count][:count]
        write_table(
            tables[-1],
            slices_schema(size),
            {
                "slice_id": [f"P{patient}.{number}" for number in range(count)],
                "patient_id": [f"P{patient}"] * count,
                "label": [patient % 2] * count,
                "split": [split] * count,
                "sampled": [True] * count,
                "annotated": [number == 0 for number in range(count)],
                "image": generator.random((count, size, size), np.float32),
                "mask": masks,
            },
        )
    write_slice_list(folder / "slices.parquet", tables)
    return folder / "slices.parquet"
