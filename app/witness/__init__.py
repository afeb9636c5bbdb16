"""A small C2SP tlog-witness: cosigns checkpoints that only grow, and keeps the last of each log."""
