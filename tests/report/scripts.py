"""Scripts of rules, run as Snakemake runs them."""

import runpy
from collections.abc import Mapping
from pathlib import Path

from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params, Snakemake

from ct_importance.options import Options
from ct_importance.workflow.config import canonical_json

ROOT = Path(__file__).resolve().parents[2]


def run_script(
    rule: str,
    job: Options,
    log: Path,
    input: Mapping[str, Path | list[Path]],
    output: Mapping[str, Path],
) -> None:
    """Run the script of a rule.

    Args:
        rule: Its name.
        job: What it is asked to do.
        log: Its log file.
        input: Its named inputs.
        output: Its named outputs.
    """
    files = InputFiles()
    for name, found in input.items():
        paths = found if isinstance(found, list) else [found]
        files.extend(paths)
        # A list stays one, a single file is the path itself, as Snakemake has it.
        end = len(files) if paths is found else None
        files._set_name(name, len(files) - len(paths), end)
    given = Snakemake(
        input_=files,
        output=OutputFiles(fromdict=dict(output)),
        params=Params(fromdict={"job": canonical_json(job)}),
        wildcards=None,
        threads=1,
        resources=None,
        log=Log([log]),
        config={},
        rulename=rule,
        bench_iteration=None,
    )
    runpy.run_path(str(ROOT / f"scripts/{rule}.py"), {"snakemake": given})
