"""Policies: published, resolved, linted, drafted. The language itself lives in `gates`."""
