"""Names of the estimators as tables and figures print them."""

NAMES = {
    "backpropagation": "Backpropagation",
    "deconvolution": "Deconvolution",
    "expected_gradients": "Expected Gradients",
    "integrated_gradients": "Integrated Gradients",
    "integrated_gradients_bw": "Integrated Gradients (B&W)",
    "random": "Random",
    "smoothgrad": "SmoothGrad",
    "smoothgrad_squared": "SmoothGrad Squared",
}


def display_name(estimator: str) -> str:
    """Return the printed name of an estimator: the paper's, or its name in the configuration."""
    return NAMES.get(estimator, estimator)
