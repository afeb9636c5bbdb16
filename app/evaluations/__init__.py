"""Evidence in, a recorded decision out."""
