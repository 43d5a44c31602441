"""Rule read_headers: read the headers of one dataset, those that are new since the last time."""

import hashlib
import json
from importlib import metadata
from pathlib import Path

from ct_importance.cohort.headers import ImageSource, update_headers
from ct_importance.cohort.jobs import HeadersJob
from ct_importance.cohort.pseudonyms import read_pseudonyms
from ct_importance.workflow.running import running

LIBRARIES = [
    f"{name} {metadata.version(name)}" for name in ("nibabel", "pydicom", "pylibjpeg", "SimpleITK")
]


def version_of(job: HeadersJob) -> str:
    """Return a digest of what decides how a file is read."""
    options = [job.code, job.are_volumes, job.keep_derived, *LIBRARIES]
    digest = hashlib.blake2b(json.dumps(options).encode(), digest_size=16)
    for path in filter(None, [job.patients_csv, job.pseudonym_key]):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


with running(snakemake, HeadersJob) as job:
    source = ImageSource(
        dataset=job.dataset,
        folders=job.folders,
        are_volumes=job.are_volumes,
        keep_derived=job.keep_derived,
        patients_csv=job.patients_csv,
        pseudonyms=read_pseudonyms(job.pseudonym_key),
    )
    update_headers(source, snakemake.output.headers, version_of(job), workers=snakemake.threads)
