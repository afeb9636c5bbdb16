"""The catalogue's tables, one module per family of metrics; look names up in `gates.metrics`."""
