"""Open questions to people, and their recorded answers."""
