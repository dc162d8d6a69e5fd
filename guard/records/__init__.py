"""The records that people read: board, notes, lessons, index of sessions. Pure: bytes in, bytes out.

- `board` and `index` are tables, which `table` finds, reads and extends; `notes` are headed sections;
- `lessons` are files of their own; `numbers` finds the sessions that texts name;
- `rotate` moves what is old to an archive.

Whatever a file holds stays byte for byte: `board.append`, `index.append` and `notes.add` only put something in.
Each entry carries a mark, `lease=<12 hex>`, by which `holds` tells whether it is there already.
"""
