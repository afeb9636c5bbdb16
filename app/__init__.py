"""Everything that touches the world: HTTP, database, clock, other systems."""
