"""Documents that people registered by digest."""
