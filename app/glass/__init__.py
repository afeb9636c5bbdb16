"""Break-glass: a person lets a refused version through for at most a day, loudly."""
