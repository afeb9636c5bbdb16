"""Online experiments: two or more arms compared by the estimators of the rules, in words."""

from gates.experiments.analysis import analyze
from gates.experiments.answer import Analysis
from gates.experiments.planning import Needed, Plan, needed
from gates.experiments.request import Comparison, Experiment

__all__ = ["Analysis", "Comparison", "Experiment", "Needed", "Plan", "analyze", "needed"]
