"""Measurements, run with `make bench`. Quote the ratios of one run: machines are noisy, ratios are not."""
