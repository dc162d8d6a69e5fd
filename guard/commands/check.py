"""`guard check`: what the rules find in the index, in a range of commits, or in files."""

import os
import shlex
import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from guard.errors import GuardError
from guard.finding import Finding, exit_code, verdict
from guard.git import Repo
from guard.judge import judge, rules
from guard.observe.commits import Judged, commits
from guard.observe.contents import present
from guard.observe.disk import on_disk
from guard.observe.index import staged
from guard.plan import policy_at
from guard.report import Report, number
from guard.server import proposed

UNREAD = 3
"""So many files that could not be judged are shown one by one: where one content is missing, thousands are."""


def run(
    repo: Repo,
    report: Report,
    *,
    staged: bool,
    span: str | None,
    paths: Sequence[str],
    chosen: Collection[str],
    github: bool,
    pushed: bool = False,
) -> int:
    """Judge; returns 0 for nothing found, 1 where a rule refuses, 2 where something could only not be judged.

    `chosen` are codes or names of rules; none for all. `pushed` judges a range as a server would judge a push of it.
    """
    codes = _codes(chosen)
    if sum([staged, span is not None, bool(paths)]) > 1:
        why = "each says by itself what is judged, so nothing was"
        raise GuardError("usage", "--staged, --range and PATH exclude each other", why, "guard check --staged")
    if pushed and span is None:
        why = "what is pushed or proposed is a range: what the branch has, and what would come"
        raise GuardError("usage", "--pushed needs --range", why, "guard check --pushed --range origin/main..HEAD")
    let_pass: list[Finding] = []
    if pushed and span is not None:
        findings, judged = in_push(repo, span, codes, report, let_pass)
        what = number(judged, "commit")
    elif span is not None:
        findings, judged = in_range(repo, span, codes, report, let_pass)
        what = number(judged, "commit")
    elif paths:
        findings, judged = _in_files(repo, paths, codes, let_pass)
        what = number(judged, "file")
    else:
        findings, judged = in_index(repo, codes, let_pass)
        what = f"{number(judged, 'staged file')}"
    return show(report, findings, judged, what, let_pass, github=github)


def show(
    report: Report,
    findings: Sequence[Finding],
    judged: int,
    what: str,
    let_pass: Sequence[Finding] = (),
    *,
    github: bool = False,
) -> int:
    """Print findings as people, GitHub or programs read them, then what was let pass; returns the exit code."""
    refused = [finding for finding in findings if not finding.unread]
    unread = [finding for finding in findings if finding.unread]
    for finding in refused + unread[:UNREAD]:
        report.say(annotation(finding) if github else finding.text())
    if len(unread) > UNREAD:
        report.say(f"and {number(len(unread) - UNREAD, 'more file')} could not be judged, as --json lists them")
    for finding in let_pass:
        report.say(f"{finding.text().splitlines()[0]} (let pass: {finding.passes})")
    if let_pass:
        report.say(f"{len(let_pass)} let pass")
    if not findings:
        report.say(f"{what} judged, nothing found")
    code = exit_code(findings)
    report.result(
        {**verdict(findings, judged), **({"let_pass": [each.value() for each in let_pass]} if let_pass else {})}
    )
    return code


def annotation(finding: Finding) -> str:
    """A finding as a GitHub workflow command, which GitHub shows in the diff."""
    said = [
        finding.message,
        *(f"{label}: {text}" for label, text in (("why", finding.why), ("fix", finding.fix)) if text),
    ]
    if finding.commit:
        said.append(f"commit: {finding.commit}")
    text = "\n".join(said).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    place = {"file": finding.path, "line": str(finding.line or 1)} if finding.path else {}
    place["title"] = f"{finding.code} {finding.name}"
    properties = ",".join(f"{key}={_property(value)}" for key, value in place.items())
    return f"::error {properties}::{text}"


def _property(text: str) -> str:
    for mark, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C")):
        text = text.replace(mark, code)
    return text


def _codes(chosen: Collection[str]) -> list[str]:
    """The codes of rules that are named by code or by name; raises `GuardError` for one that there is not."""
    known = {rule.name: rule.code for rule in rules()}
    found = []
    for word in chosen:
        code = known.get(word.lower(), word.upper())
        if code not in known.values():
            raise GuardError(
                "usage",
                f"there is no rule {word}",
                "a rule that is not there finds nothing, and that must not look clean",
                f"one of: {', '.join(f'{code} {name}' for name, code in known.items())}",
            )
        found.append(code)
    return found


def in_index(
    repo: Repo, codes: Collection[str] = (), let_pass: list[Finding] | None = None
) -> tuple[list[Finding], int]:
    """Findings in what is staged, and how many files that is. What was let pass is added to `let_pass`."""
    if repo.bare:
        why = "nothing can be staged in it; its history can be judged"
        raise GuardError("usage", "a bare repository has no index", why, "guard check --range OLD..NEW")
    policy = policy_at(repo, repo.resolve("HEAD"))
    change = staged(repo, policy)
    findings = judge(change, policy, codes=codes, parts=("content",))
    if let_pass is not None:
        let_pass += change.let_pass
    return findings, len(change.files)


def in_range(
    repo: Repo,
    span: str,
    codes: Collection[str] = (),
    report: Report | None = None,
    let_pass: list[Finding] | None = None,
) -> tuple[list[Finding], int]:
    """Findings in every commit of `OLD..NEW`, and how many commits there are."""
    old, new = ends(repo, span)
    report = report or Report(quiet=True)
    with report.working("judging") as progress, present(repo) as contents:
        found = in_commits(commits(repo, old, new, contents), codes, progress, let_pass)
    if contents.missing:
        what = number(len(contents.missing), "content")
        report.warn(f"this clone lacks {what} of files: where no rule needs them, only their names were judged")
    begun = repo.edge()
    begun = begun and begun & set(repo.run("rev-list", new, *([f"^{old}"] if old else [])).split())
    if begun:
        what = number(len(begun), "commit")
        report.warn(
            f"this clone is shallow: the {what} that it begins with could not be judged (git fetch --unshallow)"
        )
    return found


def in_push(
    repo: Repo, span: str, codes: Collection[str], report: Report, let_pass: list[Finding]
) -> tuple[list[Finding], int]:
    """Findings in what `OLD..NEW` would bring to a branch at OLD, judged as a server does: by OLD's policy, whatever a
    commit of the range makes of it, and recomputed."""
    old, new = ends(repo, span)
    with report.working("judging"):
        said = proposed(repo, old, new, time.time())
    for commit, code, reason in said.allowed:
        finding = next(rule for rule in rules() if rule.code == code).stamp(Finding("", "its commit says why"))
        finding.commit, finding.passes = commit, reason
        let_pass.append(finding)
    return [finding for finding in said.findings if not codes or finding.code in codes], said.commits


def in_commits(
    judged: Iterable[Judged],
    codes: Collection[str],
    progress: "object" = None,
    let_pass: list[Finding] | None = None,
) -> tuple[list[Finding], int]:
    """Findings in commits, each judged by the policy of its old side; what a trailer allows is let pass."""
    found: list[Finding] = []
    number_of = 0
    for number_of, each in enumerate(judged, 1):
        if callable(progress) and number_of % 100 == 0:
            progress(f"judging commit {number_of}")
        for finding in judge(each.change, each.policy, codes=codes, allowed=dict(each.change.allowances)):
            finding.commit = each.change.commit
            found.append(finding)
        if let_pass is not None:
            for finding in each.change.let_pass:
                finding.commit = each.change.commit
            let_pass += each.change.let_pass
    return found, number_of


def ends(repo: Repo, span: str) -> tuple[str | None, str]:
    """The two commits of `OLD..NEW`; an OLD of zeros is the beginning, and a missing one is HEAD."""
    if "..." in span or ".." not in span:
        why = "a range is judged commit by commit, from one that is taken for good"
        raise GuardError("usage", f"{span} is not a range OLD..NEW", why, "guard check --range origin/main..HEAD")
    before, _, after = span.partition("..")
    new = repo.resolve(after or "HEAD")
    old = None if before and not before.strip("0") else repo.resolve(before or "HEAD")
    if new is None or (old is None and before.strip("0")):
        name = after or "HEAD" if new is None else before
        why = "what it would bring is not known here, so nothing was judged"
        raise GuardError("usage", f"{name} is no commit of this clone", why, "git fetch, or name another one")
    if old not in (None, new) and repo.is_ancestor(new, old or new):
        raise GuardError(
            "usage",
            f"{span} is the wrong way round: {after or 'HEAD'} is older than {before or 'HEAD'}",
            "it holds no commit to judge, and that must not look like a clean history",
            f"guard check --range {after or 'HEAD'}..{before or 'HEAD'}",
        )
    return old, new


def _in_files(
    repo: Repo, paths: Sequence[str], codes: Collection[str], let_pass: list[Finding]
) -> tuple[list[Finding], int]:
    """Findings in files of the work tree, judged as if they were to be committed."""
    top = Path(os.path.realpath(repo.top()))
    policy = policy_at(repo, repo.resolve("HEAD"))
    change, number_of = on_disk(repo, policy, [_spelled(top, path) for path in paths])
    found = judge(change, policy, codes=codes, parts=("content",))
    known = {file.path for file in change.files if not file.added}
    for finding in found:
        if finding.code == "G101":  # it is on disk, staged or not
            path = shlex.quote(finding.path)
            back = f"git restore --source=HEAD --staged --worktree -- {path}"
            finding.fix = back if finding.path in known else f"move {path} out of the canonical paths"
    let_pass += change.let_pass
    return found, number_of


def _spelled(top: Path, path: str) -> str:
    """A path as git spells it, from the top, which itself is the empty one."""
    here = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow a symlink that is to be judged
    try:
        real = here.parent.resolve() / here.name
    except (OSError, RuntimeError) as error:
        why = "nothing was judged"
        raise GuardError("usage", f"{path} cannot be found: {error}", why, "guard check PATH...") from None
    if not real.is_relative_to(top):
        why = "files are judged as a commit of this repository would take them"
        raise GuardError("usage", f"{path} is not in this work tree", why, f"name files below {top}")
    path = real.relative_to(top).as_posix()
    return "" if path == "." else path
