"""Writers who each change the shared state themselves, in the loop that people write, beside deltas and one merge."""

import json
import sys
import tempfile
from pathlib import Path

from walks.lab import STATE, Lab, delta, name_of, post

from benchmarks.delivery import at_once
from benchmarks.measure import GUARD, Figure, Part, Row, Scale, Spent, compare, say, spend

TITLE = "Merge, or everybody rewrites the state"
HOW = """\
So many clones of one hub each report a post at the same moment. *The loop*: a Python script adds the post to
`state/all_posts.json` and one to `total_posts` of `state/stats.json`, then `git commit`, then up to ten times
`git pull --rebase && git push`; where the rebase stops at a conflict, `git rebase --abort`, `git reset --hard
origin/main` and the script once more. *guard*: `guard delta push` in each clone, then one `guard merge`. By the clock,
from the first start until everything is in the state. The loop loses what it gives up after ten times, and counts what
git joins: two who both make a total of 5 a 6 do not conflict, and it stays 6."""

REWRITE = """\
import json, sys
number = int(sys.argv[1])
with open("state/all_posts.json") as file:
    posts = json.load(file)
posts[str(number)] = {"author": "ada", "title": "post %d" % number}
with open("state/all_posts.json", "w") as file:
    json.dump(posts, file, indent=2, sort_keys=True)
with open("state/stats.json") as file:
    stats = json.load(file)
stats["total_posts"] += 1
with open("state/stats.json", "w") as file:
    json.dump(stats, file, indent=2)
"""
LOOP = """rewrite() { "$1" -I -S "$2" "$3" && git commit -q -a -m "[S1] post: $3"; }
rewrite "$@" || exit 1
for try in 1 2 3 4 5 6 7 8 9 10; do
  if ! git pull -q --rebase origin main; then
    git rebase --abort
    git fetch -q origin && git reset -q --hard origin/main && rewrite "$@" || exit 1
  fi
  git push -q origin HEAD:main && exit 0
done
exit 1
"""
HAD = 400


def measure(scale: Scale, tools: dict[str, str]) -> Part:  # noqa: ARG001 - as all subjects
    """A few writers and many."""
    part = Part()
    for number in sorted({each for each in scale.writers if 1 < each < 50}):
        rounds = scale.thrice
        mine, theirs = [], []
        lost, missing, short = 0, 0, 0
        for turn in range(rounds):
            say(f"loop: {number} writers, run {turn + 1}")
            spent, gone, less = looped(number)
            theirs.append(spent)
            missing, short = missing + gone, short + less
            spent, gone = merged(number)
            mine.append(spent)
            lost += gone
        total = number * rounds
        note = f"of {total} posts the loop lost {missing}, and its total is {short} short of those that are there"
        name = f"{number} posts by {number} writers"
        part.rows.append(compare(name, "the loop", mine, theirs, by="clock", note=note))
        part.rows.append(Row(f"{name}: lost, or not counted, of {total}", "", "count", "", Figure.of([lost]), goal=0))
    return part


def numbers(count: int) -> list[int]:
    """The numbers of the new posts: here and there among those that the state has."""
    return [place * HAD // count * 10 + 5 for place in range(count)]


def looped(count: int) -> tuple[Spent, int, int]:
    """What the loop took, how many posts are not there, and how many of those that are were not counted."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        had = {str(place * 10): {"author": "ada", "title": f"post {place * 10}"} for place in range(HAD)}
        posts = json.dumps(had, indent=2, sort_keys=True)
        clones = lab.fleet(*(f"c{each}" for each in range(count)), files={**STATE, "state/all_posts.json": posts})
        script = Path(folder, "rewrite.py")
        script.write_text(REWRITE)
        new = numbers(count)
        words = ("sh", "-c", LOOP, "loop", sys.executable, str(script))
        spent = at_once(lab, clones, lambda place: (*words, str(new[place])))
        there = lab.load(lab.hub, "state/all_posts.json")
        found = sum(str(each) in there for each in new)
        return spent, count - found, found - lab.load(lab.hub, "state/stats.json")["total_posts"]


def merged(count: int) -> tuple[Spent, int]:
    """What deltas and one merge took, and how many posts are not there or not counted."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        *clones, primary = lab.fleet(*(f"c{each}" for each in range(count)), "primary")
        for number, clone in zip(numbers(count), clones, strict=True):
            lab.write(clone, {name_of(1, f"m{number}"): delta(1, f"m{number}", posts_created=[post(number)])})
        delivered = at_once(lab, clones, lambda _: (GUARD, "delta", "push"))
        spent = delivered.plus(spend(primary, GUARD, "merge", env=lab.env))
        return spent, count - lab.load(lab.hub, "state/stats.json")["total_posts"]
