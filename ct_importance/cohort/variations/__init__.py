"""Some of the slices, and noisy copies of them, for metrics that vary what is explained."""
