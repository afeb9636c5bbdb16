"""Intervals, tests, differences and sample sizes; one small module each, each naming its source."""
