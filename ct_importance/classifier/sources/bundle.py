"""A network in a MONAI bundle, which says what it takes and answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pydantic import Field

from ct_importance.classifier.networks.bundle import (
    METADATA,
    WEIGHTS,
    Tensor,
    config_of,
    read_data_format,
    read_definition,
    weights_of,
)
from ct_importance.classifier.networks.by_name import check_arguments, check_installed
from ct_importance.classifier.options import LARGEST, SMALLEST, InputOptions
from ct_importance.classifier.source import Source
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.task import key_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ct_importance.classifier.classifier import Classifier


class Bundled(NamedTuple):
    """The network of a bundle, and what it sees of a slice."""

    name: str
    arguments: dict[str, Any]
    outputs: int
    seen: InputOptions

    def build(self) -> nn.Module:
        """Return the network with random weights."""
        from ct_importance.classifier.networks.by_name import build

        return build(self.name, self.arguments, self.seen.number_of_channels, self.outputs)


class Bundle(Source):
    """A network in a MONAI bundle: one of MONAI's that classify, with its weights.

    How many channels and which size it takes is what the bundle says; nothing in it is run.
    """

    title: ClassVar[str] = "a MONAI bundle"

    bundle: str = Field(min_length=1)
    """Folder with configs/metadata.json, configs/inference.json (or .yaml, or train.json) and
    models/model.pt. Relative paths start at the folder in which the workflow runs."""

    @property
    def folder(self) -> Path:
        """The folder."""
        return Path(self.bundle)

    def files(self) -> dict[str, str]:
        """Return the files of the bundle that are read, of those that are there."""
        paths = {
            "metadata": self.folder / METADATA,
            "network_def": config_of(self.folder),
            "weights": self.folder / WEIGHTS,
        }
        return {key: str(path) for key, path in paths.items() if path and path.is_file()}

    def check(self, preparation: ExtractionOptions) -> None:
        """Check all but the shapes of the weights, without torch.

        Raises:
            InputError: If the bundle lacks a file or says what cannot be.
        """
        from ct_importance.classifier.networks.state import read_state

        check_installed(self.read(preparation).name)
        read_state(weights_of(self.folder))

    def check_classes(self, classes: Sequence[str]) -> None:
        """Check that the outputs are the classes of the task, in their order.

        Raises:
            InputError: If they are not.
        """
        pred = read_data_format(self.folder).outputs.pred
        wanted = classes if pred.num_channels > 1 else classes[-1:]
        numbers = map(str, range(pred.num_channels))
        found = [pred.channel_def.get(number, "not named") for number in numbers]
        if list(map(key_of, found)) != list(map(key_of, wanted)):
            raise InputError(
                f"{self._says('outputs.pred.channel_def')} {', '.join(found)}, but task.classes "
                f"{', '.join(wanted)}{' (the one output is the last)' * (len(found) == 1)}; give "
                "both the same names in the same order"
            )

    def take_over(self, preparation: ExtractionOptions, classifier: StrPath) -> None:
        """Build the network, give it the weights, ask it, and write its weights.

        Raises:
            InputError: If the bundle lacks a file or says what cannot be, or the weights or answers
                are not as they must be.
        """
        from ct_importance.classifier.networks.answers import check_answers
        from ct_importance.classifier.networks.input import prepared
        from ct_importance.classifier.store import fill_network, save_classifier

        size, window = preparation.image_size, preparation.hu_window
        found = self.read(preparation)
        made = {
            **{"bundle": found.name, "arguments": found.arguments, "outputs": found.outputs},
            **{"asked": self.input, **found.seen.input},
        }
        network = fill_network(found.build(), weights_of(self.folder), made, found.name)
        seen = prepared(network, found.seen, window)
        check_answers(seen, size, f"{self.bundle} ({found.name})", (found.outputs,))
        save_classifier(classifier, network, size, window, made)

    def load(self, classifier: StrPath, device: torch.device | str = "cpu") -> Classifier:
        """Return the classifier, on a device; the bundle is no longer asked.

        Raises:
            InputError: If the file is missing or damaged, or was made for another input.
        """
        from ct_importance.classifier.classifier import classifier_of
        from ct_importance.classifier.networks.state import AGAIN, as_text, read_made
        from ct_importance.classifier.store import load_network

        made = read_made(classifier)
        if "bundle" not in made or made["asked"] != self.input:
            raise InputError(
                f"{classifier}: made of {as_text(made)}, but the configuration says a bundle and "
                f"{as_text(self.input)}; {AGAIN}"
            )
        seen = InputOptions(**made.get("input", {}))
        found = Bundled(made["bundle"], made["arguments"], made["outputs"], seen)
        network = load_network(found.build(), classifier, made, found.name, seen)
        return classifier_of(network.to(device), found.outputs, self.head)

    def read(self, preparation: ExtractionOptions) -> Bundled:
        """Return the network that the bundle describes, without torch.

        Args:
            preparation: Size of the slices, which are not resized if it is that of the bundle.

        Raises:
            InputError: If the bundle says what cannot be, or another input than the options.
        """
        data = read_data_format(self.folder)
        image, outputs = data.inputs.image, data.outputs.pred.num_channels
        if outputs not in self.outputs:
            raise InputError(
                f"{self._says('outputs.pred.num_channels')} {outputs}, but the task has "
                f"{self.classes} classes: {' or '.join(map(str, self.outputs))} can be read"
            )
        found = read_definition(self.folder)
        if found.arguments.get("spatial_dims", 2) == 3:
            raise InputError(f"{self.bundle}: wants 3-D images (spatial_dims 3); slices are 2-D")
        seen = self._seen(image, preparation)
        try:
            check_arguments(*found, seen.number_of_channels, outputs)
        except ValueError as error:
            raise InputError(
                f"{self.bundle}: network_def of {found.name}: {error} (metadata.json says what it "
                "takes and answers)"
            ) from error
        return Bundled(*found, outputs, seen)

    def _seen(self, image: Tensor, preparation: ExtractionOptions) -> InputOptions:
        """Return what the network sees of a slice, as the bundle and the options say."""
        channels, asked = image.num_channels, self.number_of_channels
        where = f"{self._says('inputs.image.num_channels')} {channels}"
        if channels not in (1, 3):
            raise InputError(f"{where}; slices can be shown as 1 channel or 3")
        is_asked = self.channels is not None or self.windows is not None or asked > 1
        if is_asked and asked != channels:
            raise InputError(
                f"{where}, but the configuration {asked}; leave `channels` out, and list as many "
                "windows and values of normalize"
            )
        self._check_values(image.value_range)
        size = self._size(image.spatial_shape)
        if size == (preparation.image_size, preparation.image_size):
            size = None
        given = {"channels": channels, "windows": self.windows, "normalize": self.normalize}
        return InputOptions(**given, image_size=size)

    def _size(self, shape: list[int | str]) -> tuple[int, int] | None:
        """Return the size that the network takes; None for any."""
        where = f"{self._says('inputs.image.spatial_shape')} {shape}"
        if len(shape) == 3:
            raise InputError(f"{where}: it wants 3-D images, and slices are 2-D")
        fixed = [it for it in shape if isinstance(it, int)]
        if len(fixed) != 2:
            return self.image_size
        if not all(SMALLEST <= it <= LARGEST for it in fixed):
            raise InputError(f"{where}; {SMALLEST} to {LARGEST} rows and columns can be taken")
        if self.image_size is not None and fixed != [*self.image_size]:
            raise InputError(
                f"{where}, but image_size of the classifier {[*self.image_size]}; leave it out"
            )
        return fixed[0], fixed[1]

    def _check_values(self, value_range: list[float]) -> None:
        """Check that grey values are those of slices, or that the options make others of them."""
        if value_range in ([], [0, 1]) or self.normalize is not None:
            return
        where = self._says("inputs.image.value_range")
        if len(value_range) != 2 or value_range[0] >= value_range[1]:
            raise InputError(f"{where} {value_range}; write [lowest, highest] there")
        low, high = value_range
        scale = f"{{mean: {-low / (high - low):.9g}, std: {1 / (high - low):.9g}}}"
        raise InputError(
            f"{where} [{low:g}, {high:g}], and slices are [0, 1], the HU window; set `normalize` "
            f"of the classifier, which is {scale} if that is the window stretched"
        )

    def _says(self, key: str) -> str:
        return f"{self.bundle}/configs/metadata.json: {key} is"
