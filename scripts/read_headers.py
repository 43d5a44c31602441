"""Rule read_headers: read the headers of one dataset, those that are new since the last time."""

import hashlib
import json
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from ct_importance.cohort.headers import ImageSource, update_headers
from ct_importance.cohort.pseudonyms import read_pseudonyms
from ct_importance.workflow.job import job_log

LIBRARIES = [
    f"{name} {metadata.version(name)}" for name in ("nibabel", "pydicom", "pylibjpeg", "SimpleITK")
]


def version_of(code: Sequence[str], key: str | None, *options: object) -> str:
    """Return a digest of what decides how a file is read."""
    digest = hashlib.blake2b(json.dumps([*options, *LIBRARIES]).encode(), digest_size=16)
    for path in [*code, *([key] if key else [])]:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


with job_log(snakemake.log[0]):
    options = json.loads(snakemake.params.options)
    key = snakemake.params.pseudonym_key
    source = ImageSource(
        dataset=snakemake.wildcards.dataset,
        folders=options["folders"],
        are_volumes=options["are_volumes"],
        keep_derived=options["keep_derived"],
        patients_csv=options["patients_csv"],
        pseudonyms=read_pseudonyms(key),
    )
    csv = [options["patients_csv"]] if options["patients_csv"] else []
    update_headers(
        source,
        snakemake.output.headers,
        version_of([*snakemake.input.code, *csv], key, source.are_volumes, source.keep_derived),
        workers=snakemake.threads,
    )
