"""What maps are compared with: those of other weights, and of noisy copies of slices."""
