"""Which estimators are those of the paper."""

PAPER = (
    *("backpropagation", "deconvolution", "expected_gradients", "integrated_gradients"),
    *("integrated_gradients_bw", "random", "smoothgrad", "smoothgrad_squared"),
)
