"""Move what stands in changelog.d/ into CHANGELOG.md, below the version of pyproject.toml: `make changelog`."""

import re
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

KINDS = ("Added", "Changed", "Fixed", "Removed")


def entries(path: Path) -> list[tuple[str, str]]:
    """(kind, text) of each entry of a fragment: it begins with `Added:` or the like, and goes on to the next one."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(rf"(?:- )?({'|'.join(KINDS)}): (.+)", line):
            found.append((match[1], match[2]))
        elif found and line.startswith(("  ", "\t")):
            found[-1] = (found[-1][0], f"{found[-1][1]}\n  {line.strip()}")
        elif line.strip():
            sys.exit(
                f"{path}: an entry begins with one of {', '.join(KINDS)} and a colon, and goes on indented: {line}"
            )
    return found


def main(root: Path) -> None:
    """Write the section, then delete what it holds."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    log = root / "CHANGELOG.md"
    text = log.read_text(encoding="utf-8")
    if f"\n## [{version}]" in text:
        sys.exit(f"CHANGELOG.md has {version} already: set the next version in pyproject.toml first")
    fragments = sorted(path for path in (root / "changelog.d").glob("*.md") if path.name != "README.md")
    found = [entry for path in fragments for entry in entries(path)]
    if not found:
        sys.exit("changelog.d/ holds nothing to release")
    section = f"## [{version}] - {datetime.now(UTC):%Y-%m-%d}\n"
    for kind in KINDS:
        lines = [f"- {said}\n" for each, said in found if each == kind]
        section += f"\n### {kind}\n\n{''.join(lines)}" if lines else ""
    before, older, rest = text.partition("\n## [0") if "\n## [0" in text else (text.rstrip("\n") + "\n", "", "")
    log.write_text(f"{before}\n{section}{older}{rest}", encoding="utf-8")
    for path in fragments:
        path.unlink()
    print(f"CHANGELOG.md: {version}, {len(found)} entries of {len(fragments)} files")


if __name__ == "__main__":
    main(Path(__file__).resolve().parents[1])
