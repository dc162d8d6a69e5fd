"""Shell scripts on a real parse: what G301, G302 and G303 ask.

- `scripts`: which files are scripts, and for which shell; it loads nothing, for it is asked at every commit;
- `judged`: from a change to findings, with the comments that let a line pass;
- `units`: a script, and the scripts inside it (`bash -c '...'`, here-documents that a shell reads), each parsed;
- `masks`: what the grammar does not know, made into what it does;
- `words`: the words of a command line as the shell reads them;
- `calls`: the commands of a unit, also those that other commands start (`sudo`, `xargs`, `find -exec`);
- `guards`: what never runs where it would fail, behind version checks, `command -v`, `uname`, an early exit;
- `conditions`, `expressions`: what such checks come to on the machine that is meant;
- `bash_constructs`, `bash_builtins`, `bash_values`: G301, over the table in `bash_versions`;
- `userland`, `programs`: G302, over the table in `macos_commands`; sed and awk programs;
- `git_calls`: G303;
- `workflows`, `makefiles`: the scripts inside other files.
"""
