"""The block in AGENTS.md that tells agents, whatever their tool, how work is done here."""

from guard.policy import Policy

FILE = "AGENTS.md"
_BEGIN, _END = "<!-- BEGIN guard -->", "<!-- END guard -->"


def block(policy: Policy) -> str:
    """The block, marked so that it can be found again."""
    return f"""\
{_BEGIN}
## Working here: many sessions write to this repository

`PROTOCOL.md` has the rules, `guard explain CODE` says why one refused something. In short:

- Begin with `guard orient`; get a number and a work tree with `guard start --worktree`.
- Claim before you touch: `guard claim LANE --scope PATH --intent 'what is to be done'`.
- Commit by name: `guard commit -m 'what: why' FILE...`. `git add -A`, `git commit -a` and `--no-verify` are refused.
- No `git stash`, no autostash, no `reset --hard`, `clean -f`, `checkout -- .`: others' files are in this tree.
  `guard sync` brings in what is new; `guard worktree add PATH --at REV` is how to look at another state.
- Canonical state ({", ".join(f"`{glob}`" for glob in policy.canonical[:4])}) is written by `guard merge` alone.
  Report what happened as a delta: `guard delta new --stream NAME`, then `guard delta push`.
- End with `guard handoff -m 'what was done' --next 'what is not'`.
{_END}
"""


def extended(text: "str | None", policy: Policy) -> str:
    """The page with the block in it: in the place of an older one, else at its end."""
    ending = "\r\n" if text and "\r\n" in text else "\n"
    new = block(policy).replace("\n", ending)
    if not text:
        return new
    found = _place(text)
    if found is not None:
        return text[: found[0]] + new + text[found[1] :]
    return text + ("" if text.endswith("\n") else ending) + ending + new


def without(text: str) -> "str | None":
    """The page without the block; None where nothing else is on it."""
    found = _place(text)
    if found is None:
        return text
    before, after = text[: found[0]], text[found[1] :]
    if not after and before.endswith(("\n\n", "\r\n\r\n")):
        before = before[: -2 if before.endswith("\r\n") else -1]
    rest = before + after
    return rest if rest.strip() else None


def _place(text: str) -> "tuple[int, int] | None":
    begin = text.find(_BEGIN)
    end = text.find(_END, begin)
    if begin < 0 or end < 0:
        return None
    end += len(_END)
    for newline in ("\r\n", "\n"):
        if text.startswith(newline, end):
            return begin, end + len(newline)
    return begin, end
