"""MLflow's model registry: it triggers the gate and carries its answer. See docs/mlflow.md."""
