"""What an auditor takes away: the archive, the population, a sample, a replay."""
