"""Rules: one kind, one file, each with its fields and its check."""
