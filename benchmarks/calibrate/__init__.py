"""Fits of kernel and collective models to measured tables: ``python -m benchmarks.calibrate FOLDER``."""
