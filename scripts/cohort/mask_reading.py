"""Words the reason why a mask file cannot be read."""

from __future__ import annotations

from contextlib import AbstractContextManager

from scripts.cohort import quiet_reading


def reading(kind: str) -> AbstractContextManager[None]:
    """Turn whatever a reader of masks raises into a reason (`quiet_reading.reading`).

    Args:
        kind: Format of the file, for the message.

    Raises:
        RejectedFile: If the block raises.
    """
    return quiet_reading.reading(f"mask cannot be read as {kind}")
