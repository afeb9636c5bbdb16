"""Notices: what happened, told to those who asked to hear of it."""
