"""Long work: what must happen later, or again, whoever dies in between (DBOS as an alarm clock)."""
