"""README.md and docs/ are true: what they show is done and compared, what they name is there."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator

import pytest
import typer
from pages.shown import BLOCK, PAGES, Shell, blocks, read, section, sections, steps
from pages.situations import STORIES
from walks.lab import Lab

from guard.cli import program
from guard.policy import parse

KINDS = {"console", "usage", "sh", "json", "toml", "yaml", "markdown", "text"}


@pytest.mark.parametrize("where", STORIES, ids=lambda where: "-".join(where[:2]).replace(" ", "-"))
def test_what_a_page_shows_is_what_happens(lab: Lab, where: tuple[str, ...]) -> None:
    """The commands of a page's section are typed one after the other, and each prints what the page says it prints."""
    page, *titles = where
    places = STORIES[where](lab)
    shell = None
    try:
        for block in BLOCK.finditer("".join(section(page, title) for title in titles)):
            if block["kind"] != "console" and not block["path"]:
                continue
            if here := next(places, None):
                place = here
            shell = shell or Shell(lab)
            if block["path"]:
                lab.write(place, {block["path"]: block["text"]})
            elif not elsewhere(block["text"]):
                shell.go(place)
                shell.follow(block["text"])
        assert next(places, None) is None, "the story goes on, and the page does not"
    finally:
        if shell:
            shell.end()


def elsewhere(block: str) -> bool:
    """Whether a block is compared by another test: walks/test_demo.py runs the demo, in a hostile environment."""
    return block.startswith("$ guard demo\n")


def test_no_command_is_shown_that_nobody_types() -> None:
    """Each section with commands has its story, each story its section, and a command stands in no other block."""
    shown = {(page, title) for page in PAGES for title, text in sections(page) if blocks(text)}
    assert shown == {(page, title) for page, *titles in STORIES for title in titles}
    for page in PAGES:
        for block in BLOCK.finditer(read(page)):
            assert block["kind"] in KINDS, f"{page}: ```{block['kind']}"
            if block["kind"] in ("console", "usage"):
                continue
            if block["kind"] == "sh":
                assert block["path"], f"{page}: a script that is no file: who runs it?"
                continue
            typed = [line for line in block["text"].splitlines() if re.match(r" *(\$ |(guard|git|make|pip) \w)", line)]
            assert not typed, f"{page}: in ```{block['kind']}"
        assert not re.search(r"^\n    \S", BLOCK.sub("", read(page)), re.MULTILINE), f"{page} has an indented block"


def test_what_files_hold_can_be_read() -> None:
    """JSON and TOML that the pages show is JSON and TOML, and a policy that guard takes."""
    for page in PAGES:
        for text in blocks(read(page), "json"):
            json.loads(text)
        for text in blocks(read(page), "toml"):
            assert tomllib.loads(text)
            parse(text.encode())


# --- what is named ---------------------------------------------------------------------------------------------


def named(text: str) -> Iterator[list[str]]:
    """Every guard command in a page's blocks and code spans, as words; what `usage` puts in brackets, too."""
    for block in blocks(text):
        for command, _ in steps(block):
            yield from ([*shlex.split(part, comments=True)][1:] for part in re.findall(r"^guard [^|&;>]+", command))
    for block in blocks(text, "usage"):
        for line in block.splitlines():
            yield [word.strip("[]").split("|")[0] for word in line.split()][1:]
    for span in re.findall(r"`(guard [^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)):
        yield shlex.split(span)[1:]


def unknown(words: list[str]) -> str:
    """What of a guard command does not exist; empty where all does."""
    command = program()
    rest = list(words)
    while rest:
        options = {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)}
        word = rest.pop(0)
        if word in ("...", "…"):
            continue  # and so on; behind an option it stands for a value
        if word == "--":
            return ""  # what follows is another program's
        children = getattr(command, "commands", {})
        if word in children:
            command = children[word]
        elif word.startswith("-"):
            name, _, value = word.partition("=")
            if name not in options and name not in ("--help", "-h"):
                return f"{command.name} has no option {name}"
            if name in options and not getattr(options[name], "is_flag", False) and not value:
                if not rest:
                    return f"{name} of {command.name} needs a value"
                rest.pop(0)
        elif children and not any(isinstance(option, typer.core.TyperArgument) for option in command.params):
            return f"{command.name} has no command {word}"
    return ""


@pytest.mark.parametrize("page", PAGES)
def test_documents_name_commands_that_exist(page: str) -> None:
    """Every `guard ...` in a block or code span of the documents is a command that this guard has."""
    wrong = [f"guard {' '.join(words)}: {said}" for words in named(read(page)) if (said := unknown(words))]
    assert not wrong


def test_documents_are_searched_at_all() -> None:
    """The search above finds the commands of README.md, and sees what does not exist."""
    found = list(named(read("README.md")))
    assert {words[0] for words in found} >= {"init", "merge", "verify", "restore", "frame", "delta", "demo"}
    assert ["launch", "--streams", "N", "--frobnicate", "F"] in list(
        named("```usage\nguard launch --streams N [--frobnicate F]\n```\n")
    )
    assert unknown(["merge", "--frobnicate"])
    assert unknown(["frobnicate"])
    assert unknown(["delta", "frobnicate"])
    assert not unknown(["delta", "check", "FILE"])


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every link to a file of ours names one that is there, and every anchor a heading of it."""
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", re.sub(r"`[^`]*`", "", read(page))):
        name, _, anchor = target.partition("#")
        file = (PAGES[page].parent / name).resolve() if name else PAGES[page]
        assert file.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, target


def test_every_page_is_reached_from_the_readme() -> None:
    """README.md names each page of docs/."""
    assert set(PAGES) - {"README.md"} <= set(re.findall(r"docs/[\w-]+\.md", read("README.md")))


def test_the_short_table_of_walls_is_that_of_the_long_page() -> None:
    """README and docs/walls.md name the same layers in the same order, and call the same ones walls."""
    short, full = (
        [[cell.strip() for cell in row.split("|")[1:-1]] for row in text.splitlines() if row.startswith("|")]
        for text in (section("README.md", "What is enforced where"), section("docs/walls.md", "Walls and manners"))
    )
    assert short
    assert [(row[0], row[-1]) for row in short] == [(row[0], row[-1]) for row in full]
