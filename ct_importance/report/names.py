"""Names of estimators and metrics as tables and figures print them."""

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
PERFECT_MAP = "Perfect map (the mask itself)"
METRIC_NAMES = {"fidelity": "Fidelity", "roc": "ROC", "dice": "Dice"}


def display_name(estimator: str) -> str:
    """Return the printed name of an estimator: the paper's, or its name in the configuration."""
    return NAMES.get(estimator, estimator)


def metric_name(metric: str) -> str:
    """Return the printed name of a metric: the paper's, or its name in the configuration."""
    return METRIC_NAMES.get(metric, metric)
