from ct_importance.report.explorer.selection import choose_slices


def row(slice_id, patient_id, kind="test"):
    return {
        "slice_id": slice_id,
        "patient_id": patient_id,
        "split": "test" if kind == "test" else "train",
        "sampled": True,
        "annotated": kind == "annotated",
    }


def chosen(rows, limit):
    return [entry["slice_id"] for entry in choose_slices(rows, limit)]


def test_all_are_taken_in_their_order_where_they_fit():
    rows = [row("a", "1"), row("b", "2", "annotated"), row("c", "1", "train")]

    assert chosen(rows, 3) == ["a", "b", "c"]


def test_annotated_slices_come_first_then_test_slices():
    rows = [row("a", "1", "train"), row("b", "2"), row("c", "3", "annotated"), row("d", "4")]

    assert chosen(rows, 1) == ["c"]
    assert chosen(rows, 2) == ["b", "c"]
    assert chosen(rows, 3) == ["b", "c", "d"]


def test_few_slices_still_show_many_patients():
    rows = [row("a1", "a"), row("a2", "a"), row("a3", "a"), row("b1", "b"), row("c1", "c")]

    assert chosen(rows, 3) == ["a1", "b1", "c1"]
    assert chosen(rows, 4) == ["a1", "a2", "b1", "c1"]
