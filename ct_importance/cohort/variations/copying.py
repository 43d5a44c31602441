"""Makes noisy copies of slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ct_importance.cohort.jobs import CopyJob
from ct_importance.compute.chunks import in_chunks
from ct_importance.compute.progress import progress
from ct_importance.compute.randomness import generator_for
from ct_importance.io.image_table import ROWS_PER_GROUP, TableWriter
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import (
    FLAGS,
    Row,
    copy_id,
    count_slices,
    image_schema,
    iterate_slices,
    write_slice_list,
)


def copy_slices(job: CopyJob, chosen: StrPath, slices: StrPath, images: StrPath) -> None:
    """Write noisy copies of slices, one slice after the other, and a list of them.

    A copy is its slice but for its pixels and its id (`copy_id`). To all that explains them, copies
    are slices of their own: an estimator that draws random numbers draws others for each.

    Args:
        job: How many, and how noisy.
        chosen: The list of the slices.
        slices: The list of the copies to write.
        images: The table of their pixels to write, which the list names.
    """
    schema = image_schema(chosen)
    with TableWriter(images, schema) as writer:
        columns = [name for name in schema.names if name not in FLAGS]
        for group in in_chunks(_copies(job, chosen, columns), ROWS_PER_GROUP):
            # Slices of one list lie in several tables, and not each of these has every mask.
            writer.write({name: [row.get(name) for row in group] for name in schema.names})
    write_slice_list(slices, [images])


def _copies(job: CopyJob, chosen: StrPath, columns: Sequence[str]) -> Iterator[Row]:
    radii = [radius for radius in job.radii for _ in range(job.copies)]
    rows = iterate_slices(chosen, ["all"], columns)
    for row in progress(rows, "noisy copies: slices", count_slices(chosen, ["all"])):
        for number, radius in enumerate(radii, 1):
            noise = generator_for(job.seed, row["slice_id"], "noisy copy", number)
            image = with_noise(row["image"], radius, noise)
            yield row | {"slice_id": copy_id(row["slice_id"], number), "image": image}


def with_noise(
    image: NDArray[np.float32], radius: float, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Return an image to each pixel of which a number of U(-radius, radius) is added.

    What is then darker than black or brighter than white is cut off, as in any slice.

    Args:
        image: In [0, 1], of any shape.
        radius: A share of the range from black to white.
        generator: Gives the random numbers.
    """
    noise = generator.uniform(-radius, radius, image.shape)
    noisy: NDArray[np.float32] = np.clip(image + noise, 0, 1).astype(np.float32)
    return noisy
