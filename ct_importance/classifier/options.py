"""Options of a training: the keys of ``training:`` of a classifier in config.yaml."""

from typing import Self

from pydantic import Field, model_validator

from ct_importance.options import Options


class AugmentationOptions(Options):
    """Random changes of the training slices, drawn anew for each slice in each epoch."""

    flip: float = Field(0.5, ge=0, le=1)
    """Probability of mirroring a slice left to right."""
    rotation: float = Field(10.0, ge=0, le=180)
    """Largest rotation in degrees, either way."""
    translation: float = Field(0.05, ge=0, le=0.5)
    """Largest shift along each axis, as a fraction of the image, either way."""
    scale: tuple[float, float] = (0.9, 1.1)
    """Smallest and largest magnification."""
    intensity: float = Field(0.0, ge=0, le=0.5)
    """Largest change of contrast (as a factor 1 +- intensity) and of brightness (as a shift of
    +- intensity, where black is 0 and white is 1). Contrast agent is itself a change of brightness,
    of about 0.1: teaching the classifier to overlook such changes costs accuracy, and white no
    longer means contrast agent, on which the fill of that task relies."""
    masking: float = Field(0.0, ge=0, le=1)
    """Largest share of the pixels that are masked in every other slice, scattered at random, all of
    a slice in black or in white (Brocki and Chung 2023). Without it, the first scattered white
    pixels can outweigh the rest of a slice, and fidelity then sees nothing but that. A classifier
    trained with a large share no longer takes white for a class of its own."""

    @model_validator(mode="after")
    def _scale_is_a_range(self) -> Self:
        low, high = self.scale
        if not 0 < low <= high:
            raise ValueError(
                f"scale must be [smallest, largest] with 0 < smallest, not {[*self.scale]}"
            )
        return self


class TrainingOptions(Options):
    """How the classifier is trained: AdamW with a one-cycle learning rate."""

    epochs: int = Field(40, ge=1, le=10_000)
    """Number of times each training slice is seen."""
    batch_size: int = Field(16, ge=2, le=10_000)
    """Slices per step."""
    learning_rate: float = Field(1e-3, gt=0)
    """Highest learning rate of the cycle."""
    weight_decay: float = Field(0.01, ge=0)
    """Decoupled weight decay of AdamW."""
    augmentation: AugmentationOptions = AugmentationOptions()
    """Random changes of the training slices."""
    test_every: int = Field(0, ge=0, le=10_000)
    """Epochs between evaluations on the test slices; 0: only after the last epoch. The test slices
    are only ever looked at: they choose neither the epoch nor anything else."""
