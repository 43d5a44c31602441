import pandas as pd

from ct_importance.report.figures.training_curve import TrainingCurve


def test_epochs_are_whole_numbers_and_no_line_lies_under_an_axis(draw, tmp_path):
    epochs = list(range(1, 11))
    history = {"epoch": epochs, "loss": [1.0] + [0.0] * 9, "balanced_accuracy": [0.0] + [1.0] * 9}
    of_test = {f"test_{name}": [None] * 4 + [history[name][4]] + [None] * 5 for name in history}
    pd.DataFrame(history | of_test).to_parquet(tmp_path / "training.parquet")

    figure = draw(TrainingCurve(), {"training": tmp_path / "training.parquet"})

    figure.draw_without_rendering()
    for axes in figure.axes:
        left, right = axes.get_xlim()
        low, high = axes.get_ylim()
        shown = [tick for tick in axes.get_xticks() if left <= tick <= right]
        assert all(tick == int(tick) for tick in shown)
        for line in axes.lines:
            x, y = line.get_data()
            assert left < min(x) <= max(x) < right
            assert low < min(y) <= max(y) < high
