"""Networks known by name: the paper's ResNet-50, and those of other packages that classify."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticKnownError

from ct_importance.errors import InputError, first_line

if TYPE_CHECKING:
    from torch import nn

OfMonai = Literal[
    "monai.DenseNet121",
    "monai.DenseNet169",
    "monai.DenseNet201",
    "monai.DenseNet264",
    "monai.EfficientNetBN",
    "monai.SENet154",
    "monai.SEResNet50",
    "monai.SEResNet101",
    "monai.SEResNet152",
    "monai.SEResNext50",
    "monai.SEResNext101",
    "monai.ViT",
    "monai.resnet10",
    "monai.resnet18",
    "monai.resnet34",
    "monai.resnet50",
    "monai.resnet101",
    "monai.resnet152",
    "monai.resnet200",
]
"""By the names that `monai.networks.nets` gives them."""
OTHERS = r"^(torchvision|timm)\.[A-Za-z0-9_.]+$"
"""Networks by the names that `torchvision.models.get_model` and `timm.create_model` take; not
listed here, since each version has others."""
OWN = ("resnet50", *get_args(OfMonai))


def _known(name: str) -> str:
    if name not in OWN and not re.match(OTHERS, name):
        raise PydanticKnownError("literal_error", {"expected": ", ".join(map(repr, OWN))})
    return name


Name = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema({"anyOf": [{"enum": list(OWN)}, {"type": "string", "pattern": OTHERS}]}),
]
"""The paper's ResNet-50, or a network of another package, whose name comes first."""


class Family(NamedTuple):
    """What networks of one kind are built with."""

    channels: str
    """Argument that says how many channels an image has."""
    outputs: str
    """Argument that says how many numbers they answer."""
    fixed: dict[str, Any]
    """Other arguments by which they map images to logits."""
    free: tuple[str, ...]
    """Arguments that users may give."""
    needed: tuple[str, ...] = ()
    """Those of them that users must give."""
    parts: frozenset[str] | None = None
    """What they are made of that not every estimator can explain: ``relu``, ``gelu``, ``swish``,
    ``gates`` (activations that multiply others) and ``attention``; None if that is not known."""

    def set(self, channels: int, outputs: int) -> dict[str, Any]:
        """Return the arguments that users do not choose."""
        named = {self.channels: channels, self.outputs: outputs}
        return {key: value for key, value in named.items() if key} | self.fixed


FAMILIES: dict[str, Family] = {
    "DenseNet": Family(
        *("in_channels", "out_channels", {"spatial_dims": 2}),
        ("init_features", "growth_rate", "block_config", "bn_size", "act", "norm", "dropout_prob"),
        parts=frozenset({"relu"}),
    ),
    "EfficientNet": Family(
        *("in_channels", "num_classes", {"spatial_dims": 2, "pretrained": False}),
        ("model_name", "norm"),
        ("model_name",),
        parts=frozenset({"swish", "gates"}),
    ),
    "SE": Family(
        *("in_channels", "num_classes", {"spatial_dims": 2}),
        (
            *("layers", "groups", "reduction", "dropout_prob", "dropout_dim"),
            *("inplanes", "downsample_kernel_size", "input_3x3"),
        ),
        parts=frozenset({"relu", "gates"}),
    ),
    "ViT": Family(
        *("in_channels", "num_classes"),
        # Its default activation of a classification, tanh, would bound the logit.
        {"spatial_dims": 2, "classification": True, "post_activation": "none"},
        (
            *("img_size", "patch_size", "hidden_size", "mlp_dim", "num_layers", "num_heads"),
            *("proj_type", "pos_embed_type", "dropout_rate", "qkv_bias"),
        ),
        ("img_size", "patch_size"),
        parts=frozenset({"gelu", "attention"}),
    ),
    "resnet": Family(
        *("n_input_channels", "num_classes", {"spatial_dims": 2}),
        (
            *("conv1_t_size", "conv1_t_stride", "no_max_pool", "shortcut_type"),
            *("widen_factor", "bias_downsample", "act", "norm"),
        ),
        parts=frozenset({"relu"}),
    ),
}
"""By the beginning of their names in MONAI."""
ANY = ("*",)
"""Whatever the package takes: what it does not, it says itself."""
PACKAGES = {
    "torchvision": Family("", "num_classes", {"weights": None}, ANY),
    # The others read files, or fetch them.
    "timm": Family(
        *("in_chans", "num_classes", {"pretrained": False, "checkpoint_path": ""}),
        ANY,
    ),
}
"""Of which every network is built alike; those of torchvision take three channels."""
PAPERS = Family("", "", {}, (), parts=frozenset({"relu"}))
"""The paper's ResNet-50, which takes no arguments."""


def family_of(name: str) -> Family:
    """Return what a network of another package is built with.

    Example:
        >>> family_of("monai.ViT").needed
        ('img_size', 'patch_size')
    """
    package, _, own = name.partition(".")
    if package in PACKAGES:
        return PACKAGES[package]
    return next(family for start, family in FAMILIES.items() if own.startswith(start))


def check_arguments(
    name: str, arguments: Mapping[str, Any], channels: int = 1, outputs: int = 1
) -> None:
    """Check the names of the arguments of a network, without importing its package.

    Args:
        name: One of `Name`.
        arguments: What it is to be built with.
        channels: Of an image.
        outputs: Numbers that it answers.

    Raises:
        ValueError: If one is unknown, missing, or another than slices and the task need.
    """
    family = PAPERS if name == "resnet50" else family_of(name)
    fixed = family.set(channels, outputs)
    if name.startswith("torchvision.") and channels != 3:
        raise ValueError(f"{name} takes three channels: set channels: 3, which copies the grey one")
    for key, value in arguments.items():
        if key in fixed:
            if value != fixed[key]:
                raise ValueError(f"{key} must be {fixed[key]}, or left out")
        elif key not in family.free and family.free != ANY:
            known = ", ".join(family.free) or "none"
            raise ValueError(f"{key!r} is no argument of {name}; there are: {known}")
    missing = [key for key in family.needed if key not in arguments]
    if missing:
        raise ValueError(f"{name} needs {' and '.join(missing)}")


REMEDIES = {
    "monai": "make install-monai brings it",
    "torchvision": "install the release that belongs to the version of torch",
    "timm": "install it, and the torchvision that belongs to the version of torch",
}
"""What to do where a package cannot be imported."""


def parts_of(name: str, arguments: Mapping[str, Any]) -> frozenset[str] | None:
    """Return what a network is made of (`Family.parts`); None if other activations are asked for.

    Example:
        >>> sorted(parts_of("monai.SEResNet50", {}))
        ['gates', 'relu']
    """
    if name == "resnet50":
        return PAPERS.parts
    return None if "act" in arguments else family_of(name).parts


def check_installed(name: str) -> None:
    """Check that the package of a network is installed, without importing it.

    Raises:
        InputError: If it is not.
    """
    package, point, _ = name.partition(".")
    if point and importlib.util.find_spec(package) is None:
        called = "MONAI" if package == "monai" else package
        raise InputError(f"{name} needs {called}, which is not installed; {REMEDIES[package]}")


def build(
    name: str, arguments: Mapping[str, Any], channels: int = 1, outputs: int = 1
) -> nn.Module:
    """Return a network with random weights, which maps (N, channels, H, W) to (N, outputs).

    Args:
        name: One of `Name`.
        arguments: Those that `check_arguments` allows.
        channels: Of an image.
        outputs: Numbers that it answers.

    Raises:
        InputError: If the package, or what it needs for the network, is not installed, or it
            refuses the arguments.
    """
    if name == "resnet50":
        from ct_importance.classifier.resnet import ResNet50

        return ResNet50(channels, outputs)
    check_installed(name)
    package, _, own = name.partition(".")
    given = {**family_of(name).set(channels, outputs), **arguments}
    try:
        network: nn.Module = _maker(package, own)(**given)
    except ImportError as error:
        raise InputError(f"{name}: {first_line(error).rstrip('.')}; {REMEDIES[package]}") from error
    except Exception as error:  # whatever it raises for values that it does not take
        called = "MONAI" if package == "monai" else package
        raise InputError(
            f"{name}: {called} refuses its arguments ({type(error).__name__}: "
            f"{first_line(error).rstrip('.')}); change `arguments` of the classifier"
        ) from error
    return network


def _maker(package: str, own: str) -> Callable[..., Any]:
    """Return what makes a network of a package, to be given its arguments."""
    if package == "torchvision":
        return functools.partial(importlib.import_module("torchvision.models").get_model, own)
    if package == "timm":
        return functools.partial(importlib.import_module("timm").create_model, own)
    made: Callable[..., Any] = _only_logits(
        getattr(importlib.import_module("monai.networks.nets"), own)
    )
    return made


def _only_logits(kind: Any) -> Any:
    """Return a class of networks whose answer is no tuple; its parameters keep their names."""
    if kind.__name__ != "ViT":
        return kind

    class OnlyLogits(kind):  # type: ignore[misc] # a class that is imported here
        def forward(self, x: Any) -> Any:
            return super().forward(x)[0]

    return OnlyLogits
