"""Words the reason why a mask file cannot be read."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ct_importance.cohort import rejection


def reading(kind: str) -> AbstractContextManager[None]:
    """Turn whatever a reader of masks raises into a reason (`rejection.reading`).

    Args:
        kind: Format of the file, for the message.

    Raises:
        RejectedFile: If the block raises.
    """
    return rejection.reading(f"mask cannot be read as {kind}")
