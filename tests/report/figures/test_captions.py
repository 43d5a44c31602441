from ct_importance.report.jobs import Caption, CaptionsJob
from tests.report.scripts import run_script


def test_every_figure_of_the_folder_is_named_with_its_caption(tmp_path):
    figures = (
        Caption(name="roc", heading="Figure 5: <ROC>", caption="Chance is *grey*."),
        Caption(name="ranks", heading="Ranks", caption="Best on the left."),
    )
    path = tmp_path / "captions.md"
    run_script(
        "write_captions",
        CaptionsJob(figures=figures),
        log=tmp_path / "log",
        input={},
        output={"markdown": path},
    )

    assert path.read_text() == (
        "# Captions\n\n## Figure 5: \\<ROC>\n\nFiles: `roc.*`\n\nChance is \\*grey\\*.\n\n"
        "## Ranks\n\nFiles: `ranks.*`\n\nBest on the left.\n"
    )
