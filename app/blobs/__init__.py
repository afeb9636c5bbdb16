"""Large result files, sent apart from the evaluation that names them by digest."""
