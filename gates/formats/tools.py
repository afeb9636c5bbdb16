"""The formats of one tool each, in the order of trying: a new one is its module and a line here.

Nothing but the list; how files are recognised and read is in `registry`.
"""

# ruff: noqa: PLC0414, I001 - the alias says that the name is the purpose; a line for each format

from gates.formats import (
    deepeval as deepeval,
    evidently as evidently,
    garak as garak,
    inspect_log as inspect_log,
    junit as junit,
    lm_eval as lm_eval,
    lm_eval_samples as lm_eval_samples,
    mlflow_run as mlflow_run,
    mlflow_table as mlflow_table,
    promptfoo as promptfoo,
    ragas as ragas,
    sklearn_report as sklearn_report,
)
