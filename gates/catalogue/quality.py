"""Quality of predictions against known answers: classification, regression, text overlap.

Averages over classes (macro, micro, weighted) are metrics of their own: they are not each other.
"""

from gates.catalogue.metric import UNIT_INTERVAL, Family

_F = Family("quality")
_SIGNED = (-1.0, 1.0)

CLASSIFICATION = (
    _F.rate(
        "accuracy",
        "higher",
        "Accuracy",
        "Share of examples answered correctly.",
        "quality.accuracy acc accuracy_score categorical_accuracy accuracy/v1 correct_rate",
    ),
    _F.rate(
        "normalized_accuracy",
        "higher",
        "Length-normalised accuracy",
        "Share of questions where the right choice has the best length-normalised likelihood.",
        "acc_norm accuracy_norm",
    ),
    _F.rate(
        "exact_match",
        "higher",
        "Exact match",
        "Share of answers that equal the reference exactly.",
        "em exact_match_score exact_match/v1 exactmatch",
    ),
    _F.other(
        "balanced_accuracy",
        "higher",
        "ratio",
        "Balanced accuracy",
        "Mean of the recalls of all classes.",
        "balanced_accuracy_score bal_acc",
        value_range=UNIT_INTERVAL,
    ),
    _F.rate(
        "top_k_accuracy",
        "higher",
        "Top-k accuracy",
        "Share of examples whose right class is among the k best.",
        "top_k_accuracy_score top_5_accuracy top5_accuracy",
    ),
    _F.rate(
        "precision",
        "higher",
        "Precision",
        "Share of positive predictions that are right; n is TP + FP.",
        "quality.precision ppv positive_predictive_value precision_score",
    ),
    _F.rate(
        "recall",
        "higher",
        "Recall",
        "Share of positive examples that were found; n is TP + FN.",
        "quality.recall tpr true_positive_rate sensitivity recall_score",
    ),
    _F.rate(
        "specificity",
        "higher",
        "Specificity",
        "Share of negative examples left alone; n is TN + FP.",
        "tnr true_negative_rate selectivity",
    ),
    _F.rate(
        "false_positive_rate",
        "lower",
        "False positive rate",
        "Share of negative examples flagged; n is TN + FP.",
        "fpr fall_out",
    ),
    _F.rate(
        "false_negative_rate",
        "lower",
        "False negative rate",
        "Share of positive examples missed; n is TP + FN.",
        "fnr miss_rate",
    ),
    _F.other(
        "f1",
        "higher",
        "ratio",
        "F1",
        "Harmonic mean of precision and recall; count and n are TP and TP + FP + FN.",
        "quality.f1 f1_score f_score f_measure f1_binary",
        value_range=UNIT_INTERVAL,
    ),
    *(
        _F.other(
            f"{average}_{name}",
            "higher",
            "ratio",
            f"{name.capitalize()} ({average} average)",
            f"{name.capitalize()} as the {average} average over classes.",
            f"{name}_{average} {name}_score_{average} {average}_avg_{name}"
            + (f" {name}_weighted_avg" if average == "weighted" else f" {name}_{average}_avg"),
            value_range=UNIT_INTERVAL,
        )
        for name in ("precision", "recall", "f1")
        for average in ("macro", "micro", "weighted")
    ),
    _F.other(
        "roc_auc",
        "higher",
        "ratio",
        "ROC-AUC",
        "Chance that a positive example scores above a negative one.",
        "quality.roc_auc auroc auc auc_roc roc_auc_score area_under_roc",
        value_range=UNIT_INTERVAL,
    ),
    _F.other(
        "pr_auc",
        "higher",
        "ratio",
        "PR-AUC",
        "Area under the precision-recall curve.",
        "auprc average_precision average_precision_score precision_recall_auc",
        value_range=UNIT_INTERVAL,
    ),
    _F.other(
        "mcc",
        "higher",
        "ratio",
        "Matthews correlation",
        "Correlation of predicted and true classes; 0 is chance.",
        "matthews_corrcoef matthews_correlation phi_coefficient",
        value_range=_SIGNED,
    ),
    _F.other(
        "kappa",
        "higher",
        "ratio",
        "Cohen's kappa",
        "Agreement beyond chance; 0 is chance.",
        "cohen_kappa cohens_kappa cohen_kappa_score",
        value_range=_SIGNED,
    ),
    _F.other(
        "jaccard",
        "higher",
        "ratio",
        "Jaccard index",
        "Intersection of predicted and true labels over their union.",
        "jaccard_score iou mean_iou",
        value_range=UNIT_INTERVAL,
    ),
)

REGRESSION = (
    _F.other(
        "mse",
        "lower",
        "mean",
        "Mean squared error",
        "Mean of squared errors.",
        "mean_squared_error l2_error",
    ),
    _F.other(
        "rmse",
        "lower",
        "ratio",
        "Root mean squared error",
        "Square root of the mean squared error.",
        "root_mean_squared_error",
    ),
    _F.other(
        "mae",
        "lower",
        "mean",
        "Mean absolute error",
        "Mean of absolute errors.",
        "mean_absolute_error l1_error",
    ),
    _F.other(
        "mape",
        "lower",
        "mean",
        "Mean absolute percentage error",
        "Mean of absolute errors over true values, as a fraction.",
        "mean_absolute_percentage_error",
    ),
    _F.other(
        "r2",
        "higher",
        "ratio",
        "R squared",
        "Share of variance explained; 0 is the mean, 1 perfect.",
        "r2_score r_squared coefficient_of_determination",
    ),
    _F.other(
        "spearman",
        "higher",
        "ratio",
        "Spearman correlation",
        "Rank correlation of prediction and truth.",
        "spearmanr spearman_correlation spearman_rho",
        value_range=_SIGNED,
    ),
    _F.other(
        "pearson",
        "higher",
        "ratio",
        "Pearson correlation",
        "Linear correlation of prediction and truth.",
        "pearsonr pearson_correlation",
        value_range=_SIGNED,
    ),
)

METRICS = CLASSIFICATION + REGRESSION
