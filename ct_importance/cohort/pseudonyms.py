"""Replaces the ids of patients by hashes that only the holder of a secret can make again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from ct_importance.cohort.dicom.header import SliceHeader
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath

SHORTEST_SECRET = 16


@dataclass(frozen=True)
class Pseudonyms:
    """Keyed hashes (BLAKE2b) of patient ids."""

    secret: bytes

    def of(self, name: str) -> str:
        """Return the pseudonym of a patient: 16 hexadecimal digits."""
        digest = hashlib.blake2b(
            name.encode("utf-8", "surrogateescape"), key=self.secret, digest_size=8
        )
        return digest.hexdigest()

    def of_slice(self, slice_id: str) -> str:
        """Return the id that a slice of a volume has when its volume has a pseudonym."""
        name, mark, number = slice_id.rpartition("-")
        return f"{self.of(name)}{mark}{number}"

    def of_header(self, header: SliceHeader) -> SliceHeader:
        """Return a header without the patient's own id.

        Volumes have no UIDs: their series and slices are named after the file, which often names
        the patient, so these names are replaced as well.
        """
        header = replace(header, patient_id=self.of(header.patient_id))
        if header.frame is None:
            return header
        series = self.of(header.series_uid)
        return replace(
            header,
            series_uid=series,
            study_uid=series,
            slice_id=self.of_slice(header.slice_id),
        )


def read_pseudonyms(path: StrPath | None) -> Pseudonyms | None:
    """Return the pseudonyms that the secret in a file makes; None without a file.

    Raises:
        InputError: If the file cannot be read, or its secret is shorter than 16 bytes.
    """
    if not path:
        return None
    try:
        secret = Path(path).read_bytes().strip()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); check cohort.pseudonym_key"
        ) from None
    if len(secret) < SHORTEST_SECRET:
        raise InputError(
            f"{path}: a secret of {SHORTEST_SECRET} bytes or more is needed, such as that of "
            "`head -c 32 /dev/urandom | base64`"
        )
    return Pseudonyms(hashlib.blake2b(secret, digest_size=32).digest())
