"""What a scanner adds to the anatomy: blur or edge enhancement, noise and streaks."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft


class Kernel(NamedTuple):
    """A reconstruction kernel."""

    blur: float
    """Frequency at which the image's contrast has fallen to 1/e, per mm."""
    enhancement: float
    """How far edges overshoot."""
    grain: float
    """Frequency around which the noise lies, per mm."""
    noise: float
    """Standard deviation in water at 100 mAs, HU."""


KERNELS = {
    "SOFT": Kernel(blur=0.45, enhancement=0.0, grain=0.32, noise=15.0),
    "STANDARD": Kernel(blur=0.62, enhancement=0.05, grain=0.45, noise=22.0),
    "DETAIL": Kernel(blur=0.85, enhancement=0.2, grain=0.62, noise=32.0),
    "LUNG": Kernel(blur=1.1, enhancement=0.4, grain=0.85, noise=48.0),
}
STREAK_HARMONICS = 9


@dataclass(frozen=True)
class Scanner:
    """Transfer functions of a kernel for one matrix; frequencies as of `scipy.fft.rfft2`."""

    transfer: np.ndarray
    """(N, N // 2 + 1) of the image."""
    grain: np.ndarray
    """(N, N // 2 + 1) of white noise, to noise of standard deviation `noise` at full bandwidth."""
    streak: np.ndarray
    """(STREAK_HARMONICS, N, N // 2 + 1) of dense objects, one per harmonic of the angle."""
    noise: float
    """Standard deviation in water, HU."""


def scanner_for(kernel: str, milliampere_seconds: float, matrix: int, spacing: float) -> Scanner:
    """Return the scanner for a kernel and dose.

    Args:
        kernel: Name in `KERNELS`.
        milliampere_seconds: Exposure; noise goes with its inverse square root.
        matrix: Rows and columns.
        spacing: Size of a pixel, mm.
    """
    properties = KERNELS[kernel]
    down = fft.fftfreq(matrix, spacing)[:, None]
    across = fft.rfftfreq(matrix, spacing)[None, :]
    frequency = np.hypot(down, across)
    transfer = np.exp(-((frequency / properties.blur) ** 2))
    transfer *= 1 + properties.enhancement * (frequency / 0.25) ** 2
    grain = frequency * np.exp(-((frequency / properties.grain) ** 2))
    # The integral of grain^2 over the plane of frequencies: coarse pixels cut the fine part off.
    grain /= spacing * np.sqrt(np.pi * properties.grain**4 / 4)
    angle = np.arctan2(down, across)
    # Inconsistent projections leave lines through dense objects, of no mean and limited width.
    band = np.sqrt(frequency) * np.exp(-((frequency / 0.16) ** 2))
    harmonics = [
        band * (np.cos, np.sin)[order % 2](2 * (order // 2 + 2) * angle)
        for order in range(STREAK_HARMONICS)
    ]
    return Scanner(
        transfer=transfer.astype(np.float32),
        grain=grain.astype(np.float32),
        streak=np.array(harmonics, dtype=np.float32),
        noise=properties.noise * (100 / milliampere_seconds) ** 0.5,
    )


def scan(
    hu: np.ndarray, dense: np.ndarray, scanner: Scanner, white: np.ndarray, odds: ArrayLike
) -> NDArray[np.float32]:
    """Return the image of a slice.

    Args:
        hu: (N, N) float32, Hounsfield units.
        dense: (N, N) float32, how much each pixel hardens the beam, HU above bone's onset.
        scanner: Kernel and dose.
        white: (N, N) float32 normal random numbers.
        odds: `STREAK_HARMONICS` normal random numbers.

    Returns:
        (N, N) float32, Hounsfield units.
    """
    lines = np.tensordot(np.asarray(odds, dtype=np.float32), scanner.streak, axes=1)
    spectrum = fft.rfft2(hu) * scanner.transfer + fft.rfft2(dense) * lines * np.float32(0.25)
    grain = fft.irfft2(fft.rfft2(white) * scanner.grain, s=hu.shape)
    image: NDArray[np.float32] = fft.irfft2(spectrum, s=hu.shape)
    image = image + grain * _noise_level(hu, scanner.noise)
    return image


def _noise_level(hu: np.ndarray, noise: float) -> NDArray[np.float32]:
    """Return the standard deviation of the noise per pixel: it grows towards the body's middle."""
    tissue = np.clip((hu + 1000) / 1000, 0, 2).astype(np.float32)
    # How much lies in the way of the rays along rows and columns.
    thickness = np.sqrt(tissue.mean(0, keepdims=True) * tissue.mean(1, keepdims=True))
    level: NDArray[np.float32] = np.float32(0.35) + thickness * np.float32(1.3)
    return np.float32(noise) * level
