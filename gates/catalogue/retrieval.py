"""Retrieval, grounded answers and agents: whether the right material was found, used and acted on.

Ranking metrics name their cut-off in the test set's name, not here.
"""

from gates.catalogue.metric import UNIT_INTERVAL, Family

_F = Family("retrieval")
_A = Family("agent")

GROUNDING = (
    _F.rate(
        "hallucination_rate",
        "lower",
        "Hallucination rate",
        "Share of answers with a statement that the sources do not support.",
        "quality.hallucination_rate hallucination hallucinations hallucination_score "
        "hallucinationmetric",
    ),
    _F.share(
        "faithfulness",
        "higher",
        "Faithfulness",
        "Mean share of an answer's statements that the sources support.",
        "quality.faithfulness groundedness faithfulness_score faithfulness/v1/mean "
        "faithfulnessmetric grounded_rate",
    ),
    _F.share(
        "context_precision",
        "higher",
        "Context precision",
        "Mean ranking quality of relevant passages among those retrieved.",
        "quality.context_precision contextual_precision llm_context_precision_with_reference "
        "llm_context_precision_without_reference contextualprecisionmetric",
    ),
    _F.share(
        "context_recall",
        "higher",
        "Context recall",
        "Mean share of the reference that the retrieved passages support.",
        "quality.context_recall contextual_recall llm_context_recall contextualrecallmetric",
    ),
    _F.share(
        "context_relevance",
        "higher",
        "Context relevance",
        "Mean share of the retrieved material that bears on the question.",
        "contextual_relevancy context_relevancy contextualrelevancymetric",
    ),
    _F.share(
        "context_entity_recall",
        "higher",
        "Context entity recall",
        "Mean share of the reference's entities found in the retrieved passages.",
        "context_entities_recall",
    ),
    _F.share(
        "noise_sensitivity",
        "lower",
        "Noise sensitivity",
        "Mean share of an answer's statements that are wrong because of retrieved noise.",
        "noise_sensitivity_relevant noise_sensitivity(mode=relevant)",
    ),
    _F.rate(
        "citation_accuracy",
        "higher",
        "Citation accuracy",
        "Share of citations that support what they are cited for.",
        "quality.citation_accuracy attribution attribution_accuracy citation_precision",
    ),
)

RANKING = (
    _F.share(
        "ndcg",
        "higher",
        "nDCG",
        "Mean discounted gain of the ranking over the best possible.",
        "ndcg_at_k ndcg_score normalized_discounted_cumulative_gain ndcg@k",
    ),
    _F.share(
        "mrr",
        "higher",
        "Mean reciprocal rank",
        "Mean of one over the rank of the first relevant result.",
        "mean_reciprocal_rank reciprocal_rank",
    ),
    _F.share(
        "mean_average_precision",
        "higher",
        "Mean average precision",
        "Mean over queries of the average precision of the ranking.",
        "map map@k map_at_k",
    ),
    _F.share(
        "recall_at_k",
        "higher",
        "Recall at k",
        "Mean share of a query's relevant results among the first k.",
        "recall@k",
    ),
    _F.share(
        "precision_at_k",
        "higher",
        "Precision at k",
        "Mean share of relevant results among the first k.",
        "precision@k",
    ),
    _F.rate(
        "hit_rate",
        "higher",
        "Hit rate",
        "Share of queries with a relevant result among the first k.",
        "retrieval_hit_rate hit_rate@k",
    ),
)

AGENTS = (
    _A.rate(
        "task_completion",
        "higher",
        "Task completion",
        "Share of tasks brought to the user's goal.",
        "quality.task_completion goal_accuracy agent_goal_accuracy task_success_rate "
        "task_completion_rate taskcompletionmetric resolved_rate",
    ),
    _A.share(
        "tool_correctness",
        "higher",
        "Tool correctness",
        "Mean share of expected tool calls that were made as expected.",
        "tool_call_accuracy toolcorrectness tool_call_f1",
    ),
    _A.rate(
        "unauthorised_action_rate",
        "lower",
        "Unauthorised action rate",
        "Share of attempts that led to an action nobody allowed.",
        "agent.unauthorised_action_rate unauthorized_action_rate excessive_agency "
        "excessive_agency_rate",
    ),
    _A.rate(
        "human_override_rate",
        "info",
        "Human override rate",
        "Share of actions that a person overrode; neither end is good by itself.",
        "agent.human_override_rate override_rate",
    ),
    _A.share(
        "knowledge_retention",
        "higher",
        "Knowledge retention",
        "Mean share of turns that keep what the user said before.",
        "knowledgeretention",
    ),
    _A.share(
        "role_adherence",
        "higher",
        "Role adherence",
        "Mean share of turns that stay in the given role.",
        "roleadherence",
    ),
    _A.share(
        "topic_adherence",
        "higher",
        "Topic adherence",
        "Mean share of turns that stay within the allowed topics.",
        "topic_adherence_score",
    ),
    _A.other(
        "conversation_completeness",
        "higher",
        "mean",
        "Conversation completeness",
        "Mean share of the user's wishes met by the end of a conversation.",
        "conversationcompleteness",
        value_range=UNIT_INTERVAL,
    ),
    _A.other(
        "steps_per_task",
        "lower",
        "mean",
        "Steps per task",
        "Mean number of actions that a task takes.",
        "turns_per_task",
    ),
)

METRICS = GROUNDING + RANKING + AGENTS
