"""`clearance demo`: the main job once, on a real model, from training to a proven decision."""

from app.cli.demo.command import demo

__all__ = ["demo"]
