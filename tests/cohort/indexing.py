"""The index of some folders, as the rules read_headers and index_cohort make it."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ct_importance.cohort.headers import ImageSource, update_headers
from ct_importance.cohort.index import CohortIndex, index_cohort


def index_sources(*sources: ImageSource, workers: int = 1) -> CohortIndex:
    """Return the index of a cohort of datasets."""
    with tempfile.TemporaryDirectory() as folder:
        tables = [Path(folder) / f"{source.dataset}.parquet" for source in sources]
        for source, table in zip(sources, tables, strict=True):
            update_headers(source, table, workers=workers)
        return index_cohort(tables)


def index_folders(
    folders: Sequence[Path], keep_derived: bool = False, workers: int = 1
) -> CohortIndex:
    """Return the index of one dataset of DICOM files."""
    return index_sources(ImageSource("a", folders, keep_derived=keep_derived), workers=workers)
