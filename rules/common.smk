# Helper functions of the rules; no rule stands here.
import hashlib
import itertools
import json
import os
import re
import stat
from pathlib import Path

from ct_importance.workflow.code import code_digest, code_inputs
from ct_importance.io.folders import list_files, overlapping_folders
from ct_importance.cohort.options import ExtractionOptions, LabelOptions, SelectionOptions
from ct_importance.workflow.config import canonical_json, canonical_options, parse_config
from ct_importance.io.digests import file_digest
from ct_importance.errors import InputError
from ct_importance.workflow.job import WORKFLOW_PROCESS
from ct_importance.metrics.registry import load_metric, tables_of
from ct_importance.classifier.weights import read_weights
from ct_importance.report.summary import shareable_config
from ct_importance.io.table_file import read_table
from ct_importance.plugins import modules, name_of
from ct_importance.saliency.jobs import CombineJob, ImportanceJob, SharedJob
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

try:
    CONFIG = parse_config(config)
    TABLES = tables_of(CONFIG.metrics)
except InputError as error:
    raise WorkflowError(str(error)) from None

OPTIONS = CONFIG.options
COHORT = OPTIONS.cohort
RUN = OPTIONS.run
SEED = OPTIONS.seed
# In an order of their own: that of the configuration's keys must not count for anything.
ESTIMATORS = sorted(CONFIG.estimators)
METRICS = [TABLES[table] for table in sorted(TABLES)]
FORMATS = ["svg", "pdf", "png"]
EXPLORER_TEMPLATES = [
    f"ct_importance/report/explorer/templates/{name}"
    for name in ("page.html", "page.css", "levels.js", "drawing.js", "page.js")
]
DATASETS = dict(sorted(COHORT.given_datasets.items())) or {"phantom": None}
IS_PHANTOM = not COHORT.given_datasets


HEADER_TABLES = [f"results/{RUN}/cohort/headers/{dataset}.parquet" for dataset in DATASETS]


def has_masks():
    return IS_PHANTOM or any(dataset.masks is not None for dataset in DATASETS.values())


def slices_of(metric):
    """The subset of slices a metric is computed on."""
    return json.loads(CONFIG.metrics[metric])["slices"] if metric in METRICS else ""


for metric in METRICS:
    subset = slices_of(metric)
    if subset.endswith("test") and COHORT.test_fraction == 0:
        raise WorkflowError(
            f"config: metrics.{metric} is computed on test slices, and cohort.test_fraction is 0: "
            f"set metrics.{metric}.slices to annotated or all"
        )
    wants_masks = "mask" in load_metric(metric).NEEDS or subset.startswith("annotated")
    if wants_masks and not has_masks():
        raise WorkflowError(
            f"config: metrics.{metric} needs masks: set `masks` of a dataset in cohort.datasets to "
            f"their folder, or leave the metric out with metrics: {{{metric}: null}}"
        )

# Jobs end with the process that reads this, be it killed.
os.environ[WORKFLOW_PROCESS] = str(os.getpid())

STATISTICS = canonical_options(OPTIONS.statistics, type(OPTIONS.statistics))
PREPARATION = canonical_options(COHORT, ExtractionOptions)
ENV = "../envs/{}.yaml"


def growing(amount):
    """A resource of which a job that is tried again gets twice as much, then three times."""

    def for_attempt(wildcards, attempt):
        return amount * attempt

    return for_attempt


def code_with(driver, *modules):
    """Modules that a script loads by name, and what it and they import."""
    return sorted({*modules, *code_inputs(driver, *modules)})


def checked_path(path, key, exists):
    """A path of the cohort section, taken from data_dir; an error if it cannot be read."""
    full = CONFIG.data_path(path)
    if not exists(full):
        raise WorkflowError(
            f"config: cohort.{key}: {full} does not exist; relative paths start at data_dir "
            f"({OPTIONS.data_dir})"
        )
    if not is_readable(full):
        raise WorkflowError(f"config: cohort.{key}: {full} cannot be read; change its permissions")
    return full


def is_readable(path):
    return os.access(path, os.R_OK | os.X_OK if os.path.isdir(path) else os.R_OK)


# Snakemake replaces {name} and <name> in every path, and cannot print names that are not UTF-8. There is no way
# to write them otherwise, so such files of the user are no inputs: a param tells when they change.
REPLACED = re.compile(r"\{\s*[.\w]|<[a-z]|[\ud800-\udfff]")


def as_inputs(paths):
    """The files and folders of the user that Snakemake takes as they are."""
    return [path for path in paths if not REPLACED.search(path)]


def stamps_of_others(paths):
    """What tells of changes of files and folders that cannot be inputs; "" if there are none."""
    digest = hashlib.blake2b(digest_size=16)
    others = [path for path in paths if REPLACED.search(path)]
    for path in others:
        status = os.stat(path)
        digest.update(f"{os.fsencode(path)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest() if others else ""


def literally(text):
    """Text of the user as a param: Snakemake leaves what a function returns as it is."""
    return lambda wildcards: text


def phantom_folder():
    return [f"results/{RUN}/phantom"] if IS_PHANTOM else []


def image_folders(name, dataset):
    kind = "dicom" if dataset.volumes is None else "volumes"
    key = f"datasets.{name}.{kind}"
    return [checked_path(folder, key, os.path.isdir) for folder in dataset.folders]


def patients_csv(name, dataset):
    key = f"datasets.{name}.patients"
    return dataset.patients and checked_path(dataset.patients, key, os.path.isfile)


# Found out while the rules are read: errors of input functions come with a traceback.
IMAGE_FOLDERS = {name: image_folders(name, it) for name, it in COHORT.given_datasets.items()}
PATIENTS_CSV = {name: patients_csv(name, it) for name, it in COHORT.given_datasets.items()}


for (one, first), (other, second) in itertools.combinations(IMAGE_FOLDERS.items(), 2):
    same_kind = (DATASETS[one].volumes is None) == (DATASETS[other].volumes is None)
    if same_kind and overlapping_folders(first, second):
        raise WorkflowError(
            f"config: cohort.datasets: {one} and {other} have files in common: "
            f"{' and '.join(overlapping_folders(first, second))}; give each its own folders"
        )


def dataset_folders(wildcards):
    """Where the images of a dataset are; those of the phantom are made by a rule."""
    return IMAGE_FOLDERS.get(wildcards.dataset, [])


def dataset_patients(wildcards):
    path = PATIENTS_CSV.get(wildcards.dataset)
    return [path] if path else []


def reading_files(wildcards):
    """What read_headers depends on, besides what lies below the folders."""
    return [*dataset_folders(wildcards), *dataset_patients(wildcards), *pseudonym_key()]


def tracked_reading_files(wildcards):
    return as_inputs(reading_files(wildcards))


def stamps_of_reading(wildcards):
    return stamps_of_others(reading_files(wildcards))


def top_level_digest(wildcards):
    """What lies at the top of a dataset's folders: rsync -a keeps the time of the folder itself."""
    names = [sorted(os.listdir(folder)) for folder in dataset_folders(wildcards)]
    return hashlib.blake2b(json.dumps(names).encode(), digest_size=16).hexdigest()


def dataset_reading(wildcards):
    """What decides which files of a dataset are read, and how."""
    dataset = DATASETS[wildcards.dataset]
    return json.dumps(
        {
            "folders": [f"{folder}/dicom" for folder in phantom_folder()]
            or dataset_folders(wildcards),
            "content": top_level_digest(wildcards),
            "are_volumes": not IS_PHANTOM and dataset.volumes is not None,
            "keep_derived": not IS_PHANTOM and dataset.keep_derived,
            "patients_csv": PATIENTS_CSV.get(wildcards.dataset),
        },
        sort_keys=True,
    )


def pseudonym_key():
    if COHORT.pseudonym_key is None:
        return []
    return [checked_path(COHORT.pseudonym_key, "pseudonym_key", os.path.isfile)]


def label_file(name):
    path = None if IS_PHANTOM else DATASETS[name].labels.csv
    return path and checked_path(path, f"datasets.{name}.labels.csv", os.path.isfile)


def label_files():
    return sorted({path for path in map(label_file, DATASETS) if path})


def label_sources():
    """Where the labels of each dataset come from."""
    sources = {
        name: {
            "csv": label_file(name),
            "options": (LabelOptions() if IS_PHANTOM else dataset.labels).model_dump(),
        }
        for name, dataset in DATASETS.items()
    }
    return json.dumps(sources, sort_keys=True)


def mask_folder(name):
    if IS_PHANTOM:
        return f"results/{RUN}/phantom/masks"
    path = DATASETS[name].masks
    return path and checked_path(path, f"datasets.{name}.masks", os.path.isdir)


def mask_files():
    """The mask files of the user one by one: Snakemake sees when one of them changes."""
    if IS_PHANTOM:
        return []
    folders = sorted({folder for folder in map(mask_folder, DATASETS) if folder})
    try:
        stamps = list_files(folders, "cohort.datasets.<name>.masks", hidden=False)
    except InputError as error:
        raise WorkflowError(str(error)) from None
    # A link to nothing is set aside later; Snakemake would stop at it.
    return [stamp.path for stamp in stamps if os.path.exists(stamp.path)]


MASK_FILES = mask_files()

if workflow.is_main_process:
    for key in pseudonym_key():
        if os.stat(key).st_mode & (stat.S_IRGRP | stat.S_IROTH):
            logger.warning(
                f"config: cohort.pseudonym_key: others can read {key}, and make the pseudonyms of patients again "
                f"with it; chmod 600 takes that from them"
            )


def mask_sources():
    """Where the masks of each dataset are, and which structures count."""
    sources = {
        name: {
            "folder": mask_folder(name),
            "structures": None if IS_PHANTOM else dataset.structures,
        }
        for name, dataset in DATASETS.items()
    }
    return json.dumps(sources, sort_keys=True)


def chest_table():
    wanted = COHORT.body_region.region == "chest"
    return [f"results/{RUN}/cohort/chest.parquet"] if wanted else []


SHARDS = [f"{number}of{OPTIONS.shards}" for number in range(1, OPTIONS.shards + 1)]


def sharded(path):
    """A file per shard in place of one, if the slices are divided among several jobs."""
    if len(SHARDS) == 1:
        return path
    folder, name = os.path.split(path)
    stem, suffix = os.path.splitext(name)
    return f"{folder}/shards/{stem}.{{shard}}{suffix}"


def shard_of_job(wildcards):
    return wildcards.get("shard", SHARDS[0])


def shards_of_table(wildcards):
    return expand(sharded(f"results/{wildcards.run}/{wildcards.joined}.parquet"), shard=SHARDS)


def weights_file():
    """The trained model of the user, as an input."""
    path = OPTIONS.model.weights
    if not os.path.isfile(path) or not is_readable(path):
        raise WorkflowError(f"config: model.weights: {path} is not a file that can be read")
    return path


# Jobs read this file as well, and the weights are what they were.
if OPTIONS.model.weights is not None and workflow.is_main_process:
    try:
        read_weights(weights_file(), COHORT.image_size, COHORT.hu_window)
    except (InputError, OSError) as error:
        raise WorkflowError(f"config: model.weights: {error}") from None


def weights_digest():
    """Snakemake compares files of this size by time only; the digest tells equal ones apart."""
    return file_digest(weights_file())


def patients(wildcards):
    """File names of the patients, which the checkpoint finds out."""
    split = checkpoints.plan_extraction.get(run=wildcards.run).output.split
    try:
        return read_table(split, ["file"]).column("file").to_pylist()
    except InputError as error:
        raise WorkflowError(str(error)) from None


def patient_plan(wildcards):
    plans = checkpoints.plan_extraction.get(run=wildcards.run).output.plans
    return f"{plans}/{wildcards.patient}.json"


def slice_files(wildcards):
    return [f"results/{RUN}/slices/{patient}.parquet" for patient in patients(wildcards)]


def rejected_of_patients(wildcards):
    return [f"results/{RUN}/cohort/rejected/{patient}.parquet" for patient in patients(wildcards)]


def explained_subsets():
    """Which slices need maps: those a metric is computed on, and those with a mask for figures."""
    subsets = set(map(slices_of, METRICS))
    if has_masks():
        subsets = subsets - {"annotated_test"} | {"annotated"}
    return json.dumps(["all"] if "all" in subsets else sorted(subsets))


def metric_module(metric):
    return f"ct_importance/metrics/catalogue/{metric}.py"


COMBINED = [name for name in ESTIMATORS if CONFIG.estimators[name].shared()]
SHARED = {
    work.name: work for name in COMBINED for work in CONFIG.estimators[name].shared().values()
}


def explaining():
    """What all jobs that explain slices have in common."""
    return {
        "image_shape": [1, COHORT.image_size, COHORT.image_size],
        "seed": SEED,
        "subsets": json.loads(explained_subsets()),
        "classes": OPTIONS.task.classes,
        "activation": OPTIONS.saliency.target,
        "precision": OPTIONS.model.precision,
    }


def entry_of(estimator):
    """What tells an estimator's script which one to run."""
    chosen = CONFIG.estimators[estimator]
    return {"name": estimator, "method": name_of(type(chosen)), "options": chosen.model_dump()}


def importance_job(wildcards):
    entry, shard = entry_of(wildcards.estimator), shard_of_job(wildcards)
    return canonical_json(ImportanceJob(**entry, **explaining(), shard=shard))


def importance_code(wildcards):
    method = name_of(type(CONFIG.estimators[wildcards.estimator]))
    return code_digest("scripts/compute_importance.py", modules("estimator")[method])


def shared_job(wildcards):
    work = SHARED[wildcards.shared]
    entry = {"kind": work.kind, "options": work.model_dump()}
    return canonical_json(SharedJob(**entry, **explaining(), shard=shard_of_job(wildcards)))


def shared_code(wildcards):
    kind = SHARED[wildcards.shared].kind
    return code_digest("scripts/share_passes.py", modules("shared")[kind])


def predictions_of_target(wildcards):
    """Predictions, where the explained class follows them."""
    follows = SHARED[wildcards.shared].target == "predicted"
    return f"results/{wildcards.run}/model/predictions.parquet" if follows else []


def combine_job(wildcards):
    common = explaining()
    entry = entry_of(wildcards.estimator)
    shape = {name: common[name] for name in ("image_shape", "seed")}
    return canonical_json(CombineJob(**entry, **shape))


def combine_code(wildcards):
    method = name_of(type(CONFIG.estimators[wildcards.estimator]))
    return code_digest("scripts/combine_shared.py", modules("estimator")[method])


def tables_of_shared(wildcards):
    works = CONFIG.estimators[wildcards.estimator].shared().values()
    return [f"results/{wildcards.run}/saliency/shared/{work.name}.parquet" for work in works]


def any_of(names):
    """A pattern that matches these names and nothing else, even if there are none."""
    return "|".join(names) or "(?!)"


def ceiling_code(wildcards):
    return code_with("scripts/evaluate_ceiling.py", metric_module(wildcards.metric))


def ceiling_of(metric, table):
    """What a perfect map reaches by a metric of regions; other metrics have no ceiling but 1."""
    has_ceiling = {"mask", "segments"} <= metric_needs(metric)
    return [f"results/{RUN}/statistics/{metric}/ceiling/{table}.parquet"] if has_ceiling else []


def metric_options(wildcards):
    return CONFIG.metrics[wildcards.metric]


def metric_code(wildcards):
    return code_with("scripts/evaluate_importance.py", metric_module(wildcards.metric))


def metric_needs(metric):
    return load_metric(metric).NEEDS


def metric_classifier(wildcards):
    needed = "classifier" in metric_needs(wildcards.metric)
    return f"results/{RUN}/model/classifier.pt" if needed else []


def metric_segments(wildcards):
    needed = "segments" in metric_needs(wildcards.metric)
    return f"results/{RUN}/metrics/segments.parquet" if needed else []


def metric_gpus(wildcards):
    return int("classifier" in metric_needs(wildcards.metric))


def metric_precision(wildcards):
    needed = "classifier" in metric_needs(wildcards.metric)
    return OPTIONS.model.precision if needed else None


def points_of(metric):
    """The tables of one metric, one per estimator."""
    return [f"results/{RUN}/metrics/{metric}/{estimator}.parquet" for estimator in ESTIMATORS]


def metric_points(wildcards):
    return points_of(wildcards.metric)


def statistics_code(wildcards):
    return code_with("scripts/evaluate_estimators.py", metric_module(wildcards.metric))


RANKING_CODE = code_with("scripts/rank_estimators.py", *map(metric_module, METRICS))


def plot_differences_code(wildcards):
    return code_with("scripts/plot_differences.py", metric_module(wildcards.metric))


def metric_specs():
    """The metrics with the JSON of their options, in the order of their tables."""
    return json.dumps({metric: CONFIG.metrics[metric] for metric in METRICS})


SUMMARY_CODE = code_with("scripts/write_summary.py", *map(metric_module, METRICS))


def table_metric_options(wildcards):
    return CONFIG.metrics[TABLES[wildcards.table]]


def points_if_configured(metric):
    return points_of(metric) if metric in METRICS else []


def table_metric(wildcards):
    return TABLES[wildcards.table]


def table_values(wildcards):
    return f"results/{RUN}/statistics/{TABLES[wildcards.table]}/values.parquet"


def table_comparisons(wildcards):
    return f"results/{RUN}/statistics/{TABLES[wildcards.table]}/comparisons.parquet"


def table_ceiling(wildcards):
    return ceiling_of(TABLES[wildcards.table], "values")


def table_code(wildcards):
    path = metric_module(TABLES[wildcards.table])
    return code_with("scripts/write_table.py", path)


def figure_names():
    """The figures that the configured metrics allow."""
    names = ["training_curve"] if OPTIONS.model.weights is None else []
    if has_masks():
        names += ["figure1_examples"]
    if "fidelity" in METRICS:
        names += ["figure2_fidelity_area", "figure4_fidelity_curves"]
    if "dice" in METRICS:
        names += ["figure3_xrai", "figure6_dice_curves"]
    if "roc" in METRICS:
        names += ["figure5_roc_curves"]
    names += [
        f"differences_{metric}_{variant}"
        for metric in METRICS
        for variant in ("original", "absolute")
    ]
    return sorted([*names, "rank_flow"])


def all_tables():
    stems = [f"{table}{part}" for table in TABLES for part in ("", "_details", "_comparisons")]
    return [f"results/{RUN}/tables/{stem}.csv" for stem in [*stems, "agreement", "ranks", "cost"]]


def cost_files():
    """Snakemake's benchmark files of the jobs that make the maps of each estimator."""
    files = {}
    for name in ESTIMATORS:
        folder = f"results/{RUN}/benchmarks"
        jobs = [sharded(f"{folder}/compute_importance/{name}.tsv")]
        if name in COMBINED:
            shared = [
                sharded(f"{folder}/share_passes/{work.name}.tsv")
                for work in CONFIG.estimators[name].shared().values()
            ]
            jobs = [f"{folder}/combine_shared/{name}.tsv", *shared]
        files[name] = expand(jobs, shard=SHARDS)
    return files


def estimator_passes():
    """Gradients that each estimator takes of a slice."""
    return {name: CONFIG.estimators[name].cost().backward for name in ESTIMATORS}


def all_figures():
    return [
        f"results/{RUN}/figures/{name}.{suffix}" for name in figure_names() for suffix in FORMATS
    ]


def pick_estimator(chosen, usual):
    """The estimator of an example figure: as configured, else the paper's, else the first."""
    if chosen is not None:
        return chosen
    return usual if usual in ESTIMATORS else ESTIMATORS[0]


FIGURE1_ESTIMATOR = pick_estimator(OPTIONS.report.figure1_estimator, "smoothgrad_squared")
FIGURE3_ESTIMATOR = pick_estimator(OPTIONS.report.figure3_estimator, "expected_gradients")


def files_up_to_date():
    """After a run: the files that its targets made or found up to date; others may be old."""
    jobs = workflow.dag.bfs(workflow.dag.dependencies, *workflow.dag.targetjobs)
    return {str(path) for job in jobs for path in job.output}
