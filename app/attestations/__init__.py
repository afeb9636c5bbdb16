"""Settled decisions as signed statements that others verify with tools they already have."""
