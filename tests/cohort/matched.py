"""Which slices masks mark, and which masks are set aside."""

from typing import Any

from ct_importance.cohort.masks import matching


def match_masks(*given: Any) -> tuple[dict[str, list[dict[str, str]]], dict[str, str]]:
    """Return the mask files of each slice, and path -> reason of the others."""
    found = matching.match_masks(*given)
    return found.masks, found.rejected
