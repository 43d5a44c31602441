"""The captions of all figures of a folder, in one file beside them."""

from __future__ import annotations

from ct_importance.io.atomic import write_text
from ct_importance.io.paths import StrPath
from ct_importance.report.jobs import CaptionsJob
from ct_importance.report.markup import escape_markdown


def write_captions(job: CaptionsJob, path: StrPath) -> None:
    """Write the heading, the name of the files and the caption of each figure, as Markdown.

    Args:
        job: The figures, in their order.
        path: File to write.
    """
    parts = ["# Captions"]
    for one in job.figures:
        parts += [f"## {escape_markdown(one.heading)}", f"Files: `{one.name}.*`"]
        parts.append(escape_markdown(one.caption))
    write_text(path, "\n\n".join(parts) + "\n")
