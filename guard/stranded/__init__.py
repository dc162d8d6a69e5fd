"""Work that was put away by some tool and never given back: found, described, and handed out beside what there is.

git's stash and autostash, index files of commits that died, patches of the pre-commit framework, commits that no branch
has any more, guard's own rescue refs: nobody lists them all, and most of them are lost at the next `git gc` or
`rm`. Looking changes nothing, not even the object database; giving back makes a new branch or a new folder.
"""
