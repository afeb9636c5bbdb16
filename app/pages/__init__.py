"""Pages for people: reports rendered on the server, without scripts."""
