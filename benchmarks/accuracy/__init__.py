"""Predictions beside measured deployments: ``python -m benchmarks.accuracy FOLDER``."""
