"""What is old moves to an archive: rows of closed lanes, sections of notes. Nothing is lost, edited or reordered.

A commit of both files at once passes G104: what is missing in one was added, in its order, to the other.
"""

from collections.abc import Sequence

from guard.records import board, notes, table
from guard.records.text import decode, encode, eol_of, lines_of


def rotate_rows(data: bytes, archive: bytes | None, keep: int) -> tuple[bytes, bytes | None]:
    """The board without the rows of closed lanes, but for the newest `keep` of these lanes, and the archive with them.

    Lines that are no rows stay. A lane is closed when its newest row says so; of two lanes that one
    is newer whose newest row stands further down. Where nothing is to be moved, both come back as they are.
    """
    lines = lines_of(decode(data))
    rows = board.rows(data)
    closed = sorted((row.line, lane) for lane, row in board.latest(rows).items() if row.closed)
    old = {lane for _, lane in closed[: max(len(closed) - keep, 0)]}
    moved = {row.line - 1 for row in rows if row.lane in old}
    if not moved:
        return data, archive
    text = decode(archive)
    for each in table.tables(lines, board.NEEDED):
        going = [lines[place] for place in each.rows if place in moved]
        if going:
            text = _with_rows(text, each, lines[each.header : each.header + 1 + each.ruled], going)
    return encode("".join(line for place, line in enumerate(lines) if place not in moved)), encode(text)


def _with_rows(text: str, source: table.Table, header: Sequence[str], rows: Sequence[str]) -> str:
    """An archive with rows at its end, under the header of the table that they come from."""
    lines = lines_of(text)
    found = table.tables(lines, board.NEEDED)
    end = eol_of(text or "".join(rows))
    block = "".join(_ended(row, end) for row in rows)
    if found and found[-1].columns == source.columns and not "".join(lines[found[-1].end :]).strip():
        return _ended(text, end) + block
    title = "" if text else f"# Archive{2 * end}"
    return text + title + table.gap(text, end) + "".join(_ended(line, end) for line in header) + block


def rotate_sections(data: bytes, archive: bytes | None, keep: int) -> tuple[bytes, bytes | None]:
    """The notes with their newest `keep` sections, and the archive with the others, in the order they had.

    At least one stays: it says how the file heads its sections; two say where new ones go. Only sections of the series
    are counted and moved: one that names neither a session nor a day, among such as do, stays. Where nothing is to be
    moved, both come back as they are.
    """
    lines = lines_of(decode(data))
    series = notes.series(notes.sections(data))
    top = notes.on_top(series, lines)
    keep = max(keep, 1)
    old = series[keep:] if top else series[: max(len(series) - keep, 0)]
    if not old:
        return data, archive
    moved = {place for section in old for place in range(section.line - 1, section.end)}
    text = decode(archive)
    end = eol_of(text or "".join(lines))
    block = [_ended("".join(lines[section.line - 1 : section.end]), end) for section in old]
    kept = "".join(line for place, line in enumerate(lines) if place not in moved)
    place = len(text)
    if top:  # newer than what the archive has
        known = notes.series(notes.sections(archive))
        place = len("".join(lines_of(text)[: known[0].line - 1])) if known else len(text)
    above, below = text[:place] or f"# Archive{2 * end}", text[place:]
    said = "".join(section + table.gap(section, end) for section in block[:-1]) + block[-1]
    return encode(kept), encode(above + table.gap(above, end) + said + (table.gap(said, end) if below else "") + below)


def _ended(text: str, end: str) -> str:
    return text if not text or text.endswith("\n") else text + end
