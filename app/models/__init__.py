"""Models: owners, facts, and which version stands where."""
