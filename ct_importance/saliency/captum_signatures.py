"""Attributions of captum and their arguments, kept in step by a test."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple


class Signature(NamedTuple):
    """What an attribution can be told."""

    options: dict[str, Any]
    """Arguments of its attribute(), with their defaults."""
    made_with: dict[str, Any]
    """Those of the class."""
    takes_layer: bool
    takes_baselines: bool
    takes_features: bool
    """Whether pixels are grouped (``feature_mask``)."""


Name = Literal[
    "FeatureAblation",
    "InputXGradient",
    "IntegratedGradients",
    "InternalInfluence",
    "KernelShap",
    "LayerActivation",
    "LayerConductance",
    "LayerGradCam",
    "LayerGradientXActivation",
    "LayerIntegratedGradients",
    "Saliency",
    "ShapleyValueSampling",
]

SIGNATURES: dict[str, Signature] = {
    "FeatureAblation": Signature(*({}, {}, False, True, True)),
    "InputXGradient": Signature(*({}, {}, False, False, False)),
    "IntegratedGradients": Signature(
        *(
            {"n_steps": 50, "method": "gausslegendre"},
            {"multiply_by_inputs": True},
            False,
            True,
            False,
        )
    ),
    "InternalInfluence": Signature(
        *(
            {"n_steps": 50, "method": "gausslegendre", "attribute_to_layer_input": False},
            {},
            True,
            True,
            False,
        )
    ),
    "KernelShap": Signature(*({"n_samples": 25}, {}, False, True, True)),
    "LayerActivation": Signature(*({"attribute_to_layer_input": False}, {}, True, False, False)),
    "LayerConductance": Signature(
        *(
            {"n_steps": 50, "method": "gausslegendre", "attribute_to_layer_input": False},
            {},
            True,
            True,
            False,
        )
    ),
    "LayerGradCam": Signature(
        *({"attribute_to_layer_input": False, "relu_attributions": False}, {}, True, False, False)
    ),
    "LayerGradientXActivation": Signature(
        *({"attribute_to_layer_input": False}, {"multiply_by_inputs": True}, True, False, False)
    ),
    "LayerIntegratedGradients": Signature(
        *(
            {"n_steps": 50, "method": "gausslegendre", "attribute_to_layer_input": False},
            {"multiply_by_inputs": True},
            True,
            True,
            False,
        )
    ),
    "Saliency": Signature(*({"abs": True}, {}, False, False, False)),
    "ShapleyValueSampling": Signature(*({"n_samples": 25}, {}, False, True, True)),
}
