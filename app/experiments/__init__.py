"""Experiments: the calculator over HTTP. Nothing is stored."""
