"""The index of some folders, as the rules read_headers and index_cohort make it."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ct_importance.cohort.headers import ImageSource, update_headers
from ct_importance.cohort.index import CohortIndex, index_cohort

GOOD_SLICES = 3
"""Of the one good series that tests begin with."""


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


def reasons(index: CohortIndex, folder: Path) -> dict[str, str]:
    """Reason by path relative to the cohort, whose own mentions are shortened alike."""
    return {
        str(Path(path).relative_to(folder)): reason.replace(f"{folder}/", "")
        for path, reason in index.rejected.items()
    }
