"""The only writer: batches, the Merkle log, its signed checkpoints, and proofs from it."""
