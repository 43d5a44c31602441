"""What the free text of a DICOM header says about contrast agent."""

from __future__ import annotations

import re

NO_AGENT = re.compile(r"^(?:n|no|non|none|nil|not)\b(?![- ]?ionic)", re.I)
INTRAVENOUS = re.compile(r"\b(?:iv|i\.v\.|intraven\w*)", re.I)
BY_MOUTH = re.compile(r"\b(?:oral|rectal|per os|p\.?o\.?)\b", re.I)
_WO = r"(?:w\s*/\s*o(?:ut)?|wo|without)\b"
_AND = r"\s*(?:and|[&/+,])\s*"
# The last words are often cut off: "WITH AND WI".
WITH_AND_WITHOUT = re.compile(
    rf"\bw(?:ith)?(?:{_AND}|\s*){_WO}|\b{_WO}{_AND}w(?:ith)?\b|\bwith{_AND}(?:wi?|wit|witho\w*)\b",
    re.I,
)
WITHOUT = re.compile(rf"\b{_WO}|\bunenhanced\b|\bnon[- ]?(?:contrast|enhanced)|\bC-(?!\w)", re.I)
WITH = re.compile(
    r"\bw\s*/\s*(?:iv\s+)?cont|\bw(?:ith)?\s+(?:iv\s+)?cont|\bw\s+c\b|(?<!non[- ])\benhanced\b"
    r"|\bC\+|\bangio|\bCTA\b",
    re.I,
)


def classify_agent(value: str | None) -> str:
    """Return what ContrastBolusAgent holds: "absent" (None), "empty", "none" or "agent".

    Agent given by mouth only does not enhance vessels; like a text without a word, it leaves open
    whether any was injected: "empty".
    """
    if value is None:
        return "absent"
    text = value.strip()
    if NO_AGENT.search(text) or WITHOUT.search(text):
        return "none"
    by_mouth_only = BY_MOUTH.search(text) and not INTRAVENOUS.search(text)
    if not re.search("[a-z]", text, re.I) or by_mouth_only:
        return "empty"
    return "agent"


def description_label(text: str) -> int | None:
    """Return what the words of Study- and SeriesDescription say: 1, 0, or None.

    A study with and without contrast says nothing about one of its series.
    """
    if WITH_AND_WITHOUT.search(text):
        return None
    without, enhanced = bool(WITHOUT.search(text)), bool(WITH.search(text))
    if without == enhanced:
        return None
    return int(enhanced)
