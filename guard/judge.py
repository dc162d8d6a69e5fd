"""Runs rules over a change. Whoever refuses something asks here, so that no two walls disagree."""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from guard.change import Change
    from guard.policy import Policy


_RULES: list[Rule] = []


def rules() -> list[Rule]:
    """Every rule, by code. One that cannot be loaded raises: a judge that lacks a rule must not judge."""
    if not _RULES:
        import pkgutil

        import guard.rules as package

        names = [f"guard.rules.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
        found = [__import__(name, fromlist=["RULE"]).RULE for name in names]
        _RULES.extend(sorted(found, key=lambda rule: rule.code))
    return list(_RULES)


def judge(
    change: "Change",
    policy: "Policy",
    *,
    codes: "Collection[str]" = (),
    parts: "Collection[str]" = ("content", "message", "command"),
    allowed: "Collection[str]" = (),
) -> list[Finding]:
    """What rules find in a change: those of `codes` (none for all) that look at one of `parts`, but not `allowed`."""
    known = [rule for rule in rules() if rule.part in parts]
    passing = allowable(known, policy, allowed)
    chosen = [rule for rule in known if (not codes or rule.code in codes) and rule.code not in passing]
    every = _run(chosen, change, policy)
    change.let_pass += [finding for finding in every if finding.passes]
    found = [finding for finding in every if not finding.passes]
    if any(rule.code == "G108" for rule in chosen):
        found += _loosened([rule for rule in known if rule.code not in passing], change, policy)
    return sorted(found, key=lambda finding: finding.rank)


def allowable(chosen: "Iterable[Rule]", policy: "Policy", allowed: "Collection[str]") -> set[str]:
    """Those of the codes that a person may let pass under a policy."""
    return {rule.code for rule in chosen if rule.allowable and rule.code not in policy.never_allow} & set(allowed)


def _run(chosen: "Iterable[Rule]", change: "Change", policy: "Policy") -> list[Finding]:
    found = [rule.stamp(finding) for rule in chosen for finding in rule.check(change, policy)]
    if any(finding.code == "G101" for finding in found):  # what counts state is wrong with it, and right again with it
        found = [finding for finding in found if finding.code != "G105" or not policy.is_canonical(finding.path)]
    return found


def _loosened(known: "list[Rule]", change: "Change", policy: "Policy") -> list[Finding]:
    """A finding of G108 where the change's own guard.toml would let pass what the old one refuses."""
    from collections import Counter

    from guard.policy import FILE
    from guard.rules.policy_change import RULE, policy_after, way_back

    looser = policy_after(change)
    if looser is None:
        return []
    others = [rule for rule in known if rule is not RULE]
    refused = Counter((each.code, each.path) for each in _run(others, change, policy) if not each.passes)
    if not refused:
        return []
    standing = Counter((each.code, each.path) for each in _run(others, change, looser) if not each.passes)
    passed = sorted({code for code, _ in refused - standing})
    if not passed:
        return []
    finding = Finding(FILE, f"it would let {', '.join(passed)} pass in the commit that needs it to", way_back(change))
    return [RULE.stamp(finding)]
