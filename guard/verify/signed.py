"""Signatures of merges, where a policy asks for them: who made one, on top of that anyone can make it again.

A signature never stands in for recomputing. Only SSH's are looked at, against the file of signers that the commit's
parent has: nobody brings a list of his own.
"""

import tempfile
from pathlib import Path

from guard.errors import GuardError
from guard.git import Repo
from guard.git.importer import NewCommit
from guard.policy import Policy

_CHECK = tuple(
    word
    for setting in ("ssh.program=ssh-keygen", "openpgp.program=false", "x509.program=false")
    for word in ("-c", f"gpg.{setting}")
)
"""Whatever else could sign is not asked: a signature by it is none."""

_WRONG = {
    "N": "it is not signed",
    "B": "its signature is of something else",
    "U": "who signed it is not among the signers",
    "X": "its signature has expired",
    "Y": "the key of its signature has expired",
    "R": "the key of its signature was revoked",
}


def fault(repo: Repo, policy: Policy, commit: str, parent: str) -> str:
    """Why the signature of a merge does not count; empty where it does, or where the policy asks for none."""
    if not policy.signers:
        return ""
    signers = repo.reader.read(f"{parent}:{policy.signers}")
    if signers is None:
        return f"{parent[:12]} has no {policy.signers}, so nobody may sign"
    with tempfile.TemporaryDirectory(prefix="guard-signers-") as folder:
        file = Path(folder) / "signers"
        file.write_bytes(signers)
        words = (*_CHECK, "-c", f"gpg.ssh.allowedSignersFile={file}", "log", "-1", "--format=%G?", commit)
        said = repo.run(*words).strip()
    return "" if said == "G" else f"{_WRONG.get(said, 'its signature cannot be checked here')} ({policy.signers})"


def signed(repo: Repo, policy: Policy, commit: str, new: NewCommit, ref: str) -> str:
    """The commit with a signature, at `ref` in its place; as it is where the policy asks for none.

    Raises `GuardError` where nothing here can sign, or what signs here may not.
    """
    if not policy.signers or new.parent is None:
        return commit
    name, _, mail = new.author.removesuffix(">").partition(" <")
    who = {"NAME": name, "EMAIL": mail, "DATE": f"{new.time} +0000"}
    env = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    message = new.message.encode(errors="surrogateescape")
    how = ("-c", "gpg.format=ssh", "-c", "i18n.commitEncoding=UTF-8")
    words = (*how, "commit-tree", "-S", f"{commit}^{{tree}}", "-p", new.parent)
    done = repo.call(*words, input=message, env=env, check=False)
    made = done.stdout.decode().strip()
    why = (
        fault(repo, policy, made, new.parent) if done.returncode == 0 else done.stderr.decode(errors="replace").strip()
    )
    if why:
        raise GuardError(
            "policy",
            f"the merge cannot be signed: {why}",
            f"this repository takes only merges that are signed by a key of {policy.signers}",
            "git config user.signingkey PATH/TO/KEY.pub, of a key that is listed there; ssh-keygen must be on PATH",
        )
    repo.call("update-ref", ref, made, commit, check=False)  # another merge in this clone may have moved it: no matter
    return made
