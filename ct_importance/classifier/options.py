"""Options of a classifier in config.yaml: how it is trained, and what it sees of a slice."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ct_importance.errors import InputError
from ct_importance.options import Options

Positive = Annotated[float, Field(gt=0)]
SMALLEST, LARGEST = 8, 4096
"""Rows and columns that a network may take."""
Side = Annotated[int, Field(ge=SMALLEST, le=LARGEST)]


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
    a slice in one fill: feature perturbation augmentation (Brocki and Chung 2023, arXiv 2303.01538,
    with 0.3). Without it, the first scattered white pixels can outweigh the rest of a slice, and
    fidelity then sees nothing but that. A classifier trained with a large share no longer takes
    white for a class of its own."""
    masking_fill: Literal["black_or_white", "mean"] = "black_or_white"
    """What masked pixels become: all of a slice black or white, by chance; or its mean, as in the
    authors' code, where it is that of the data."""
    masking_boxes: float = Field(0.0, ge=0, le=1)
    """Share of the masked pixels that are the middle of a square, masked as well, whose side is at
    most a twentieth of that of the slice; 0.01 in the authors' code. Squares cover many more pixels
    than `masking` says: 0.01 makes 0.39 of 0.3 in slices of 224 x 224."""

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
    shuffle_labels: bool = False
    """Whether the labels of the training slices change places at random: a classifier that knows
    its slices by heart, and nothing of the classes (Adebayo et al. 2018, section 4)."""
    test_every: int = Field(0, ge=0, le=10_000)
    """Epochs between evaluations on the test slices; 0: only after the last epoch. The test slices
    are only ever looked at: they choose neither the epoch nor anything else."""


class Normalisation(Options):
    """What is taken from grey values before a network sees them: (x - mean) / std."""

    mean: float | tuple[float, ...]
    """Of grey values in [0, 1], a number or one per channel."""
    std: Positive | tuple[Positive, ...]
    """Likewise."""


class InputOptions(Options):
    """What a network sees of a slice, which is one grey channel in [0, 1], of any size.

    By default the slice as it is. Else the slice is resized, shown in its windows or copied, and
    normalised, in this order. Maps are of the slice as it is all the same.
    """

    channels: Literal[1, 3] | None = None
    """Channels that the network takes: 1, or 3 that hold the same grey values, or a window each.
    null: as many as windows or values of `normalize` are listed, else 1."""
    windows: Annotated[tuple[tuple[float, float], ...], Field(min_length=1)] | None = None
    """[lowest, highest] Hounsfield units that become 0 and 1, one window per channel; what is
    beyond is cut off. Each lies within `cohort.hu_window`. null: that one."""
    normalize: Normalisation | None = None
    """{mean, std} of grey values, which the network takes as (x - mean) / std."""
    image_size: tuple[Side, Side] | None = None
    """[rows, columns] that the network takes; slices are resized to them (bilinear). null: those
    of the slices."""

    @model_validator(mode="after")
    def _channels_agree(self) -> Self:
        wanted = self.number_of_channels
        if wanted not in (1, 3):
            raise ValueError(f"there are {wanted} windows or values of normalize; name 1 or 3")
        if self.windows is not None and len(self.windows) != wanted:
            raise ValueError(
                f"channels is {wanted}, but there are {len(self.windows)} windows; name one per "
                "channel, also if they are the same"
            )
        for low, high in self.windows or ():
            if low >= high:
                raise ValueError(
                    f"windows: the first value must be below the second, not [{low:g}, {high:g}]"
                )
        for key, value in self.normalize or ():
            if isinstance(value, tuple) and len(value) != wanted:
                raise ValueError(
                    f"normalize.{key} has {len(value)} values, but the network {wanted} "
                    f"channel{'s' * (wanted > 1)}; give a number, or one per channel"
                )
        return self

    @property
    def number_of_channels(self) -> int:
        """How many channels the network takes."""
        listed = [self.windows, *(value for _, value in self.normalize or ())]
        counts = [len(values) for values in listed if isinstance(values, tuple)]
        return self.channels or max(counts, default=1)

    def taken(self, image_size: int) -> tuple[int, int, int]:
        """Return channels, rows and columns that the network takes.

        Args:
            image_size: Rows and columns of a slice.
        """
        return (self.number_of_channels, *(self.image_size or (image_size, image_size)))

    @property
    def input(self) -> dict[str, Any]:
        """What the network sees, as its file holds it: {"input": ...}; {}: slices as they are."""
        kept: dict[str, Any] = self.model_dump(
            mode="json", include={"windows", "normalize", "image_size"}, exclude_none=True
        )
        if self.number_of_channels > 1:
            kept["channels"] = self.number_of_channels
        return {"input": kept} if kept else {}

    def windows_in(self, hu_window: Sequence[float]) -> list[tuple[float, float]]:
        """Return the windows as grey values of slices in [0, 1]; [] for that of the slices.

        Args:
            hu_window: Hounsfield units that are 0 and 1 in slices.

        Raises:
            InputError: If one reaches beyond that of the slices.

        Example:
            >>> InputOptions(windows=[(-1000, -300)]).windows_in((-1000, 400))
            [(0.0, 0.5)]
        """
        if self.windows is None:
            return []
        low, high = hu_window
        for window in self.windows:
            if not low <= window[0] < window[1] <= high:
                raise InputError(
                    f"windows: [{window[0]:g}, {window[1]:g}] reaches beyond cohort.hu_window "
                    f"[{low:g}, {high:g}], and slices hold nothing of what is there; set "
                    f"cohort.hu_window to [{min(low, window[0]):g}, {max(high, window[1]):g}]"
                )
        width = high - low
        return [((a - low) / width, (b - low) / width) for a, b in self.windows]
