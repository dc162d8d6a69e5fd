"""Runs rules over a change. Whoever refuses something asks here, so that no two walls disagree."""

from guard.finding import Finding
from guard.rule import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from guard.change import Change
    from guard.policy import Policy


def rules() -> list[Rule]:
    """Every rule, by code. One that cannot be loaded raises: a judge that lacks a rule must not judge."""
    import pkgutil

    import guard.rules as package

    found = []
    for module in pkgutil.iter_modules(package.__path__):
        name = f"guard.rules.{module.name}"
        found.append(__import__(name, fromlist=["RULE"]).RULE)
    return sorted(found, key=lambda rule: rule.code)


def judge(
    change: "Change",
    policy: "Policy",
    *,
    codes: "Collection[str]" = (),
    parts: "Collection[str]" = ("content", "message", "command"),
    allowed: "Collection[str]" = (),
) -> list[Finding]:
    """What rules find in a change: those of `codes` (none for all) that look at one of `parts`, but not `allowed`."""
    chosen = [rule for rule in rules() if rule.part in parts and (not codes or rule.code in codes)]
    passing = allowable(chosen, policy, allowed)
    found = _run([rule for rule in chosen if rule.code not in passing], change, policy)
    if not codes or "G108" in codes:
        found += _loosened(chosen, change, found)
    return sorted(found, key=lambda finding: finding.rank)


def allowable(chosen: "Iterable[Rule]", policy: "Policy", allowed: "Collection[str]") -> set[str]:
    """Those of the codes that a person may let pass under a policy."""
    return {rule.code for rule in chosen if rule.allowable and rule.code not in policy.never_allow} & set(allowed)


def _run(chosen: "Iterable[Rule]", change: "Change", policy: "Policy") -> list[Finding]:
    found = []
    for rule in chosen:
        for finding in rule.check(change, policy):
            finding.code, finding.name = rule.code, rule.name
            finding.why = finding.why or rule.why
            found.append(finding)
    return found


def _loosened(chosen: "list[Rule]", change: "Change", found: "list[Finding]") -> list[Finding]:
    """A finding of G108 where the change's own guard.toml would let pass what the old one refuses."""
    from guard.policy import FILE

    if not found or all(file.path != FILE for file in change.files):
        return []
    rule = next((rule for rule in chosen if rule.code == "G108"), None)
    if rule is None:
        return []
    from guard.errors import GuardError
    from guard.policy import parse

    try:
        looser = parse(change.new(FILE))
    except GuardError:
        return []
    standing = {(finding.code, finding.path) for finding in _run(chosen, change, looser)}
    passed = sorted({finding.code for finding in found} - {code for code, _ in standing})
    if not passed:
        return []
    finding = Finding(
        FILE,
        f"it would let {', '.join(passed)} pass in the same commit that needs it to",
        f"git restore --staged {FILE}",
    )
    finding.code, finding.name, finding.why = rule.code, rule.name, rule.why
    return [finding]
