"""A table for people, laid out for a width: words are never cut, so that names can be copied out of it."""

from collections.abc import Sequence

GAP = 2
"""Spaces between columns."""

TALL = 6
"""So many lines one text may be wrapped into."""

Row = Sequence[str]


def lines(columns: Row, rows: Sequence[Row], width: int, right: Sequence[int] = ()) -> list[str]:
    """The lines of a table; `right` are the places of columns of numbers.

    Cells are wrapped between words. Where even that needs more than `width`, or a cell would be a tower of single
    words, each row becomes a paragraph.
    """
    widths = _widths([columns, *rows], width - GAP * (len(columns) - 1) - 2)
    if widths is None or any(_tower(cell, each) for row in rows for cell, each in zip(row, widths, strict=True)):
        return _paragraphs(columns, rows)
    rule = " " + "─" * (sum(widths) + GAP * (len(widths) - 1))
    return [*_row(columns, widths, right), rule, *(line for row in rows for line in _row(row, widths, right))]


def _widths(rows: Sequence[Row], width: int) -> list[int] | None:
    """How wide each column is; None where the longest words do not fit beside each other."""
    columns = [[part for cell in column for part in cell.split("\n")] for column in zip(*rows, strict=True)]
    widths = [min(max(map(_cells, column)), width) for column in columns]
    least = [max(_cells(word) for part in column for word in part.split(" ")) for column in columns]
    if sum(least) > width:
        return None
    while sum(widths) > width:  # the widest that can gives
        place = max(range(len(widths)), key=lambda each: widths[each] if widths[each] > least[each] else 0)
        widths[place] -= 1
    return widths


def _row(row: Row, widths: Sequence[int], right: Sequence[int]) -> list[str]:
    cells = [
        [line for part in cell.split("\n") for line in _wrapped(part, width)]
        for cell, width in zip(row, widths, strict=True)
    ]
    found = []
    for at in range(max(map(len, cells))):
        parts = [cell[at] if at < len(cell) else "" for cell in cells]
        padded = [
            " " * (widths[place] - _cells(part)) + part
            if place in right
            else part + " " * (widths[place] - _cells(part))
            for place, part in enumerate(parts)
        ]
        found.append((" " + (" " * GAP).join(padded)).rstrip())
    return found


def _tower(cell: str, width: int) -> bool:
    return any(len(_wrapped(part, width)) > TALL for part in cell.split("\n"))


def _wrapped(text: str, width: int) -> list[str]:
    if _cells(text) <= width:
        return [text]
    made = [""]
    for word in text.split(" "):
        joined = f"{made[-1]} {word}" if made[-1] else word
        if _cells(joined) <= width:
            made[-1] = joined
        else:
            made.append(word)
    return made


def _paragraphs(columns: Row, rows: Sequence[Row]) -> list[str]:
    found = []
    for first, *rest in rows:
        found.append(f" {first}")
        for name, cell in zip(columns[1:], rest, strict=True):
            parts = cell.split("\n")
            if len(parts) > 1:
                found += [f"   {name}:" if name else "", *(f"     {part}" for part in parts)]
            elif cell:
                found.append(f"   {name}: {cell}" if name else f"   {cell}")
    return [line for line in found if line]


def _cells(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(each) else 1 + (east_asian_width(each) in "WF") for each in text)
