"""The study, without Snakemake: which files there are, and what each rule is asked."""

import json
import re
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
import torch
import yaml
from snakemake.exceptions import WorkflowError

from ct_importance.classifier.jobs import ImportJob, TrainingJob
from ct_importance.cohort.jobs import HeadersJob, LabelJob, PlanJob
from ct_importance.cohort.options import NODULES
from ct_importance.errors import InputError
from ct_importance.io.image_table import write_table
from ct_importance.metrics.jobs import EvaluationJob, lower_is_better
from ct_importance.report.jobs import (
    AgreementJob,
    CaptionsJob,
    ClassifiersJob,
    ExplorerJob,
    FigureJob,
    StabilityJob,
    SummaryJob,
    TableJob,
)
from ct_importance.saliency.jobs import CombineJob, ImportanceJob, SharedJob
from ct_importance.statistics.jobs import (
    CeilingJob,
    ConcordanceJob,
    EstimationJob,
    RankingJob,
    SimilarityJob,
)
from ct_importance.workflow import study as module
from ct_importance.workflow.config import parse_config
from ct_importance.workflow.study import Study, growing, one_of
from tests.classifier.networks.files import DEFINITION, write_bundle
from tests.estimators import PAPER
from tests.workflow.project import ROOT, merge

DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())
# The paper's three are enough.
del DEFAULT["metrics"]["randomised_weights"]
COUNT = len(DEFAULT["estimators"])


def study_of(**sections) -> Study:
    """The default run with some sections changed."""
    changed = {
        name: DEFAULT[name] | values if isinstance(values, dict) else values
        for name, values in sections.items()
    }
    return Study(parse_config(DEFAULT | changed))


def wildcards(**values):
    return SimpleNamespace(**({"run": "demo", "classifier": "resnet50", "replicate": "1"} | values))


def asked(study, rule, job, **values):
    """What a rule is asked, read as its script reads it."""
    return job.model_validate_json(study.job(rule)(wildcards(**values)))


@pytest.fixture
def data(tmp_path):
    """Two datasets: DICOM with masks and labels, and volumes."""
    for folder in ("scans/first", "masks", "volumes"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "masks" / "1.png").touch()
    (tmp_path / "labels.csv").touch()
    datasets = {
        "one": {"dicom": "scans", "masks": "masks", "labels": {"csv": "labels.csv"}},
        "another": {"volumes": "volumes"},
    }
    return {"data_dir": str(tmp_path), "cohort": {"datasets": datasets}}


def test_the_demo_has_a_table_and_maps_of_each():
    study = study_of()
    folder = "results/demo/resnet50/1"
    maps = study.maps_of_explorer(wildcards())
    assert maps[0] == f"{folder}/saliency/backpropagation.parquet"
    points = study.points("resnet50", "roc")
    assert points[-1] == f"{folder}/metrics/roc/sobel_edges.parquet"
    assert len(study.all_points(wildcards())) == 3 * COUNT
    assert "results/demo/resnet50/tables/table1_fidelity_details.csv" in study.table_files()
    assert "results/demo/resnet50/figures/figure5_roc_curves.pdf" in study.figure_files()
    assert study.ceiling("dice", "values")
    assert not study.ceiling("roc", "values")


def test_controls_are_told_to_tables():
    study = study_of()
    controls = ("centre", "mean_mask", "random", "sobel_edges")
    assert asked(study, "write_table", TableJob, table="table2_auc").controls == controls
    assert asked(study, "write_agreement", AgreementJob).controls == controls
    assert asked(study, "write_summary", SummaryJob).controls == controls


def test_an_estimator_of_masks_is_refused_where_there_are_none(data):
    del data["cohort"]["datasets"]["one"]["masks"]
    left_out = {"roc": None, "dice": None}
    with pytest.raises(InputError, match=r"^config: estimators\.mean_mask needs masks: [^\n]*$"):
        study_of(**data, metrics=left_out)
    assert study_of(**data, metrics=left_out, estimators={"mean_mask": None}).estimators


def test_maps_made_elsewhere_are_inputs_one_by_one(tmp_path):
    (tmp_path / "maps").mkdir()
    for name in ("1.npy", ".hidden", "{wild}.npy"):
        (tmp_path / "maps" / name).touch()
    given = {"mine": {"method": "precomputed", "folder": "maps"}}
    study = study_of(data_dir=str(tmp_path), estimators=given)
    mine = wildcards(estimator="mine")
    assert study.given_maps(mine) == [f"{tmp_path}/maps/1.npy"]
    assert study.index_of_estimator(mine) == "results/demo/cohort/index.parquet"
    job = asked(study, "compute_importance", ImportanceJob, estimator="mine")
    assert (job.given, bool(job.others)) == (f"{tmp_path}/maps", True)
    other = asked(study, "compute_importance", ImportanceJob, estimator="random")
    assert (other.given, other.others) == (None, "")
    assert study.given_maps(wildcards(estimator="random")) == []
    missing = {"mine": {"method": "precomputed", "folder": "nowhere"}}
    with pytest.raises(InputError, match=r"^config: estimators\.mine\.folder: .*/nowhere does not"):
        study_of(data_dir=str(tmp_path), estimators=missing)


def test_the_order_of_keys_counts_for_nothing():
    backwards = dict(reversed(DEFAULT["estimators"].items()))
    one, other = study_of(), Study(parse_config(DEFAULT | {"estimators": backwards}))
    assert list(one.estimators) == list(other.estimators)
    assert one.maps_of_explorer(wildcards()) == other.maps_of_explorer(wildcards())


def test_work_of_equal_options_is_shared():
    study = study_of()
    assert sorted(study.combining()) == [
        *("integrated_gradients", "integrated_gradients_bw", "smoothgrad", "smoothgrad_squared")
    ]
    assert len(study.shared) == 3
    both = study.shared_maps(wildcards(estimator="integrated_gradients_bw"))
    (black,) = study.shared_maps(wildcards(estimator="integrated_gradients"))
    assert black in both
    assert len(both) == 2


def test_predictions_are_read_where_the_explained_class_follows_them():
    study = study_of()
    needed = {name: study.predictions_of_target(wildcards(shared=name)) for name in study.shared}
    assert {name.split("-")[0]: bool(files) for name, files in needed.items()} == {
        "path_gradients": True,
        "noisy_gradients": False,
    }


def test_controls_and_given_maps_do_not_wait_for_a_classifier(tmp_path):
    given = {"mine": {"method": "precomputed", "folder": str(tmp_path)}}
    study = study_of(estimators=given | {"xrai": {"base": {"method": "random"}}})
    inputs = (study.classifier_of_estimator, study.predictions_of_estimator)
    for name, it in study.estimators.items():
        chosen = wildcards(estimator=name)
        waits = not it.is_control and name not in ("mine", "xrai")
        assert all(bool(files(chosen)) == waits for files in inputs), name
        assert study.gpus_of_estimator(chosen) == int(waits)
        if name in study.taking_passes():
            job = asked(study, "compute_importance", ImportanceJob, estimator=name)
            assert bool(job.classifier) == waits


def test_what_estimators_are_asked():
    study = study_of(estimators={"smooth_50": {"method": "smoothgrad", "samples": 50}})
    job = asked(study, "compute_importance", ImportanceJob, estimator="random")
    assert (job.method, job.image_shape, job.shard) == ("random", (1, 80, 80), "1of1")
    assert job.subsets == ("annotated", "test")
    combined = asked(study, "combine_shared", CombineJob, estimator="smooth_50")
    assert (combined.name, combined.method) == ("smooth_50", "smoothgrad")
    options = {"samples": 50, "noise": 0.15, "target": "last", "smooth": None, "blur": None}
    assert combined.options == options
    (name,) = (name for name in study.shared if "samples_50" in name)
    assert asked(study, "share_passes", SharedJob, shared=name).options["samples"] == 50


FINE = {"fidelity_fine": {"method": "fidelity", "step": 0.01}}


def test_what_metrics_are_asked():
    study = study_of(metrics=FINE)
    job = asked(study, "evaluate_importance", EvaluationJob, metric="fidelity", estimator="random")
    assert (job.name, job.method, job.estimator, job.shard) == (
        *("fidelity", "fidelity", "random", "1of1"),
    )
    assert job.classifier.source.precision == "float32"
    fine = asked(
        study, "evaluate_importance", EvaluationJob, metric="fidelity_fine", estimator="random"
    )
    assert (fine.name, fine.method, fine.metric.step) == ("fidelity_fine", "fidelity", 0.01)
    roc = asked(study, "evaluate_importance", EvaluationJob, metric="roc", estimator="random")
    assert roc.classifier is None
    lesion = study_of(task={"classes": ["healthy", "lesion"], "fill": [0.5, 0.25]})
    asks, does_not = (
        asked(lesion, "evaluate_importance", EvaluationJob, metric=metric, estimator="random")
        for metric in ("fidelity", "roc")
    )
    assert (job.fill, asks.fill) == ((1.0, 0.0), (0.5, 0.25))
    assert does_not == roc  # it is not computed anew
    named = asked(lesion, "estimate_values", EstimationJob, metric="fidelity")
    assert named.classes == ("healthy", "lesion")
    ceiling = asked(study, "evaluate_ceiling", CeilingJob, metric="dice", ceiling="ceiling")
    assert ceiling.statistics == study.options.statistics
    assert not ceiling.of_readers
    values = asked(study, "estimate_values", EstimationJob, metric="fidelity_fine")
    assert values.estimators == tuple(study.estimators)
    ranking = asked(study, "rank_estimators", RankingJob)
    assert [one.name for one in ranking.metrics] == ["fidelity", "roc", "dice", "fidelity_fine"]
    assert lower_is_better(ranking.metrics) == []


def test_a_metric_under_another_name_has_all_but_figures_of_the_paper():
    study = study_of(metrics=FINE)
    added = set(study.table_files()) - set(study_of().table_files())
    stem = "results/demo/resnet50/tables/table_fidelity_fine"
    assert added == {f"{stem}{part}.csv" for part in ("", "_details", "_comparisons")}
    figures = set(study.figure_files()) - set(study_of().figure_files())
    assert {path.rpartition(".")[0].rpartition("/")[2] for path in figures} == {
        "differences_fidelity_fine_original",
        "differences_fidelity_fine_absolute",
    }
    assert len(study.all_points(wildcards())) == 4 * COUNT
    assert study.values()[-1] == "results/demo/resnet50/statistics/fidelity_fine/values.parquet"
    for rule, values in {
        "estimate_values": {"metric": "fidelity_fine"},
        "write_table": {"table": "table_fidelity_fine"},
    }.items():
        assert study.code(rule)(wildcards(**values)) != study.code(rule)(
            wildcards(metric="roc", table="table2_auc")
        )


def test_entries_that_read_the_same_points_otherwise_share_them():
    others = {
        "fidelity_probability": {"method": "fidelity", "answer": "probability"},
        "fidelity_road": {"method": "fidelity", "fill": "noisy_linear"},
        "fidelity_road_logit": {"method": "fidelity", "fill": "noisy_linear", "answer": "logit"},
    }
    # The step is that of config.yaml, as all but the entry's own keys are.
    study = study_of(
        metrics={name: DEFAULT["metrics"]["fidelity"] | it for name, it in others.items()}
    )
    folders = {path.split("/")[5] for path in study.all_points(wildcards()) if "fidelity" in path}
    assert folders == {"fidelity", "fidelity_road"}
    assert study.points("resnet50", "fidelity_probability") == study.points("resnet50", "fidelity")
    here = {"metric": "fidelity_road", "estimator": "random"}
    asks = asked(study, "evaluate_importance", EvaluationJob, **here)
    assert asks.options["fill"] == {"method": "noisy_linear", "noise": 0.01}
    values = asked(study, "estimate_values", EstimationJob, metric="fidelity_road_logit")
    assert values.metric.answer == "logit"


def test_another_answer_is_read_of_the_same_points_and_another_fill_is_other_code():
    def of(**options):
        study = study_of(metrics={"fidelity": DEFAULT["metrics"]["fidelity"] | options})
        here = wildcards(metric="fidelity", estimator="random")
        rules = ("evaluate_importance", "estimate_values")
        return [(study.job(rule)(here), study.code(rule)(here)) for rule in rules]

    plain, probability, road = of(), of(answer="probability"), of(fill="noisy_linear")
    assert probability[0] == plain[0]
    assert probability[1] != plain[1]
    assert road[0][1] != plain[0][1]


def test_a_fill_that_is_none_is_answered_while_the_workflow_is_read():
    with pytest.raises(
        InputError, match=r"metrics\.fidelity\.fill: sigma: .* less than or equal to 1"
    ):
        study_of(metrics={"fidelity": {"fill": {"method": "blur", "sigma": 8}}})
    with pytest.raises(InputError, match=r"metrics\.fidelity\.fill: give the name of a fill"):
        study_of(metrics={"fidelity": {"fill": "blurred"}})


def test_what_a_figure_is_drawn_from():
    study = study_of(metrics=FINE, report={"figure1_estimator": "random"})
    maps = study.tables_of_figure(wildcards(figure="figure1_examples"))
    assert maps == {
        "slices": "results/demo/slices.parquet",
        "predictions": "results/demo/resnet50/1/predictions.parquet",
        "maps": "results/demo/resnet50/1/saliency/random.parquet",
    }
    dice = study.tables_of_figure(wildcards(figure="figure6_dice_curves"))
    assert dice["ceiling"] == "results/demo/ceiling/dice/curves.parquet"
    assert dice["values"] == "results/demo/resnet50/statistics/dice/values.parquet"
    fine = wildcards(figure="differences_fidelity_fine_absolute")
    folder = "results/demo/resnet50/statistics/fidelity_fine"
    assert study.tables_of_figure(fine)["comparisons"] == f"{folder}/comparisons.parquet"


def test_what_a_figure_is_asked_and_what_the_report_says_of_it():
    study = study_of(metrics=FINE)
    fine = wildcards(figure="differences_fidelity_fine_absolute")
    drawn = FigureJob.model_validate_json(study.job("plot_figure")(fine)).figure
    assert drawn.name == fine.figure
    assert drawn.metric.metric.step == 0.01
    assert study.category_of_figure(fine) == "Differences"
    assert study.labels_of_figure(fine) == {"metric": "fidelity_fine", "values": "absolute"}
    first = wildcards(figure="figure1_examples")
    assert study.labels_of_figure(first) == {
        "figure": "1",
        "shows": "slice, mask and map of SmoothGrad Squared",
    }
    assert study.caption_of_figure(first).endswith("The map is that of SmoothGrad Squared.")


def test_figures_are_those_that_the_run_allows(tmp_path):
    given = {"weights": str(tmp_path / "mine.pt")}
    assert "training_curve" in study_of().figures["resnet50"]
    assert "training_curve" not in study_of(classifiers={"resnet50": given}).figures["resnet50"]
    (tmp_path / "scans").mkdir()
    data = {"data_dir": str(tmp_path), "cohort": {"datasets": {"one": {"dicom": "scans"}}}}
    overlay = data | {"metrics": {"fidelity": {}}, "estimators": {"random": {}, "centre": {}}}
    study = Study(parse_config(DEFAULT | overlay))
    assert list(study.figures["resnet50"]) == [
        *("differences_fidelity_absolute", "differences_fidelity_original"),
        *("figure2_fidelity_area", "figure4_fidelity_curves", "ranks", "training_curve"),
    ]


def test_a_figure_knows_nothing_that_it_does_not_show():
    """What it is asked is a parameter: a change of other options does not draw it again."""
    before, after = study_of(), study_of(estimators={"random": None}, statistics={"resamples": 100})
    changed = {
        name
        for name in before.figures["resnet50"]
        if before.job("plot_figure")(wildcards(figure=name))
        != after.job("plot_figure")(wildcards(figure=name))
    }
    assert changed == set(before.figures["resnet50"]) - {
        *("figure1_examples", "figure2_fidelity_area", "figure3_xrai", "training_curve")
    }


def test_shards_divide_maps_and_metrics():
    study = study_of(shards=3)
    assert study.sharded("a/b.parquet") == "a/shards/b.{shard}.parquet"
    parts = study.shards_of(wildcards(joined="saliency/random"))
    assert parts[2] == "results/demo/resnet50/1/saliency/shards/random.3of3.parquet"
    assert "metrics/roc/random" in study.joined()
    assert "saliency/smoothgrad" not in study.joined()
    job = asked(study, "compute_importance", ImportanceJob, estimator="random", shard="2of3")
    assert job.shard == "2of3"
    assert study_of().sharded("a/b.parquet") == "a/b.parquet"


def test_what_the_cohort_is_asked(data, tmp_path):
    study = Study(parse_config(DEFAULT | data | {"metrics": {"roc": {}}}))
    assert study.datasets == ["another", "one"]
    assert not study.is_phantom
    assert study.has_masks
    assert study.phantom() == []
    read = asked(study, "read_headers", HeadersJob, dataset="another")
    assert (read.folders, read.are_volumes) == ([str(tmp_path / "volumes")], True)
    labels = asked(study, "label_series", LabelJob)
    assert labels.datasets["one"].csv == str(tmp_path / "labels.csv")
    assert labels.datasets["another"].csv is None
    plan = asked(study, "plan_extraction", PlanJob)
    assert plan.masks["one"].folders == (str(tmp_path / "masks"),)
    assert plan.masks["another"].folders == ()
    assert not study.has_readers
    assert study.mask_files() == [str(tmp_path / "masks" / "1.png")]


def test_readers_are_judged_by_every_metric_of_masks(data, tmp_path):
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "2.png").touch()
    data["cohort"]["datasets"]["one"]["masks"] = {"me": "masks", "you": "others"}
    metrics = {"roc": {}, "dice": {}, "sparseness": {}, "fidelity": {}}
    study = Study(parse_config(DEFAULT | data | {"metrics": metrics}))
    folders = tuple(str(tmp_path / name) for name in ("masks", "others"))
    assert asked(study, "plan_extraction", PlanJob).masks["one"].folders == folders
    assert len(study.mask_files()) == 2
    run = study.folder
    assert study.ceiling("roc", "values") == [f"{run}/readers/roc/values.parquet"]
    assert study.ceiling("dice", "values") == [
        f"{run}/{kind}/dice/values.parquet" for kind in ("ceiling", "readers")
    ]
    assert study.ceiling("sparseness", "values") == study.ceiling("fidelity", "values") == []
    assert asked(study, "evaluate_ceiling", CeilingJob, metric="roc", ceiling="readers").of_readers


def test_folders_of_two_readers_must_not_share_files(data, tmp_path):
    (tmp_path / "masks" / "mine").mkdir()
    data["cohort"]["datasets"]["one"]["masks"] = {"me": "masks/mine", "you": "masks"}
    with pytest.raises(InputError, match=r"one\.masks: two readers have files in common"):
        Study(parse_config(DEFAULT | data | {"metrics": {"roc": {}}}))


def test_labels_of_the_phantom_with_nodules_are_by_slice_and_in_its_folder():
    nodules = {"task": {"classes": list(NODULES), "fill": ["mean"] * 3}}
    study = Study(parse_config(DEFAULT | nodules | {"cohort": {"phantom": {"task": "nodule"}}}))
    (labels,) = asked(study, "label_series", LabelJob).datasets.values()
    assert labels.csv == f"{study.folder}/phantom/labels.csv"
    assert (labels.options.key, labels.options.sources) == ("slice_id", ["csv"])
    (plain,) = asked(Study(parse_config(DEFAULT)), "label_series", LabelJob).datasets.values()
    assert plain.csv is None


def test_a_new_folder_at_the_top_of_a_dataset_is_seen(data, tmp_path):
    config = parse_config(DEFAULT | data)
    before = study_job = Study(config).job("read_headers")(wildcards(dataset="one"))
    assert Study(config).job("read_headers")(wildcards(dataset="one")) == study_job
    (tmp_path / "scans" / "second").mkdir()
    assert Study(config).job("read_headers")(wildcards(dataset="one")) != before


def test_files_whose_names_snakemake_would_change_are_told_by_a_stamp(data, tmp_path):
    odd = tmp_path / "masks" / "{run}.png"
    odd.touch()
    config = parse_config(DEFAULT | data)
    study = Study(config)
    assert study.mask_files() == [str(tmp_path / "masks" / "1.png")]
    before = study.job("plan_extraction")(wildcards())
    odd.write_bytes(b"changed")
    assert Study(config).job("plan_extraction")(wildcards()) != before


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("dicom", "nowhere", "config: cohort.datasets.one.dicom: .*nowhere does not exist"),
        ("masks", "nowhere", "config: cohort.datasets.one.masks: .*nowhere does not exist"),
        (
            "labels",
            {"csv": "no.csv"},
            r"config: cohort.datasets.one.labels.csv: .*no\.csv does",
        ),
    ],
)
def test_paths_that_are_not_there(data, key, value, message):
    data["cohort"]["datasets"]["one"][key] = value
    with pytest.raises(InputError, match=message):
        Study(parse_config(DEFAULT | data))


def test_two_datasets_with_files_in_common(data):
    data["cohort"]["datasets"]["two"] = {"dicom": "scans/first"}
    with pytest.raises(InputError, match="one and two have files in common"):
        Study(parse_config(DEFAULT | data))


def test_metrics_that_cannot_be_computed(data):
    data["cohort"]["datasets"]["one"].pop("masks")
    with pytest.raises(InputError, match=r"metrics\.roc needs masks"):
        Study(parse_config(DEFAULT | data | {"metrics": {"roc": {}}}))
    with pytest.raises(InputError, match=r"metrics\.fidelity is computed on test slices"):
        study_of(cohort={"test_fraction": 0})


def test_the_code_of_an_estimator_is_its_own(monkeypatch):
    seen = []
    monkeypatch.setattr(module, "code_digest", lambda *names: seen.append(names) or "digest")
    study = study_of()
    study.code("compute_importance")(wildcards(estimator="backpropagation"))
    study.code("share_passes")(wildcards(shared=next(iter(study.shared))))
    study.code("extract_slices")(wildcards(patients="p"))
    assert seen[0] == (
        "scripts/compute_importance.py",
        "ct_importance.saliency.estimators.gradient.backpropagation",
        "ct_importance.classifier.sources.architecture",
    )
    assert seen[1][1].startswith("ct_importance.saliency.shared.")
    assert seen[2] == ("scripts/extract_slices.py",)
    study.code("plot_figure")(wildcards(figure="differences_roc_original"))
    assert seen[3] == ("scripts/plot_figure.py", "ct_importance.report.figures.differences")


def test_benchmarks_of_an_estimator_are_those_of_its_jobs():
    files = study_of(shards=2).benchmarks("resnet50")
    assert files["random"] == [
        f"results/demo/benchmarks/compute_importance/resnet50/1/shards/random.{n}of2.tsv"
        for n in (1, 2)
    ]
    assert (
        files["smoothgrad"][0] == "results/demo/benchmarks/combine_shared/resnet50/1/smoothgrad.tsv"
    )
    assert len(files["integrated_gradients_bw"]) == 1 + 2 * 2


def test_jobs_are_plain_json_with_sorted_keys():
    text = study_of().job("plan_extraction")(wildcards())
    assert list(json.loads(text)) == sorted(json.loads(text))


def test_the_files_of_the_extraction_are_those_the_checkpoint_tells(tmp_path):
    study, split = study_of(), tmp_path / "split.parquet"
    schema = pa.schema([("patient_id", pa.string()), ("file", pa.string())])
    write_table(split, schema, {"patient_id": ["a", "b"], "file": ["a", "b-1"]})
    assert study.of_extraction("cohort/extracted", split) == [
        "results/demo/cohort/extracted/a.parquet",
        "results/demo/cohort/extracted/b-1.parquet",
    ]
    assert study.plans_of("a", split) == ["results/demo/cohort/plans/a.json"]
    write_table(split, schema, {name: list("abcdefghijklmnopqr") for name in schema.names})
    names = study.of_extraction("cohort/extracted", split)
    plans = [study.plans_of(Path(name).stem, split) for name in names]
    assert len(plans) < 18
    assert sorted(chain(*plans)) == [
        f"results/demo/cohort/plans/{it}.json" for it in "abcdefghijklmnopqr"
    ]
    split.write_bytes(split.read_bytes()[:-9])
    with pytest.raises(WorkflowError, match=r"split\.parquet .*delete this file and run again"):
        study.of_extraction("cohort/extracted", split)


def test_patterns_match_names_and_nothing_else():
    assert re.fullmatch(one_of(["a.b", "c"]), "a.b")
    assert not re.fullmatch(one_of(["a.b", "c"]), "axb")
    assert not re.fullmatch(one_of([]), "")
    assert growing(4000)(None, 3) == 12000


def test_the_grid_of_classifiers_and_trainings(tmp_path):
    mine = {"architecture": "resnet50", "weights": str(tmp_path / "mine.pt")}
    (tmp_path / "mine.pt").touch()
    study = study_of(classifiers={"mine": mine}, replicates=2)
    assert study.trainings == {"mine": ["1"], "resnet50": ["1", "2"]}
    assert (study.trained(), study.brought()) == (["resnet50"], ["mine"])
    places = ("mine/1", "resnet50/1", "resnet50/2")
    predictions = study.of_trainings("predictions.parquet")
    assert predictions == [f"results/demo/{place}/predictions.parquet" for place in places]
    points = study.points_of_metric(wildcards(metric="roc"))
    assert len(points) == 2 * COUNT
    assert points[COUNT] == "results/demo/resnet50/2/metrics/roc/backpropagation.parquet"
    assert len(study.points_of_explorer(wildcards())) == 3 * COUNT
    seeds = [
        asked(study, "train_classifier", TrainingJob, replicate=replicate).seed
        for replicate in ("1", "2")
    ]
    assert seeds == [study.options.seed, study.options.seed + 1]
    assert study.files_of_classifier(wildcards(classifier="mine")) == [str(tmp_path / "mine.pt")]
    assert asked(study, "import_classifier", ImportJob, classifier="mine").name == "mine"
    assert "training_curve" in study.figures["resnet50"]
    assert "training_curve" not in study.figures["mine"]
    assert study.labels_of_figure(wildcards(figure="ranks"))["classifier"] == "resnet50"
    assert "classifier" not in study_of().labels_of_figure(wildcards(figure="ranks"))
    assert study.repeated() == ["resnet50"]
    tables = [path for path in study.paper_tables("md") if "stability" in path]
    assert tables == ["results/demo/resnet50/tables/stability.md"]
    assert "results/demo/resnet50/tables/stability.csv" in study.table_files()
    assert not any("stability" in path for path in study_of().table_files())
    maps = study.maps_of_trainings(wildcards(estimator="random"))
    assert maps == [f"results/demo/resnet50/{it}/saliency/random.parquet" for it in (1, 2)]
    assert len(study.similarity(wildcards())) == COUNT
    assert asked(study, "write_stability", StabilityJob).trainings == 2
    compared = asked(study, "compare_maps", SimilarityJob, estimator="random")
    assert compared.subsets == tuple(study.explained())
    components = asked(study, "estimate_components", EstimationJob, metric="roc")
    assert components == asked(study, "estimate_values", EstimationJob, metric="roc")
    agreement = asked(study, "write_agreement", AgreementJob)
    assert (agreement.trainings, len(agreement.metrics)) == (2, 3)
    summary = asked(study, "write_summary", SummaryJob)
    found = {one.name: one.trainings for one in summary.classifiers}
    assert found == {"mine": 1, "resnet50": 2}


def test_what_is_made_of_several_classifiers():
    study = study_of(classifiers={"another": {"architecture": "resnet50"}}, replicates=2)
    run = "results/demo"
    added = {path for path in study.figure_files() if path.startswith(f"{run}/figures/")}
    assert added == {f"{run}/figures/classifiers.{suffix}" for suffix in ("svg", "pdf", "png")}
    assert f"{run}/tables/classifiers.csv" in study.table_files()
    assert study.caption_files()[-2:] == [
        f"{run}/resnet50/figures/captions.md",
        f"{run}/figures/captions.md",
    ]
    captions = [
        CaptionsJob.model_validate_json(study.job("write_captions")(wildcards(place=place)))
        for place in ("figures", "resnet50/figures")
    ]
    assert [[one.name for one in job.figures] for job in captions] == [
        ["classifiers"],
        list(study.figures["resnet50"]),
    ]
    here = SimpleNamespace(run="demo", figure="classifiers")
    assert study.tables_of_figure(here) == {"ranks": f"{run}/statistics/ranks.parquet"}
    assert study.labels_of_figure(here) == {"content": "ranks by every classifier"}
    drawn = FigureJob.model_validate_json(study.job("plot_classifiers")(here))
    assert drawn.figure.name == "classifiers"
    assert study.code("plot_classifiers")(here) != study.code("plot_figure")(
        wildcards(figure="ranks")
    )
    compared = ConcordanceJob.model_validate_json(study.job("compare_classifiers")(here))
    assert compared.trainings == {"another": 2, "resnet50": 2}
    points = study.points_of_classifiers()
    assert len(points) == 2 * 3 * 2 * COUNT
    assert points[0] == f"{run}/another/1/metrics/fidelity/backpropagation.parquet"
    assert points[-1] == f"{run}/resnet50/2/metrics/dice/sobel_edges.parquet"
    table = ClassifiersJob.model_validate_json(study.job("write_classifiers")(here))
    assert table.trainings == compared.trainings
    assert table.controls == study.controls() == drawn.figure.controls
    assert study.across("a.csv") == [f"{run}/a.csv"]


def test_the_explorer_of_several_classifiers_shows_the_first_training_of_each():
    study = study_of(classifiers={"another": {"architecture": "resnet50"}}, replicates=2)
    job = ExplorerJob.model_validate_json(
        study.job("explore_classifiers")(SimpleNamespace(run="demo"))
    )
    assert job.classifiers == ("another", "resnet50")
    assert job.slices == study.options.report.explorer_slices // 2
    maps, points = study.maps_of_classifiers(), study.points_of_maps()
    assert len(maps) == len(job.maps) == 2 * COUNT
    assert len(points) == 3 * 2 * COUNT
    for (name, classifier), path, measured in zip(job.maps.values(), maps, points, strict=False):
        assert path == f"results/demo/{classifier}/1/saliency/{name}.parquet"
        assert measured == f"results/demo/{classifier}/1/metrics/fidelity/{name}.parquet"


def test_two_networks_are_judged_side_by_side():
    overlay = yaml.safe_load((ROOT / "configs" / "two_networks.yaml").read_text())
    study = Study(parse_config(merge(DEFAULT, overlay)))

    assert study.is_phantom
    three = ["1", "2", "3"]
    assert study.trainings == {"densenet": three, "resnet50": three}
    assert study.repeated() == ["densenet", "resnet50"]
    assert "classifiers" in study.figures_across
    assert set(study.estimators) == set(PAPER)
    # Trained alike, so that they differ in the network.
    plain = (it.training.model_dump(exclude={"masking"}) for it in study.classifiers.values())
    assert next(plain) == next(plain)


def test_the_summary_of_labels_from_masks_names_no_other_source(data):
    del data["cohort"]["datasets"]["another"]
    del data["cohort"]["datasets"]["one"]["labels"]
    lesions = {"classes": ["healthy", "lesion"], "fill": ["mean", "mean"], "label_from": "mask"}
    told = asked(
        Study(parse_config(DEFAULT | data | {"task": lesions})), "write_summary", SummaryJob
    )

    assert "contrast" not in told.model_dump_json()
    assert told.config["cohort"]["datasets"]["one"]["masks"] == "(not shown)"


def test_of_one_classifier_nothing_is_compared():
    study = study_of()
    assert study.across("a.csv") == []
    assert study.figures_across == {}
    assert "classifiers" not in study.figure_names()
    assert not any("classifiers" in path for path in study.table_files())


def test_what_is_trained_does_not_depend_on_how_it_is_computed():
    fine, coarse = (
        study_of(classifiers={"resnet50": {"precision": precision}})
        for precision in ("float32", "bfloat16")
    )
    for rule, same in {"train_classifier": True, "predict_slices": False}.items():
        asked_of = [study.job(rule)(wildcards()) for study in (fine, coarse)]
        assert (asked_of[0] == asked_of[1]) is same


def test_files_of_classifiers_that_are_not_there(tmp_path):
    study = study_of(classifiers={"mine": {"architecture": "resnet50", "weights": "nothing.pt"}})
    message = "classifiers.mine.weights: nothing.pt is not a file"
    with pytest.raises(InputError, match=message):
        study.inputs.check_classifiers()


def test_windows_that_slices_do_not_hold():
    study = study_of(classifiers={"resnet50": {"windows": [[-1000, 3000]]}})
    message = "classifiers.resnet50: windows: .* beyond .*; set cohort.hu_window to .*3000"
    with pytest.raises(InputError, match=message):
        study.inputs.check_classifiers()


def test_a_bundle_whose_outputs_are_other_classes(tmp_path):
    others = {"0": "healthy", "1": "lesion"}
    folder = tmp_path / "theirs"
    write_bundle(folder, torch.nn.Linear(1, 1), DEFINITION, pred_channel_def=others)
    theirs = {"source": "bundle", "bundle": str(folder)}
    study_of(
        classifiers={"theirs": theirs}, task={"classes": ["Healthy", "Lesion"]}
    ).inputs.check_classifiers()
    message = r"classifiers.theirs: .*channel_def is healthy, lesion, but task.classes no contrast"
    with pytest.raises(InputError, match=message):
        study_of(classifiers={"theirs": theirs}).inputs.check_classifiers()


def test_a_classifier_is_what_its_files_hold(tmp_path):
    """The function's file, too: what it holds is part of what the rule is asked."""
    code, weights = tmp_path / "net.py", tmp_path / "net.safetensors"
    code.write_text("def build(): ...")
    weights.write_bytes((2).to_bytes(8, "little") + b"{}")
    mine = {"source": "factory", "factory": f"{code}:build", "weights": str(weights)}

    def asked_now():
        study = study_of(classifiers={"mine": mine})
        here = wildcards(classifier="mine")
        assert study.files_of_classifier(here) == [str(code), str(weights)]
        return study.job("import_classifier")(here)

    before = asked_now()
    assert asked_now() == before
    code.write_text("def build(): return 1")
    assert asked_now() != before
