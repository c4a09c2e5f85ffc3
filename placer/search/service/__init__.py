"""Prefill as part of a plan: kinds of prefill groups, what a fleet of them serves, and the price of the whole."""
