"""The bytes of guard.toml in; one frozen `Policy` out, or every problem of the file at once.

Every key of the file is asked for here, once. Reading goes in three steps: each value by itself (`policy_values`), each
table for keys that nobody asked for (`Table.close`), then values against each other (`policy_checks`).
"""

import tomllib
from dataclasses import replace
from typing import Any

from guard import policy_values as check
from guard.policy import FILE, Count, Policy, is_plain
from guard.policy_checks import clashes
from guard.policy_problems import Problem, refusal
from guard.policy_table import Table
from merge.laws import DEFAULT as LAWS
from merge.laws import Laws, ListLaw, MapLaw, TotalsLaw


def read(data: bytes) -> Policy:
    """What `guard.policy.parse` says of a file that is there."""
    problems: list[Problem] = []
    values = _toml(data, problems)
    policy = _policy(Table(values, "", problems))
    problems += clashes(policy, problems, values)
    if problems:
        raise refusal(problems)
    return policy


def _toml(data: bytes, problems: list[Problem]) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        problems.append((FILE, f"byte {error.start} is not UTF-8"))
    except ValueError as error:  # bad TOML, or more digits than CPython converts
        mark = "it begins with a byte order mark; " if data.startswith(b"\xef\xbb\xbf") else ""
        problems.append((FILE, f"{mark}{error}"))
    except RecursionError:
        problems.append((FILE, "it is nested beyond what can be read"))
    return {}


def _policy(top: Table) -> Policy:
    default = Policy()
    repository, canonical, inbox = top.table("repository"), top.table("canonical"), top.table("inbox")
    append_only, roster, delta, merge = (top.table(key) for key in ("append_only", "roster", "delta", "merge"))
    messages, deletions, allow, hooks = (top.table(key) for key in ("messages", "deletions", "allow", "hooks"))
    claims, records, shell, worktree = (top.table(key) for key in ("claims", "records", "shell", "worktree"))
    counts, delivery = top.tables("counts"), top.table("delivery")
    excepted = canonical.texts("except", default.canonical_except, check.glob)
    roster_path = roster.text("path", default.roster, check.json_file)
    not_canonical = tuple(dict.fromkeys((roster_path, *filter(is_plain, excepted))))
    policy = Policy(
        branch=repository.text("branch", default.branch, check.ref_name),
        remote=repository.text("remote", default.remote, check.ref_name),
        refs=repository.text("refs", default.refs, check.ref_prefix),
        timeout=repository.integer("timeout", default.timeout, check.TIMEOUT),
        canonical=canonical.texts("paths", default.canonical, check.glob, least=1),
        canonical_except=excepted,
        inbox=inbox.text("path", default.inbox, check.folder).removesuffix("/") + "/",
        append_rows=append_only.texts("rows", default.append_rows, check.glob),
        append_sections=append_only.texts("sections", default.append_sections, check.glob),
        append_files=append_only.texts("files", default.append_files, check.glob),
        roster=roster_path,
        baseline=merge.text("baseline", "", check.commit) or None,
        from_beginning=merge.take("from_beginning", bool, default.from_beginning),
        keep_frames=merge.integer("keep_frames", default.keep_frames, check.FRAMES),
        author=merge.text("author", default.author, check.author),
        signers=merge.text("signers", default.signers, check.path),
        prefix=messages.take("prefix", bool, default.prefix),
        exempt_authors=messages.texts("exempt", default.exempt_authors, check.author),
        most_deletions=deletions.integer("files", default.most_deletions, check.DELETIONS),
        deletion_folder=deletions.integer("folder", default.deletion_folder, check.DELETIONS),
        never_allow=allow.texts("never", default.never_allow, check.allowable),
        strict=hooks.take("strict", bool, default.strict),
        lease_minutes=claims.integer("minutes", default.lease_minutes, check.MINUTES),
        lease_tolerance=claims.integer("tolerance", default.lease_tolerance, check.TOLERANCE),
        board=records.text("board", default.board, check.path),
        notes=records.text("notes", default.notes, check.path),
        sessions=records.text("sessions", default.sessions, check.path),
        lessons=records.text("lessons", default.lessons, check.folder).removesuffix("/") + "/",
        shell_target=shell.text("target", default.shell_target, check.bash),
        deliver_by=delivery.text("by", default.deliver_by, check.one_of("refs", "branch")),  # type: ignore[arg-type]
        copy=worktree.texts("copy", default.copy, check.glob),
        shell_macos=shell.text("macos", default.shell_macos, check.macos),
        counts=default.counts if counts is None else tuple(map(_count, counts)),
        laws=replace(
            _laws(merge, not_canonical),
            max_bytes=delta.integer("max_bytes", LAWS.max_bytes, check.BYTES),
            max_levels=delta.integer("max_levels", LAWS.max_levels, check.LEVELS),
        ),
    )
    mine = [count.law() for count in policy.counts if policy.is_canonical(count.file) and count not in default.counts]
    policy = replace(policy, laws=replace(policy.laws, counts=tuple(law for law in mine if law is not None)))
    tables = (repository, canonical, inbox, append_only, roster, delta, merge, messages, deletions, allow, hooks)
    for table in (top, *tables, claims, records, shell, worktree, delivery):
        table.close()
    return policy


def _laws(merge: Table, not_canonical: tuple[str, ...]) -> Laws:
    lists, maps = merge.tables("lists"), merge.tables("maps")
    return Laws(
        lists=LAWS.lists if lists is None else tuple(map(_list_law, lists)),
        maps=LAWS.maps if maps is None else tuple(map(_map_law, maps)),
        totals=_totals_law(merge.table("totals")),
        counter=merge.text("counter", LAWS.counter, check.json_file),
        pages=merge.text("pages", LAWS.pages, check.path),
        registers=merge.text("registers", LAWS.registers, check.path),
        editable=merge.texts("editable", LAWS.editable, check.flat_glob),
        not_editable=merge.texts("not_editable", not_canonical, check.path),
    )


def _count(table: Table) -> Count:
    count = Count(
        file=table.text("file", None, check.path),
        pointer=table.text("pointer", "", check.pointer),
        pattern=table.text("pattern", "", check.pattern),
        how=next((how for how in ("value", "length", "sum") if how in table.values), ""),
        source=next(
            (text for how in ("value", "length", "sum") if (text := table.text(how, "", check.pointer_in_file))), ""
        ),
        files=table.text("files", "", check.glob),
        matches=table.text("matches", "", check.regex),
        optional=table.take("optional", bool, False),
    )
    table.close()
    if sum(key in table.values for key in ("pointer", "pattern")) != 1:
        table.complain("pointer", "exactly one of pointer and pattern says where the number stands")
    if sum(key in table.values for key in ("value", "length", "sum", "files")) != 1:
        table.complain("files", "exactly one of value, length, sum and files says what is counted")
    if "matches" in table.values and "files" not in table.values:
        table.complain("matches", "it needs files to look into")
    return count


_KEYS_OF = {
    "one-per-key": {"key", "key_type", "index", "roles"},
    "additive": {"count", "roles"},
    "set": {"attributed"},
    "keep": {"roles"},
}
"""Law -> the keys, besides `name` and `law`, that mean something under it."""


def _list_law(table: Table) -> ListLaw:
    roles = table.table("roles")
    law = ListLaw(
        name=table.text("name", None, check.list_name),
        law=table.text("law", None, check.one_of(*_KEYS_OF)),  # type: ignore[arg-type]  # one_of saw to it
        key=table.texts("key", (), check.field, least=1),
        key_type=table.text("key_type", "string", check.one_of("integer", "string")),  # type: ignore[arg-type]  # too
        count=table.text("count", "", check.field),
        roles={role: roles.texts(role, (), check.field, least=1) for role in roles.keys(check.role)},
        index=table.text("index", "", check.state_path),
        attributed=table.take("attributed", bool, False),
    )
    table.close()
    for key in sorted(set().union(*_KEYS_OF.values()) - _KEYS_OF.get(law.law, set(table.values))):
        if key in table.values:
            table.complain(key, f'it has no meaning under the law "{law.law}"')
    if law.law == "one-per-key" and "key" not in table.values:
        table.complain("key", "it is missing")
    return law


def _map_law(table: Table) -> MapLaw:
    law = MapLaw(
        file=table.text("file", None, check.json_file),
        at=table.text("at", None, check.record_map),
        role=table.text("role", None, check.role),
        listed=table.texts("listed", (), check.list_name),
        counts=table.pairs("counts", {}, check.field, check.list_name),
        last=table.text("last", "", check.field_or_none),
        name=table.text("name", "", check.field_or_none),
    )
    table.close()
    return law


def _totals_law(table: Table) -> TotalsLaw:
    law = TotalsLaw(
        file=table.text("file", LAWS.totals.file, check.json_file),
        adds=table.pairs("adds", LAWS.totals.adds, check.field, check.list_name),
        recounts=table.pairs("recounts", LAWS.totals.recounts, check.field, check.json_file),
        last=table.text("last", LAWS.totals.last, check.field_or_none),
    )
    table.close()
    return law
