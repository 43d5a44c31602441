"""Figures of signs that were planted."""
