"""The pages' addresses. Each reads or calls the same use cases as the API, and nothing else."""
