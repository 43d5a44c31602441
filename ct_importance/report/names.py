"""Names of estimators and metrics as tables and figures print them."""

from ct_importance.plugins import load, names

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


def display_name(estimator: str) -> str:
    """Return the printed name of an estimator: the paper's, or its name in the configuration."""
    return NAMES.get(estimator, estimator)


def metric_name(metric: str) -> str:
    """Return the printed name of a metric: its title, or the name of an entry that has another."""
    return load("metric", metric).title if metric in names("metric") else metric
