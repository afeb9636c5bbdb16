"""Idempotency-Key: one answer to a request that is sent twice."""
