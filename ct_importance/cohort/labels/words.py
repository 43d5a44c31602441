"""What the free text of a DICOM header says about contrast agent."""

from __future__ import annotations

import re

NOT_FILLED_IN = re.compile(
    r"unk(?:nown)?|n\W*a|null|unspecified|anonymi[sz]ed|removed|redacted|no info(?:rmation)?"
    r"|not (?:specified|recorded|known|available|stated|documented)",
    re.I,
)
NO_AGENT = re.compile(r"^(?:n|no|non|none|nil|not|false|nein)\b(?![- ]?ionic)", re.I)
_IV = r"(?:iv\b|i\.v\.|intraven\w*)"
_ORAL = r"(?:oral|rectal|per os|p\.?o\.?)\b"
_WO = r"(?:w\s*/\s*o(?:ut)?|wo|without)\b"
_AND = r"\s*(?:(?:and|[&/+,])\s*)+"
INTRAVENOUS = re.compile(r"\b(?:iv|i\.v\.|intraven\w*)", re.I)
BY_MOUTH = re.compile(rf"\b{_ORAL}", re.I)
# "W/O ORAL" leaves open what was injected, "W/O ORAL OR IV" does not.
NOT_BY_MOUTH = re.compile(
    rf"\b(?:{_WO}|no\b)\s*{_ORAL}(?:\s*(?:and|or|[&/])\s*{_ORAL})*+(?:\s*cont\w*)?+"
    rf"(?!\s*(?:and|or|[&/])\s*{_IV})",
    re.I,
)
# The last words are often cut off: "WITH AND WI".
WITH_AND_WITHOUT = re.compile(
    rf"\bw(?:ith)?(?:{_AND}|\s*){_WO}|\b{_WO}{_AND}w(?:ith)?\b|\bwith{_AND}(?:wi?|wit|witho\w*)\b",
    re.I,
)
_UNENHANCED = r"\bunenhanced\b|\bnon[- ]?(?:contrast|enhanced)|\bC-(?!\w)"
WITHOUT = re.compile(rf"\b{_WO}|{_UNENHANCED}", re.I)
# Of an agent that is named, "WITHOUT REACTION" or the like says nothing.
WITHOUT_AGENT = re.compile(
    rf"^{_WO}|\b{_WO}\s*(?:{_IV}\s*)?(?:cont|enhance|agent|$)|{_UNENHANCED}", re.I
)
WITH = re.compile(
    rf"\bw(?:ith)?\s*/?\s*{_IV}|\bw\s*/\s*cont|\bw(?:ith)?\s+cont|\bw\s+c\b"
    r"|(?<!non[- ])\benhanced\b|\bC\+|\bangio|\bCTA\b",
    re.I,
)


def classify_agent(value: str | None) -> str:
    """Return what ContrastBolusAgent holds: "absent" (None), "empty", "none" or "agent".

    Agent given by mouth only does not enhance vessels; like a text without a word, or one that
    stands for a missing one, it leaves open whether any was injected: "empty".
    """
    if value is None:
        return "absent"
    text = NOT_BY_MOUTH.sub("", value).strip()
    if NOT_FILLED_IN.fullmatch(text.strip("<>()[].- ")) or WITH_AND_WITHOUT.search(text):
        return "empty"
    if NO_AGENT.search(text) or WITHOUT_AGENT.search(text):
        return "none"
    by_mouth_only = BY_MOUTH.search(text) and not INTRAVENOUS.search(text)
    if not re.search("[a-z]", text, re.I) or by_mouth_only:
        return "empty"
    return "agent"


def description_label(text: str) -> int | None:
    """Return what the words of Study- and SeriesDescription say: 1, 0, or None.

    A study with and without contrast says nothing about one of its series.
    """
    text = NOT_BY_MOUTH.sub("", text)
    if WITH_AND_WITHOUT.search(text):
        return None
    without, enhanced = bool(WITHOUT.search(text)), bool(WITH.search(text))
    if without == enhanced:
        return None
    return int(enhanced)
