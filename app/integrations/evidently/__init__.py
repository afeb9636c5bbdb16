"""Drift and quality of two data sets, measured by Evidently in a process of its own."""
