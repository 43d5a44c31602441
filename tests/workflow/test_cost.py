from ct_importance.plugins import load
from ct_importance.workflow.cost import cost_lines, main, planned_slices
from tests.workflow.project import ROOT


def test_the_dearest_comes_last_and_all_are_added_up():
    names = {"smoothgrad": {"samples": 5}, "random": {}, "backpropagation": {}}
    lines = cost_lines({name: load("estimator", name)(**it) for name, it in names.items()}, 4)
    rows = [line.rsplit(maxsplit=4) for line in lines[1:]]
    assert rows == [
        ["random", "0", "0", "0", "0"],
        ["backpropagation", "1", "1", "4", "4"],
        ["smoothgrad", "5", "5", "20", "20"],
        ["all, at most", "6", "6", "24", "24"],
    ]


def test_before_a_plan_slices_are_not_known(tmp_path):
    assert planned_slices(tmp_path) is None


def test_it_is_of_a_configuration(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    main(["configs/two_networks.yaml"])
    text = capsys.readouterr().out
    assert "smoothgrad" in text
    assert "integrated_gradients_bw" in text
