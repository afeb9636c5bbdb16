"""A commented policy from measurements: limits that this sample size can prove, ready to edit.

It never writes a limit that the same measurements would not pass, and it leaves what they cannot
prove commented out, with the reason.
"""

import re
from collections.abc import Iterable, Sequence

from app.policies.picking import Crowd, literal
from app.policies.proposals import Proposal, propose
from app.policies.rounding import plain
from app.policies.series import ALPHA, Series
from gates.evidence import Measurement

MAX_RULES = 1000  # a policy of more is nobody's to read, and may not load
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_WORDS = frozenset({"null", "true", "false", "y", "n", "yes", "no", "on", "off", "set_your_own"})
_UNSAFE_IN_NAME = re.compile(r"[^a-z0-9._-]+")
_UNSAFE_IN_ID = re.compile(r"[^A-Za-z0-9_.-]+")


class DraftError(ValueError):
    """No policy can be drafted from these measurements; the message says what to send."""


def draft(measurements: Iterable[Measurement], *, name: str, model: str, stage: str) -> str:
    """The policy's YAML. Raises DraftError where nothing can be proven."""
    proposed = propose(measurements)
    crowd = Crowd(proposal.series for proposal in proposed)
    proposals = [_selectable(proposal, crowd) for proposal in proposed]
    proven = [proposal for proposal in proposals if proposal.limit is not None]
    unproven = [proposal for proposal in proposals if proposal.limit is None]
    if not proven:
        raise DraftError(_nothing(unproven))
    if len(proven) > MAX_RULES:
        raise DraftError(f"{len(proven)} limits are more than {MAX_RULES}; draft from fewer files")
    taken: set[str] = set()
    lines = _head(name, model, stage, len(proposals))
    groups = _merged(proposals)
    for gate in dict.fromkeys(_gate(group[0]) for group in groups):
        lines.append(f"  {gate}:")
        for group in groups:
            if _gate(group[0]) == gate:
                lines += _rule(group, taken, by_source=bool(crowd.rivals(group[0].series)))
    if all(proposal.exact for proposal in proven):
        lines += [
            "",
            "# Only stated values are asked for: where they were sampled, a would-be pass",
        ]
        lines += ["# escalates, because nothing is proven."]
    lines += _tail(unproven)
    return "\n".join(lines) + "\n"


def _head(name: str, model: str, stage: str, measured: int) -> list[str]:
    return [
        f"# Drafted from {measured} measurements. Each limit is what a sample of this size proves",
        f"# at a first look with {1 - ALPHA:.0%} confidence. Nobody has called it good enough:",
        "# raise what matters, delete what does not, and say who answers for it.",
        f"policy: {_scalar(_policy_name(name))}",
        "owner: unassigned  # who answers for this policy",
        f"applies_to: {{model: {_scalar(model)}, stage: {_scalar(stage)}}}",
        "gates:",
    ]


def _policy_name(name: str) -> str:
    """The name as policies are named: lower case, and nothing that a URL would escape."""
    return _UNSAFE_IN_NAME.sub("-", name.lower())[:100].strip("-._") or "drafted"


def _nothing(unproven: Sequence[Proposal]) -> str:
    if not unproven:
        return "there are no measurements to draft from"
    reasons = [f"{_place(p.series)}: {p.words}" for p in unproven[:5]]
    more = f"; and {len(unproven) - 5} more" if len(unproven) > 5 else ""
    return _printable("nothing in these measurements proves a limit. " + "; ".join(reasons) + more)


def _gate(proposal: Proposal) -> str:
    return proposal.subject.family if proposal.subject else "other"


def _selectable(proposal: Proposal, crowd: Crowd) -> Proposal:
    """The proposal, without its limit where no rule could pick the series out."""
    why = crowd.hides(proposal.series)
    return proposal if why is None else Proposal(proposal.series, proposal.subject, why)


def _merged(proposals: Sequence[Proposal]) -> list[list[Proposal]]:
    """The proven proposals; slices that are proven alike together, for one rule with `by`.

    A rule with `by` judges every slice, so all that was measured over its dimensions must be in it.
    """
    over: dict[object, list[Proposal]] = {}
    for proposal in proposals:
        series = proposal.series
        key = (series.metric, series.task, series.source, series.dimensions)
        over.setdefault(key, []).append(proposal)
    groups = []
    for group in over.values():
        alike = len({_form(proposal) for proposal in group}) == 1
        if alike and group[0].limit is not None and group[0].series.slice:
            groups.append(group)
        else:
            groups += [[proposal] for proposal in group if proposal.limit is not None]
    return groups


def _form(proposal: Proposal) -> object:
    """What two slices must share to stand in one rule; a tail's limit is part of its evidence."""
    apart = proposal.limit if proposal.quantile is not None else proposal.limit is None
    sized = proposal.series if proposal.min_samples is not None else None
    return (proposal.field, proposal.quantile, proposal.unit, proposal.exact, apart, sized)


def _rule(group: Sequence[Proposal], taken: set[str], *, by_source: bool) -> list[str]:
    first = group[0]
    series, subject = first.series, first.subject
    assert subject is not None
    merged = len(group) > 1
    lines = [
        f"    # {_printable(_slice_words(p.series) + p.words if merged else p.words)}"
        for p in group
    ]
    lines += [
        f"    - id: {_id(first, taken, merged=merged)}",
        f"      metric: {_scalar(subject.name)}",
    ]
    if subject.declared:
        lines += [f"      direction: {subject.direction}", f"      kind: {subject.kind}"]
    if series.task:
        lines.append(f"      task: {_scalar(literal(series.task))}")
    if by_source:
        lines.append(f"      source: {_scalar(literal(series.source))}")
    lines += _scope(group)
    if first.quantile is not None:
        lines.append(f"      quantile: {first.quantile:g}")
    limits = [p.limit for p in group if p.limit is not None]
    limit = min(limits) if first.field == "min" else max(limits)
    lines.append(f"      {first.field}: {plain(limit)}")
    if first.min_samples is not None:
        lines.append(f"      min_samples: {first.min_samples}")
    if first.unit is not None:
        lines.append(f"      unit: {_scalar(first.unit)}")
    if first.exact:
        lines.append("      mode: exact")
    return lines


def _scope(group: Sequence[Proposal]) -> list[str]:
    series = group[0].series
    if not series.slice:
        return []
    if len(group) == 1:
        pairs = ", ".join(f"{_scalar(name)}: {_scalar(value)}" for name, value in series.slice)
        return [f"      where: {{{pairs}}}"]
    names = series.dimensions
    values = {name: sorted({dict(p.series.slice)[name] for p in group}) for name in names}
    lines = [f"      by: [{', '.join(_scalar(name) for name in names)}]"]
    complete = 1
    for name in names:
        complete *= len(values[name])
    if complete == len(group):  # else it would ask for combinations that nobody measured
        pairs = ", ".join(
            f"{_scalar(name)}: [{', '.join(_scalar(value) for value in values[name])}]"
            for name in names
        )
        lines.append(f"      require: {{{pairs}}}")
    return lines


def _tail(unproven: Sequence[Proposal]) -> list[str]:
    if not unproven:
        return []
    lines = ["", "# Measured, but no limit can be proven from it; complete a rule to ask for it:"]
    for proposal in unproven:
        series = proposal.series
        lines += [
            "#",
            f"# {_printable(_place(series))}: {_printable(proposal.words)}",
            f"# - metric: {_printable(_scalar(series.metric))}",
        ]
        if series.task:
            lines.append(f"#   task: {_printable(_scalar(literal(series.task)))}")
        subject = proposal.subject
        field = "max" if subject is not None and subject.direction == "lower" else "min"
        lines.append(f"#   {field}: set_your_own")
    return lines


def _place(series: Series) -> str:
    place = f"{series.task}.{series.metric}" if series.task else series.metric
    return f"{place} [{_slice_words(series)[:-2]}]" if series.slice else place


def _slice_words(series: Series) -> str:
    return ", ".join(f"{name}={value}" for name, value in series.slice) + ": "


def _id(proposal: Proposal, taken: set[str], *, merged: bool) -> str:
    series = proposal.series
    parts = [proposal.subject.name if proposal.subject else series.metric]
    if proposal.quantile is not None:
        parts.append(f"p{100 * proposal.quantile:g}")
    parts += [series.task or ""]
    parts += series.dimensions if merged else [value for _, value in series.slice]
    words = [_UNSAFE_IN_ID.sub("-", part).strip("-._") for part in parts]
    stem = "-".join(word for word in words if word)[:80].strip("-._") or "rule"
    id_, number = stem, 1
    while id_ in taken:
        number += 1
        id_ = f"{stem}-{number}"
    taken.add(id_)
    return id_ if _PLAIN.fullmatch(id_) else f'"{id_}"'


def _scalar(text: str) -> str:
    """A YAML scalar that reads back as this text, whatever a tool put into it."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _printable(text: str) -> str:
    """A comment stays on its line."""
    return "".join(character if character.isprintable() else " " for character in text)
