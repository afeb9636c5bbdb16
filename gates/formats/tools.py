"""The formats of one tool each, in the order of trying: a new one is its module and a line here.

Nothing but the list; how files are recognised and read is in `registry`.
"""

# ruff: noqa: PLC0414, I001 - the alias says that the name is the purpose; a line for each format

from gates.formats import (
    aequitas as aequitas,
    aif360 as aif360,
    codecarbon as codecarbon,
    deepeval as deepeval,
    evidently as evidently,
    fairlearn as fairlearn,
    garak as garak,
    helm as helm,
    inspect_log as inspect_log,
    junit as junit,
    k6 as k6,
    lighteval as lighteval,
    lm_eval as lm_eval,
    lm_eval_samples as lm_eval_samples,
    locust as locust,
    mlflow_run as mlflow_run,
    mlflow_table as mlflow_table,
    model_index as model_index,
    modelbench as modelbench,
    moonshot as moonshot,
    promptfoo as promptfoo,
    ragas as ragas,
    serving_bench as serving_bench,
    sklearn_report as sklearn_report,
    swebench as swebench,
)
