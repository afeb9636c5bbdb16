"""The decision itself: values in, decision out. No I/O, no clock, no randomness, no framework.

`decide` is the only entry point; everything else here exists to serve it.
"""
