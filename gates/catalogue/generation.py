"""Quality of generated text: language modelling, overlap with references, judged answers.

Judged scores have no fixed scale here: a rule that needs one declares `range`.
"""

from gates.catalogue.metric import Family

_F = Family("generation")

LANGUAGE_MODEL = (
    _F.other(
        "perplexity",
        "lower",
        "mean",
        "Perplexity",
        "Exponentiated mean negative log-likelihood per token.",
        "ppl perplexity_score",
    ),
    _F.other(
        "word_perplexity",
        "lower",
        "mean",
        "Perplexity per word",
        "Exponentiated mean negative log-likelihood per word.",
    ),
    _F.other(
        "byte_perplexity",
        "lower",
        "mean",
        "Perplexity per byte",
        "Exponentiated mean negative log-likelihood per byte.",
    ),
    _F.other(
        "bits_per_byte",
        "lower",
        "mean",
        "Bits per byte",
        "Mean code length of a byte of text.",
        "bpb",
    ),
)

OVERLAP = (
    _F.other(
        "bleu",
        "higher",
        "ratio",
        "BLEU",
        "N-gram precision against references, over the whole corpus; state 0-1 or 0-100.",
        "bleu_score sacrebleu corpus_bleu bleu/v1",
    ),
    *(
        _F.other(
            name,
            "higher",
            "mean",
            title,
            f"{what} against references; state 0-1 or 0-100.",
            synonyms,
        )
        for name, title, what, synonyms in (
            ("rouge1", "ROUGE-1", "Unigram overlap", "rouge_1 rouge1/v1/mean rouge1_f1"),
            ("rouge2", "ROUGE-2", "Bigram overlap", "rouge_2 rouge2/v1/mean rouge2_f1"),
            (
                "rouge_l",
                "ROUGE-L",
                "Longest common subsequence",
                "rougel rouge_score rouge rougel/v1/mean rougel_f1",
            ),
            ("rouge_lsum", "ROUGE-Lsum", "ROUGE-L by sentence", "rougelsum rougelsum/v1/mean"),
            ("meteor", "METEOR", "Aligned unigram overlap", "meteor_score"),
        )
    ),
    _F.other(
        "chrf",
        "higher",
        "ratio",
        "chrF",
        "Character n-gram F-score over the corpus; state 0-1 or 0-100.",
        "chrf_score chrf++",
    ),
    _F.other(
        "ter",
        "lower",
        "ratio",
        "Translation edit rate",
        "Edits needed per reference word; may exceed 1.",
        "translation_edit_rate",
    ),
    _F.other(
        "word_error_rate",
        "lower",
        "ratio",
        "Word error rate",
        "Word edits per reference word; may exceed 1.",
        "wer",
    ),
    _F.other(
        "character_error_rate",
        "lower",
        "ratio",
        "Character error rate",
        "Character edits per reference character; may exceed 1.",
        "cer",
    ),
    _F.other(
        "bertscore_f1",
        "higher",
        "mean",
        "BERTScore F1",
        "Embedding overlap with references.",
        "bertscore bert_score bertscore_f",
    ),
    _F.other(
        "semantic_similarity",
        "higher",
        "mean",
        "Semantic similarity",
        "Embedding similarity of answer and reference.",
        "answer_similarity answer_semantic_similarity similarity",
    ),
    _F.other(
        "comet",
        "higher",
        "mean",
        "COMET",
        "Learned translation quality score.",
        "comet_score comet22",
    ),
)

BENCHMARK = (
    _F.rate(
        "pass_at_1",
        "higher",
        "pass@1",
        "Share of problems solved by one sampled answer.",
        "pass@1",
    ),
    *(
        _F.rate(
            f"{level}_level_{strictness}_acc",
            "higher",
            f"Instruction following ({level}, {strictness})",
            f"Share of {what} whose instructions were followed, {strictness} reading.",
            f"{level}_level_{strictness}_accuracy",
        )
        for level, what in (("prompt", "prompts"), ("inst", "instructions"))
        for strictness in ("strict", "loose")
    ),
    _F.rate(
        "mc1",
        "higher",
        "TruthfulQA MC1",
        "Share of questions whose single true answer is the likeliest.",
        "mc1_accuracy",
    ),
    _F.share(
        "mc2",
        "higher",
        "TruthfulQA MC2",
        "Mean probability given to the true answers.",
        "mc2_score",
    ),
    _F.rate(
        "win_rate",
        "higher",
        "Win rate",
        "Share of comparisons won against the named opponent; ties counted as stated.",
        "winrate preference_rate length_controlled_winrate",
    ),
)

JUDGED = (
    _F.other(
        "relevance",
        "higher",
        "mean",
        "Relevance",
        "Mean judged relevance of answers; record the scale.",
        "quality.relevance answer_relevancy answer_relevance response_relevancy answerrelevancy "
        "answerrelevancymetric relevance/v1/mean answer_relevance/v1/mean relevancy",
    ),
    _F.other(
        "coherence",
        "higher",
        "mean",
        "Coherence",
        "Mean judged coherence of answers; record the scale.",
        "quality.coherence g_eval_coherence coherence_score",
    ),
    _F.other(
        "fluency",
        "higher",
        "mean",
        "Fluency",
        "Mean judged fluency of answers; record the scale.",
        "fluency_score",
    ),
    _F.other(
        "helpfulness",
        "higher",
        "mean",
        "Helpfulness",
        "Mean judged helpfulness of answers; record the scale.",
        "helpfulness_score",
    ),
    _F.other(
        "answer_correctness",
        "higher",
        "mean",
        "Answer correctness",
        "Mean judged agreement with the reference answer; record the scale.",
        "factual_correctness answer_correctness/v1/mean correctness",
    ),
    _F.other(
        "summarization_quality",
        "higher",
        "mean",
        "Summary quality",
        "Mean judged quality of summaries; record the scale.",
        "summarization summarization_score summary_score",
    ),
    _F.share(
        "prompt_alignment",
        "higher",
        "Prompt alignment",
        "Mean share of the prompt's instructions that the answer follows.",
        "instruction_adherence promptalignment",
    ),
    _F.rate(
        "format_validity",
        "higher",
        "Valid output format",
        "Share of outputs that parse in the required format.",
        "json_correctness json_validity schema_validity is_json is_valid_json",
    ),
    _F.other(
        "score",
        "higher",
        "mean",
        "Score",
        "Mean score of a test suite whose scale the suite defines.",
        "avg_score average_score mean_score",
    ),
    _F.rate(
        "pass_rate",
        "higher",
        "Pass rate",
        "Share of test cases or assertions that passed.",
        "test_pass_rate success_rate pass_ratio passrate",
    ),
    _F.other(
        "response_length",
        "info",
        "mean",
        "Response length",
        "Mean length of answers; shown, not judged.",
        "output_length answer_length token_count/v1/mean",
    ),
)

METRICS = LANGUAGE_MODEL + OVERLAP + BENCHMARK + JUDGED
