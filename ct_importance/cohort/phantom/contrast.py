"""What contrast agent changes, and how headers tell of it."""

import numpy as np

from ct_importance.compute.randomness import generator_for

BLOOD_POOLS = (
    "inferior_vena_cava",
    "right_atrium",
    "left_atrium",
    "right_ventricle",
    "left_ventricle",
    "pulmonary_artery",
    "superior_vena_cava",
    "aorta",
)
NATIVE_ORGANS = {"myocardium": 46.0, "liver": 56.0, "spleen": 48.0}
# Enhanced blood (HU, in the order of BLOOD_POOLS) and organs, by the time since the injection.
PHASES = {
    "pulmonary": ((150, 270, 240, 310, 215, 350, 390, 185), (54.0, 58.0, 52.0)),
    "systemic": ((155, 190, 290, 205, 300, 225, 330, 310), (66.0, 62.0, 68.0)),
    "late": ((170, 180, 190, 180, 190, 185, 200, 190), (68.0, 74.0, 74.0)),
}
LEAST_ENHANCED, MOST_ENHANCED = 150.0, 400.0
AGENTS = ("OMNIPAQUE 350", "ISOVUE 370", "VISIPAQUE 320")
WITH_CONTRAST = "CT CHEST W CONTRAST"
WITHOUT_CONTRAST = "CT CHEST WITHOUT CONTRAST"


def tissues(contrast: bool, patient_id: str, seed: int) -> dict[str, float]:
    """Return the Hounsfield units of the tissues that contrast agent changes.

    Args:
        contrast: Whether there is any.
        patient_id: The patient.
        seed: Of the cohort.
    """
    rng = generator_for(seed, patient_id, "blood")
    native = float(rng.uniform(36, 45))
    phase = str(rng.choice(list(PHASES), p=[0.35, 0.45, 0.2]))
    factors = rng.normal(1.0, 0.06) * rng.normal(1.0, 0.03, size=len(BLOOD_POOLS))
    if not contrast:
        return dict.fromkeys(BLOOD_POOLS, native) | NATIVE_ORGANS
    blood, organs = PHASES[phase]
    enhanced = np.clip(np.array(blood) * factors, LEAST_ENHANCED, MOST_ENHANCED)
    return dict(zip(BLOOD_POOLS, enhanced.tolist(), strict=True)) | dict(
        zip(NATIVE_ORGANS, organs, strict=True)
    )


def label_texts(pair: int, contrast: bool, pairs: int) -> dict[str, str]:
    """Return the DICOM attributes that tell the label; as in life, not all of them do.

    Args:
        pair: Number of the pair of patients, one with agent and one without.
        contrast: Which of them.
        pairs: How many there are.
    """
    if not contrast:
        other = WITHOUT_CONTRAST if pair % 3 else "CT CHEST W/O CONTRAST"
        return {"StudyDescription": other, "SeriesDescription": "THORAX"}
    texts = {"StudyDescription": WITH_CONTRAST, "SeriesDescription": "THORAX"}
    if pair % 6 == 2:
        return texts  # the description alone tells
    if pair == min(1, pairs - 1):
        texts["StudyDescription"] = WITHOUT_CONTRAST  # the order was changed at the scanner
    return texts | {"ContrastBolusAgent": AGENTS[pair % len(AGENTS)]}
