from types import SimpleNamespace

import pyarrow as pa
import pytest

from ct_importance.compute.progress import in_words
from ct_importance.io.image_table import write_table
from ct_importance.io.slices import LIST_SCHEMA
from ct_importance.plugins import load
from ct_importance.saliency.estimator import Cost
from ct_importance.workflow.config import parse_config
from ct_importance.workflow.cost import (
    Work,
    cost_lines,
    known_slices,
    main,
    print_plan,
    seconds_per_pass,
    time_lines,
    work_of_metrics,
)
from ct_importance.workflow.layout.report import ReportFiles
from tests.workflow.project import ROOT


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A run of ten slices, four of them of test patients, whose predictions took five seconds."""
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "results" / "mine"
    flags = {"label": 0, "sampled": True, "annotated": False, "planted": False}
    flags |= {"table": "a", "digest": "b"}
    slices = [
        {"slice_id": f"{it}", "patient_id": "p", "split": "test" if it < 4 else "train", **flags}
        for it in range(10)
    ]
    columns = {name: [row[name] for row in slices] for name in LIST_SCHEMA.names}
    run.mkdir(parents=True)
    write_table(run / "slices.parquet", LIST_SCHEMA, columns)
    benchmark = run / "benchmarks" / "predict_slices" / "resnet50" / "1.tsv"
    benchmark.parent.mkdir(parents=True)
    benchmark.write_text("s\th:m:s\tmax_rss\n5.0\t0:00:05\t-\n")
    return ReportFiles(
        parse_config(
            {
                "run": "mine",
                "replicates": 2,
                "classifiers": {"resnet50": {"architecture": "resnet50"}},
                "estimators": {"smoothgrad": {"samples": 5}, "random": {}},
                "metrics": {"fidelity": {"step": 0.1}},
            }
        )
    )


def test_the_dearest_comes_last_and_all_are_added_up():
    names = {"smoothgrad": {"samples": 5}, "random": {}, "backpropagation": {}}
    works = {name: Work(load("estimator", name)(**it).passes, 4) for name, it in names.items()}
    assert [line.split() for line in cost_lines("estimator", works)[1:]] == [
        ["random", "0", "0", "4", "0", "0"],
        ["backpropagation", "1", "1", "4", "4", "4"],
        ["smoothgrad", "5", "5", "4", "20", "20"],
        ["all,", "at", "most", "6", "6", "24", "24"],
    ]


def test_metrics_take_passes_for_the_maps_of_all_estimators(study):
    assert work_of_metrics(study) == {"fidelity": Work(Cost(forward=2 * (2 * 2 * 9 + 2)), 4)}


def test_a_metric_that_compares_with_variations_is_of_a_sample_of_the_slices(study):
    entries = {"randomised_weights": {"layers": [0.5, 1], "sample": 3}}
    for sample, slices in ((3, 3), (None, 4)):
        entries["randomised_weights"]["sample"] = sample
        raw = {**study.options.model_dump(exclude_unset=True), "metrics": entries}
        works = work_of_metrics(ReportFiles(parse_config(raw)))
        assert works == {"randomised_weights": Work(Cost(2 * 5, 2 * 5), slices)}


def test_a_run_without_maps_and_metrics_to_make_has_no_plan(study, capsys, monkeypatch):
    monkeypatch.setattr("ct_importance.workflow.cost.count_slices", None)
    rule = SimpleNamespace(name="write_cost")
    print_plan(study, [SimpleNamespace(rule=rule, wildcards=SimpleNamespace())])
    assert capsys.readouterr().out == ""


def test_time_is_that_of_predictions(study):
    assert seconds_per_pass(study.folder, "resnet50") == 0.5
    (line,) = time_lines(study, [Work(Cost(10, 10), 8)])
    # Two trainings of 8 slices, of 10 passes forwards and 10 that count twice.
    assert line.startswith("resnet50: about 4 min of one core or GPU at most, at 500 ms a pass")
    assert in_words(2 * 8 * 30 * 0.5) == "4 min"


def test_before_predictions_no_time_is_known(study, tmp_path):
    assert seconds_per_pass(study.folder, "another") is None
    assert seconds_per_pass(tmp_path, "resnet50") is None


def test_before_slices_those_planned_count_and_before_a_plan_none(tmp_path):
    assert known_slices(tmp_path, ["test"]) is None
    (tmp_path / "cohort").mkdir()
    schema = pa.schema([("slice_id", pa.string())])
    write_table(tmp_path / "cohort" / "planned.parquet", schema, {"slice_id": ["a", "b"]})
    assert known_slices(tmp_path, ["test"]) == 2
    assert cost_lines("estimator", {"mine": Work(Cost(1, 2), None)}) == [
        *("estimator     forward  backward", "mine                1         2"),
        "all, at most        1         2",
    ]


def test_it_is_of_a_configuration(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    main(["configs/two_networks.yaml", "seed=3"])
    text = capsys.readouterr().out
    assert "smoothgrad" in text
    assert "integrated_gradients_bw" in text
    assert "fidelity" in text


def test_what_is_wrong_with_a_configuration_is_said_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text((ROOT / "config.yaml").read_text() + "shard: 2\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="shard"):
        main([])
    (tmp_path / "config.yaml").write_text((ROOT / "config.yaml").read_text())
    with pytest.raises(SystemExit, match="seed"):
        main(["seed=much"])


@pytest.mark.parametrize(("width", "shows"), [(81, False), (82, True), (None, True)])
def test_a_narrow_terminal_is_shown_what_all_slices_take(monkeypatch, width, shows):
    monkeypatch.setattr("ct_importance.workflow.cost.columns", lambda: width)
    works = {"an_estimator": Work(Cost(3, 4), 10)}
    head, line, _ = cost_lines("estimator", works, seconds=1.0)

    assert head.split("  ")[0] == "estimator"
    assert ("  forward  backward  " in head) == shows
    assert line.split()[1:] == ["3", "4"] * shows + ["10", "30", "40", "110", "s"]
    assert len(head) <= (width or 100)
