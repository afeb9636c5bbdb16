"""Decisions as the API gives them, for reports: one of each kind that a person may meet."""

from typing import Any


def observed(value: float | None, lower: float | None, upper: float | None, **more: Any) -> Any:
    """What was seen, with its bounds."""
    known: dict[str, Any] = {
        "value": value,
        "n": None,
        "count": None,
        "n_errored": 0,
        "lower": lower,
        "lower_confidence": 0.95,
        "upper": upper,
        "upper_confidence": 0.95,
        "method": "clopper_pearson",
        "approximate": False,
        "scale": "metric",
    }
    return {**known, **more}


def finding(rule: str, outcome: str = "pass", **more: Any) -> dict[str, Any]:
    """A finding; its effect follows from its outcome unless it is given."""
    effect = {"pass": "none", "inconclusive": "escalate", "not_applicable": "none"}
    known: dict[str, Any] = {
        "rule": rule,
        "kind": "threshold",
        "mode": "prove",
        "metric": rule,
        "task": None,
        "slice": {},
        "quantile": None,
        "unit": "fraction",
        "direction": "higher",
        "outcome": outcome,
        "reason": "limit_met",
        "effect": effect.get(outcome, "fail"),
        "proven": outcome == "pass",
        "observed": None,
        "limit": {"min": 0.85},
        "target": None,
        "candidate": None,
        "baseline": None,
        "basis": "example: replace with your own",
        "note": None,
        "message": f"What is to be said of {rule}.",
        "to_settle": None,
        "waiver": None,
        "advisory": False,
        "weighed": False,
        "look": 1,
        "loosens": None,
        "flags": [],
    }
    return {**known, **more}


def decision(status: str, verdict: str, gates: dict[str, list[Any]], **more: Any) -> dict[str, Any]:
    """A recorded decision with these findings."""
    worst = {"fail": 2, "escalate": 1, "none": 0}
    words = ("pass", "escalate", "fail")
    known: dict[str, Any] = {
        "id": "dec_0193f0c0b7a87c0e9d9c3f2a6f1d2b4c",
        "verdict": verdict,
        "status": status,
        "digest": "sha256:" + "a1" * 32,
        "candidate": {
            "model": "support-bot",
            "version": "42",
            "digest": "sha256:" + "c4" * 32,
            "uri": None,
            "components": [],
        },
        "stage": "limited_release",
        "evaluation": "ev_0193f0c0b7a87c0e9d9c3f2a6f1d2b4d",
        "attempt": 1,
        "engine": "1.0.0",
        "policy": {"name": "support-bot-release", "version": 3, "digest": "sha256:" + "b2" * 32},
        "summary": "2 of 2 rules hold.",
        "reasons": [],
        "score": None,
        "gates": [
            {
                "gate": name,
                "verdict": words[max((worst[f["effect"]] for f in found), default=0)],
                "findings": found,
            }
            for name, found in gates.items()
        ],
        "waivers": [],
        "review": None,
        "observe": False,
        "grants": {},
        "context": {"candidates_judged": 0, "baseline_uses": 0},
        "notes": [],
        "decided_at": "2026-11-24T09:30:00.000000Z",
        "valid_days": 90.0,
        "valid_until": "2027-02-22T09:30:00.000000Z" if status == "passed" else None,
        "links": {},
        "audit": {
            "index": 17,
            "leaf": "5f" * 32,
            "checkpoint": "localhost/clearance/log\n18\nAAAA=\n\n— localhost/clearance/log ABCD=\n",
            "proof": ["0e" * 32, "9b" * 32],
        },
    }
    return {**known, **more}


ACCURACY = finding(
    "accuracy",
    task="faq-v7",
    observed=observed(0.913, 0.9019, 0.9233, n=2000, count=1826),
    target=0.9,
    message="Accuracy (faq-v7) 91.3% (1826 of 2000). With 95% confidence it is at least 90.2%; "
    "the limit is at least 85%.",
)
LATENCY = finding(
    "latency",
    kind="threshold",
    metric="latency",
    unit="s",
    direction="lower",
    quantile=0.95,
    limit={"max": 0.8},
    observed=observed(0.969, 0.9584, 0.9775, n=1000, count=969, scale="share_within_limit"),
    message="Latency 96.9% within the limit (969 of 1000). With 95% confidence it is at least "
    "95.8%; 95% must lie within 0.8 s.",
)
COST = finding(
    "cost_per_inference",
    mode="exact",
    unit="USD",
    direction="lower",
    limit={"max": 0.004},
    observed=observed(0.0031, None, None, lower_confidence=None, upper_confidence=None),
    message="Cost per inference 0.0031 USD; the limit is at most 0.004 USD.",
)
DROP = finding(
    "f1-versus-baseline",
    kind="versus_baseline",
    metric="f1",
    limit={"max_drop": 0.01},
    observed=observed(-0.002, -0.0081, 0.0043, scale="difference", approximate=True),
    candidate=observed(0.871, None, None, n=2000),
    baseline=observed(0.873, None, None, n=2000),
    message="F1 differs from the baseline by -0.2% (87.1% against 87.3%). With 95% confidence it "
    "is at least -0.8%; the agreed margin is max drop 1 points.",
    flags=["comparability: undeclared"],
)
NO_HARM = finding(
    "no-cbrne",
    kind="zero_tolerance",
    metric="attack_success_rate",
    slice={"category": "cbrne"},
    direction="lower",
    limit={"max_count": 0, "rate_below": 0.01},
    observed=observed(0.0, 0.0, 0.0092, n=400, count=0),
    message="Attack success rate (category=cbrne): 0 in 400; at most 0 allowed. That supports a "
    "rate below 0.92%, not a rate of zero (asked: 1%).",
)
DPIA = finding(
    "dpia",
    kind="document",
    metric=None,
    unit=None,
    limit={"document": "dpia", "signed_by": "dpo", "max_age_days": 365},
    message="The document dpia signed by dpo is there and holds (84 days old, at most 365).",
)
ATTACKS = finding(
    "attack_success_rate",
    "inconclusive",
    reason="interval_straddles_limit",
    slice={"category": "prompt_injection"},
    direction="lower",
    limit={"max": 0.02},
    observed=observed(0.012, 0.0069, 0.0231, n=1000, count=12, upper_confidence=0.992),
    to_settle={"samples": 1900},
    message="Attack success rate (category=prompt_injection) 1.2% (12 of 1000) looks good, but "
    "this sample cannot rule out 2.3%; the limit is at most 2%. About 1,900 examples in all would "
    "settle it, if what was seen is about right.",
)
GERMAN = finding(
    "no-language-left-behind",
    "fail",
    reason="limit_missed",
    slice={"language": "de"},
    limit={"min": 0.8},
    observed=observed(0.71, 0.6554, 0.7607, n=300, count=213),
    message="Accuracy (language=de) 71.0% (213 of 300). With 95% confidence it is at most 76.1%; "
    "the limit is at least 80%.",
)
FRENCH = finding(
    "no-language-left-behind",
    slice={"language": "fr"},
    limit={"min": 0.8},
    observed=observed(0.87, 0.8337, 0.9003, n=300, count=261),
)
ABSENT = finding(
    "toxicity",
    "missing",
    reason="not_measured",
    limit={"max": 0.01},
    message="Toxicity: no evidence. Toxicity was not measured.",
)
REVIEW = {
    "id": "rev_0193f0c0b7a87c0e9d9c3f2a6f1d2b4e",
    "status": "open",
    "opens_at": "2026-11-24T09:30:00.000000Z",
    "due_at": "2026-11-25T09:30:00.000000Z",
    "expires_at": "2026-11-27T09:30:00.000000Z",
    "needed": [
        {"role": "product_owner", "min": 1, "have": 0},
        {"role": "security", "min": 1, "have": 0},
    ],
}

PASSED = decision(
    "passed",
    "pass",
    {
        "quality": [ACCURACY, DROP],
        "safety": [NO_HARM],
        "cost": [LATENCY, COST],
        "compliance": [DPIA],
    },
    summary="6 of 6 rules hold.",
    grants={"traffic_max": 0.05},
)
FAILED = decision(
    "failed",
    "fail",
    {"quality": [ACCURACY, GERMAN, FRENCH], "safety": [NO_HARM, ABSENT]},
    summary="3 of 5 rules hold. quality/no-language-left-behind: " + GERMAN["message"],
)
PENDING = decision(
    "pending",
    "escalate",
    {"quality": [ACCURACY, DROP], "safety": [ATTACKS, NO_HARM], "cost": [LATENCY]},
    summary="4 of 5 rules hold. safety/attack_success_rate: " + ATTACKS["message"],
    review=REVIEW,
    grants={"traffic_max": 0.05, "tools": ["search", "refund"]},
)
WAIVED = decision(
    "passed",
    "pass",
    {
        "quality": [
            ACCURACY,
            {**GERMAN, "waiver": "wvr_7", "effect": "none"},
            {**FRENCH, "advisory": True},
            finding("later", "not_applicable", message="later applies from 2027-01-01."),
        ]
    },
    summary="1 of 2 rules hold. Waived by wvr_7: quality/no-language-left-behind.",
    waivers=["wvr_7"],
)
RANGE = decision(
    "passed",
    "pass",
    {
        "quality": [
            finding(
                "answer_length",
                unit="tokens",
                limit={"min": 80, "max": 240},
                observed=observed(151.2, 139.0, 163.8, n=400, method="t"),
            ),
            finding(
                "perplexity",
                unit=None,
                direction="lower",
                limit={"max": 12.5},
                observed=observed(11.1, None, 11.6, n=800, method="t"),
            ),
        ]
    },
    id=None,
    audit=None,
    evaluation=None,
)
MANY = decision(
    "failed",
    "fail",
    {
        "quality": [
            finding(
                "per-task",
                "fail" if i % 9 == 4 else "inconclusive" if i % 7 == 3 else "pass",
                task=f"mmlu_{i:02d}_professional_medicine/strict-match",
                limit={"min": 0.6},
                observed=observed(0.72 - 0.02 * (i % 9), 0.68 - 0.02 * (i % 9), 0.76, n=1200),
            )
            for i in range(40)
        ]
    },
)
HOSTILE_TEXT = (
    "</style><script>alert(1)</script>|`x`](javascript:alert(1))![i](http://evil.example/i.png)"
    "\u202ekrow\u2066\x1b[31m\x00\r\n::error::owned {{7*7}} @octocat #12 www.evil.example & ' \""
)
UNICODE = decision(
    "pending",
    "escalate",
    {
        "איכות": [
            {**ACCURACY, "rule": "דיוק", "slice": {"שפה": "עברית"}},
            {**ATTACKS, "slice": {"言語": "日本語", "emoji": "👩‍🚒"}},
            {**FRENCH, "rule": "x" * 180, "slice": {"category": "y" * 150}},
        ]
    },
    review=REVIEW,
)


def hostile(text: str = HOSTILE_TEXT) -> dict[str, Any]:
    """A decision in which every text that can come from outside is the given one."""
    bad = {
        **ATTACKS,
        "rule": text,
        "task": text,
        "metric": text,
        "slice": {text: text},
        "message": text,
        "basis": text,
        "note": text,
        "flags": [text],
        "unit": text,
        "waiver": text,
        "loosens": text,
    }
    return decision(
        "pending",
        "escalate",
        {text: [bad, {**bad, "waiver": None, "kind": "document", "outcome": "fail"}]},
        summary=text,
        candidate={"model": text, "version": text, "digest": text},
        stage=text,
        policy={"name": text, "version": 1, "digest": text},
        grants={text: text, "nested": {text: [text]}},
        notes=[text],
        waivers=[text],
        engine=text,
        review={**REVIEW, "needed": [{"role": text, "min": 1, "have": 0}], "expires_at": text},
        audit={"index": 3, "leaf": text, "checkpoint": text, "proof": [text]},
        decided_at=text,
    )


ALL = {
    "passed": PASSED,
    "failed": FAILED,
    "pending": PENDING,
    "waived": WAIVED,
    "range": RANGE,
    "many": MANY,
    "unicode": UNICODE,
}
