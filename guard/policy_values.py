"""One value of guard.toml by itself: the bounds of numbers, and what is wrong with a text.

The bounds, patterns and names stand in schemas/policy.schema.json too, word for word.
"""

import re
from collections.abc import Callable

BYTES = (1024, 64 * 1024 * 1024)
"""Least and most that `delta.max_bytes` may say. Below, a fallback delta might not fit; above, the page that collects
a frame's deltas would come near the 100 MB at which hosts refuse a file."""

LEVELS = (8, 200)
"""Least and most that `delta.max_levels` may say. Real deltas nest five levels deep. A page holds an item up to four
levels deeper than its delta does, and the JSON library stops writing at 254."""

FRAMES = (0, 10**9)
"""Least and most that `merge.keep_frames` may say; with the most, no merged delta ever leaves the inbox."""

DELETIONS = (1, 10**9)
"""Least and most that the keys of `deletions` may say."""

MINUTES = (1, 10**6)
"""Least and most that `claims.minutes` may say."""

TOLERANCE = (0, 10**4)
"""Least and most that `claims.tolerance` may say."""

TIMEOUT = (1, 86400)
"""Least and most that `repository.timeout` may say: a second, and a day."""

NOT_A_LIST = (
    *("frame", "streams", "extra", "filtered", "variants", "provenance"),  # a page's own keys
    "count",  # stands beside the lists in a page's `filtered`
    *("stream_id", "completed_at", "timestamp", "_meta", "set"),  # a delta's own keys
)
"""Names that no list can have."""

NOT_A_ROLE = ("frames", "variants")
"""Names that no role can have: they stand beside the roles in an entry of an index."""

Check = Callable[[str], str]
"""What is wrong with a text, as the end of a sentence that begins with the text; empty for nothing."""


def _without(pattern: str, sentence: str, least: int = 0) -> Check:
    """A check that refuses a text in which the pattern is found, or that is shorter than `least`."""
    return lambda text: sentence if len(text) < least or re.search(pattern, text) else ""


def _all(pattern: str, sentence: str) -> Check:
    """A check that refuses a text of which the pattern, from ^ to $, is not the whole."""
    return lambda text: "" if "\n" not in text and re.search(pattern, text) else sentence  # $ overlooks a final newline


def one_of(*choices: str) -> Check:
    """A check that refuses every text but these."""
    return lambda text: "" if text in choices else f"is not one of {', '.join(choices)}"


# --- paths and globs -------------------------------------------------------------------------------------------

path = _without(
    r"(^|/)(\.{0,2}|\.[gG][iI][tT])(/|$)|[\x00-\x1f\x7f\\*?\[\]{}#]",
    "is not a path within the repository, plain and without a final slash",
)

folder = _without(
    r"^/?$|(^|/)(\.{1,2}|\.[gG][iI][tT])(/|$)|^/|//|[\x00-\x1f\x7f\\*?\[\]{}#]",
    "is not the path of a folder within the repository",
)

glob = _without(
    r"(^|/)(\.{0,2}|\.[gG][iI][tT])(/|$)|[\x00-\x1f\x7f\\\[\]{}#]|^!|[^/]\*\*|\*\*[^/]",
    "is not a glob of paths within the repository: parts between slashes, with * and ? inside a part, and ** as a part"
    " of its own",
)


def state_path(text: str) -> str:
    """Judge a path below state/."""
    return path(text) or ("" if text.startswith("state/") else "is not below state/")


def json_file(text: str) -> str:
    """Judge the path of a JSON file."""
    return path(text) or ("" if text.endswith(".json") else "does not end in .json")


def flat_glob(text: str) -> str:
    """Judge a glob whose depth is fixed."""
    return glob(text) or ("may not hold **: what can be edited is named at its depth" if "**" in text else "")


# --- what git names --------------------------------------------------------------------------------------------

ref_name = _without(  # as git check-ref-format has it
    r"^-|^@$|^HEAD$|^refs/|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|\.$|(^|/)\.|\.lock(/|$)",
    "is not the short name of a branch or a remote",
    least=1,
)

ref_prefix = _all(
    r"^refs/([A-Za-z0-9_-]+/)+$(?<!^refs/heads/)(?<!^refs/tags/)(?<!^refs/remotes/)",
    "is not the beginning of ref names, as refs/guard/ or refs/heads/guard/",
)

author = _all(  # git cuts these marks off both ends of a name and of a mail address, so they could not come back
    r"^[^<>\x00-\x20\x7f.,:;\x22'\\]([^<>\x00-\x1f\x7f]*[^<>\x00-\x20\x7f.,:;\x22'\\])? "
    r"<[^<>\x00-\x20\x7f.,:;\x22'\\]([^<>\x00-\x20\x7f]*[^<>\x00-\x20\x7f.,:;\x22'\\])?>$",
    "is not Name <mail>; neither part may hold < or >, or begin or end with a space or a mark such as . or a quote",
)

commit = _all(
    r"^([0-9a-f]{40}|[0-9a-f]{64})$",
    "is not the full id of a commit: 40 or 64 lower-case hex digits",
)

# --- fields, lists and roles -----------------------------------------------------------------------------------

field = _without(
    r"[\x00-\x1f\x7f]|^\*$|^.{129}",
    "is not the name of a field: 1 to 128 characters, not *",
    least=1,
)

_name = _without(
    r"[^A-Za-z0-9_-]|^[^A-Za-z_]|^.{65}",
    "is not a name: 1 to 64 letters, digits, _ and -, the first a letter or _",
    least=1,
)


def field_or_none(text: str) -> str:
    """Judge the name of a field; the empty text stands for none."""
    return field(text) if text else ""


def record_map(text: str) -> str:
    """Judge the name of the field that holds a file's records."""
    return field(text) or ("is where a file keeps its own count and time" if text == "_meta" else "")


def list_name(text: str) -> str:
    """Judge the name of a list."""
    return _name(text) or ("cannot be a list: pages or deltas use that key otherwise" if text in NOT_A_LIST else "")


def role(text: str) -> str:
    """Judge the name of a role."""
    return _name(text) or ("cannot be a role: an index uses that key otherwise" if text in NOT_A_ROLE else "")


# --- counts and messages ---------------------------------------------------------------------------------------

allowable = _all(r"^G2[0-9]{2}$|^G401$", "is not the code of a rule that can be let pass: G2xx or G401")

pointer = _all(r"^(/([^~/\x00-\x1f]|~[01])*)+$", "is not a JSON pointer below the root, as /_meta/count")

bash = _all(r"^bash[3-9]\.[0-9]$", "is not a version of bash, as bash3.2 or bash4.4")

macos = _all(r"^[1-9][0-9](\.[0-9]{1,2})?$", "is not a version of macOS, as 12 or 12.3")


def pointer_in_file(text: str) -> str:
    """Judge a JSON file and a pointer into it, with # between them."""
    file, mark, rest = text.partition("#")
    return "" if mark and not json_file(file) and not pointer(rest) else "is not <file>.json#/<pointer>"


def regex(text: str) -> str:
    """Judge a regular expression."""
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return "is not a regular expression of Python's"
    return "" if text else "is empty"


def pattern(text: str) -> str:
    """Judge a regular expression that finds a number."""
    return regex(text) or ("" if re.compile(text).groups else "has no group for the number, as ([0-9]+)")
