"""`guard explain CODE`: what a rule refuses, why, and what to do instead."""

from guard.errors import GuardError
from guard.judge import rules
from guard.report import Report


def run(code: str | None, report: Report) -> int:
    """Print one rule's documentation, or the table of all."""
    known = {rule.code: rule for rule in rules()}
    if code is None:
        report.table(("code", "name", "why"), [(rule.code, rule.name, rule.why) for rule in known.values()])
        report.result({"rules": [{"code": rule.code, "name": rule.name, "why": rule.why} for rule in known.values()]})
        return 0
    rule = known.get(code.upper()) or next((rule for rule in known.values() if rule.name == code), None)
    if rule is None:
        raise GuardError(
            "usage", f"there is no rule {code}", "rules go by code or by name", "guard explain (lists them)"
        )
    text = rule.document().strip()
    report.say(f"{rule.code} {rule.name} (since {rule.since})")
    report.say()
    report.prose(text)
    if rule.allowable:
        report.say()
        report.say(f"Once and in the open: GUARD_ALLOW='{rule.code} why' git commit ...")
    said = {"code": rule.code, "name": rule.name, "why": rule.why, "text": text, "since": rule.since}
    report.result({**said, "allowable": rule.allowable, "exit": 0})
    return 0
