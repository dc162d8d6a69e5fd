"""What stock macOS lacks of GNU's userland: commands, and options of commands that it has.

Each has the first macOS that has it too (`NEVER` where none has) and what to write instead, which works on both.
"""

Macos = tuple[int, int]

NEVER: Macos = (99, 0)
NEWEST: Macos = (98, 0)

_SHA = "shasum -a {}"
_WHERE = "a command of Linux's; macOS has no such thing"

ABSENT: dict[str, tuple[Macos, str]] = {
    "timeout": (NEVER, "perl -e 'alarm shift; exec @ARGV' 5 command (gtimeout where coreutils is installed)"),
    "tac": (NEVER, "tail -r on macOS; awk '{ a[NR] = $0 } END { while (NR) print a[NR--] }' everywhere"),
    "shuf": (NEVER, "awk 'BEGIN { srand() } { print rand() \"\\t\" $0 }' | sort -n | cut -f 2-"),
    "nproc": (NEVER, "getconf _NPROCESSORS_ONLN"),
    "flock": (NEVER, "mkdir lock.d as the lock: it succeeds for one only; rmdir lock.d in a trap"),
    "setsid": (NEVER, "perl -e 'use POSIX; setsid(); exec @ARGV' command, or nohup command &"),
    "free": (NEVER, "vm_stat on macOS"),
    "numfmt": (NEVER, "awk"),
    "pidof": (NEVER, "pgrep -x name"),
    "ionice": (NEVER, "nice"),
    "taskset": (NEVER, _WHERE),
    "chrt": (NEVER, _WHERE),
    "prlimit": (NEVER, "ulimit"),
    "fallocate": (NEVER, "mkfile -n 1m file on macOS; dd if=/dev/zero of=file bs=1048576 count=1"),
    "getent": (NEVER, "dscl on macOS; id for users"),
    "lscpu": (NEVER, "sysctl -n machdep.cpu.brand_string on macOS"),
    "lsblk": (NEVER, "diskutil list on macOS"),
    "mountpoint": (NEVER, 'df "$dir" | tail -n 1'),
    "findmnt": (NEVER, "mount"),
    "ldd": (NEVER, "otool -L on macOS"),
    "dircolors": (NEVER, "LSCOLORS on macOS"),
    "vdir": (NEVER, "ls -l"),
    "b2sum": (NEVER, "openssl dgst -blake2b512"),
    "shred": (NEVER, "rm -P on macOS; rm"),
    "base32": (NEVER, "python3 -c 'import base64, sys; ...'"),
    "basenc": (NEVER, "base64, or python3"),
    "ptx": (NEVER, "awk"),
    "pinky": (NEVER, "who"),
    "watch": (NEVER, "while :; do clear; command; sleep 2; done"),
    "strace": (NEVER, "dtruss on macOS"),
    "ss": (NEVER, "netstat -an, or lsof -i"),
    "vmstat": (NEVER, "vm_stat on macOS"),
    "pwdx": (NEVER, "lsof -a -d cwd -p pid"),
    "xdg-open": (NEVER, "open on macOS"),
    "ldconfig": (NEVER, _WHERE),
    "runuser": (NEVER, "su, or sudo -u"),
    "unshare": (NEVER, _WHERE),
    "nsenter": (NEVER, _WHERE),
    "getfacl": (NEVER, "ls -le on macOS"),
    "setfacl": (NEVER, "chmod +a on macOS"),
    "lsattr": (NEVER, "ls -lO on macOS"),
    "chattr": (NEVER, "chflags on macOS"),
    "hostid": (NEVER, "ioreg on macOS"),
    "inotifywait": (NEVER, "fswatch, where it is installed"),
    "stdbuf": (NEVER, "script -q /dev/null command on macOS"),
    "md5sum": ((15, 0), "md5 -r on macOS; openssl md5 everywhere"),
    "sha1sum": ((15, 0), _SHA.format(1)),
    "sha224sum": ((15, 0), _SHA.format(224)),
    "sha256sum": ((15, 0), _SHA.format(256)),
    "sha384sum": ((15, 0), _SHA.format(384)),
    "sha512sum": ((15, 0), _SHA.format(512)),
    "realpath": ((13, 0), '(cd -P -- "$(dirname -- "$f")" && printf "%s/%s\\n" "$PWD" "${f##*/}")'),
}
"""Commands that macOS does not have, or had not at first."""

_GNU = [
    "awk",
    "base64",
    "cat",
    "chmod",
    "chown",
    "comm",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "du",
    "echo",
    "expr",
    "find",
    "fmt",
    "fold",
    "grep",
    "head",
    "id",
    "install",
    "join",
    "ln",
    "ls",
    "md5sum",
    "mkdir",
    "mktemp",
    "mv",
    "nl",
    "nproc",
    "od",
    "paste",
    "printf",
    "readlink",
    "realpath",
    "rm",
    "sed",
    "seq",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "shuf",
    "sleep",
    "sort",
    "split",
    "stat",
    "tac",
    "tail",
    "tar",
    "tee",
    "timeout",
    "touch",
    "tr",
    "uniq",
    "wc",
    "xargs",
]

GNU_NAMES = {f"g{name}": name for name in _GNU}
"""Homebrew's names of GNU's commands; a stock macOS has none of them."""


def is_absent(name: str, macos: Macos) -> bool:
    """Whether a macOS lacks a command."""
    return name in GNU_NAMES or (name in ABSENT and ABSENT[name][0] > macos)


class Options:
    """The options of one command that macOS lacks.

    `gone`: a letter, `--name`, or a primary such as `-printf` -> the first macOS with it, and what to write instead.
    `values`: letters that are followed by a value. `long`: long options that are known; None where all are. `instead`
    is the fix for a long option that is not in `gone`.
    """

    __slots__ = ("gone", "instead", "long", "values")

    def __init__(
        self,
        gone: "dict[str, tuple[Macos, str]]",
        values: str = "",
        long: "frozenset[str] | None" = frozenset(),
        instead: str = "the short option",
    ) -> None:
        self.gone = gone
        self.values = values
        self.long = long
        self.instead = instead


def _never(instead: str, *names: str) -> dict[str, tuple[Macos, str]]:
    return dict.fromkeys(names, (NEVER, instead))


_DATE_D = "date -j -f %Y-%m-%d ... on macOS, or date -r SECONDS; python3 or perl on both"
_READLINK = 'cd -P -- "$(dirname -- "$f")" && pwd -P'

OPTIONS: dict[str, Options] = {
    "sed": Options(
        {
            "r": ((11, 0), "sed -E"),
            **_never("a temporary file: sed ... f > f.new && mv f.new f", "s", "z"),
            **_never("sed -E", "--regexp-extended"),
            **_never("sed -i.bak ... f && rm f.bak", "--in-place"),
            **_never("sed -n", "--quiet", "--silent"),
            **_never("sed -e", "--expression"),
        },
        values="ef",
    ),
    "date": Options(
        {
            **_never(_DATE_D, "d", "--date"),
            **_never("date -u", "--utc", "--universal"),
            **_never("date +%Y-%m-%dT%H:%M:%S%z", "--iso-8601", "--rfc-3339"),
            **_never("stat -f %m f on macOS", "--reference"),
            "I": ((12, 3), "date +%Y-%m-%d"),
        },
        values="dfjrsvz",
    ),
    **dict.fromkeys(
        ("egrep", "fgrep"),
        Options(_never("grep -E, or perl -ne 'print if /.../'", "P", "--perl-regexp"), values="ABCDdefm", long=None),
    ),
    "grep": Options(
        {
            **_never("grep -E, or perl -ne 'print if /.../'", "P", "--perl-regexp"),
            **_never("sed '/^--$/d' behind it", "--no-group-separator", "--group-separator"),
        },
        values="ABCDdefm",
        long=None,
    ),
    "readlink": Options(
        {
            "f": ((12, 3), _READLINK),
            **_never(_READLINK, "e", "m", "--canonicalize", "--canonicalize-existing", "--canonicalize-missing"),
        }
    ),
    "realpath": Options(
        {
            **_never(
                "python3 -c 'import os,sys; print(os.path.relpath(sys.argv[1], sys.argv[2]))' f dir",
                "--relative-to",
                "--relative-base",
            ),
            **_never("realpath without options", "m", "e", "s", "L", "P", "z"),
        },
        instead="realpath without options",
    ),
    "stat": Options(
        _never("stat -f on macOS: stat -c %s f 2>/dev/null || stat -f %z f", "c", "--format", "--printf"), values="cft"
    ),
    "xargs": Options(
        {
            **_never("tr '\\n' '\\0' | xargs -0", "d", "--delimiter"),
            **_never("xargs ... < file", "a", "--arg-file"),
            **_never("xargs -I{}", "i"),
            "r": ((11, 0), "plain xargs: on macOS it runs nothing for no input"),
            **_never("plain xargs: on macOS it runs nothing for no input", "--no-run-if-empty"),
        },
        values="IEnPLdsaJRS",
    ),
    "mktemp": Options(
        {
            **_never('t=$(mktemp) && mv "$t" "$t.txt"', "--suffix"),
            **_never("mktemp -d", "--directory"),
            **_never('mktemp "${TMPDIR:-/tmp}/name.XXXXXX"', "--tmpdir"),
        },
        values="tp",
    ),
    "head": Options({}, values="nc", long=frozenset(("--lines", "--bytes", "--quiet", "--silent", "--verbose"))),
    "tail": Options(
        {**_never("kill -0 in a loop", "--pid"), **_never("tail -F", "--retry", "--follow")},
        values="nbc",
        long=frozenset(("--lines", "--bytes", "--quiet", "--silent", "--verbose", "--blocks")),
    ),
    "cp": Options(
        {
            **_never("rsync -R, or mkdir -p and cp", "--parents"),
            **_never("cp f dir/, with the folder last", "t", "T", "--target-directory", "--no-target-directory"),
            **_never("rsync -u", "u", "--update"),
            **_never("cp -R", "d", "--recursive"),
            **_never("cp -a", "--archive"),
            **_never("cp -n", "--no-clobber"),
            **_never("cp -c on macOS", "--reflink"),
        },
        values="tS",
    ),
    "mv": Options(
        {
            **_never("mv f dir/, with the folder last", "t", "T", "--target-directory", "--no-target-directory"),
            **_never("[ f -nt g ] && mv f g", "u", "--update"),
            **_never("a copy first", "b", "--backup"),
        },
        values="tS",
    ),
    "ln": Options(
        {
            **_never("ln -s with the relative path that you mean", "r", "--relative"),
            **_never("ln -s f dir/, with the folder last", "t", "--target-directory"),
            **_never("ln -sfn", "T", "--no-target-directory"),
        },
        values="tS",
    ),
    "install": Options(
        {
            **_never('mkdir -p "$(dirname "$target")" && install f "$target"', "D"),
            **_never("install f dir/, with the folder last", "t", "T", "--target-directory"),
        },
        values="gmotSf",
    ),
    "base64": Options(
        {"w": ((14, 0), "base64 | tr -d '\\n'"), **_never("base64 | tr -d '\\n'", "--wrap")},
        values="wbio",
        long=frozenset(("--decode", "--encode", "--break", "--input", "--output", "--breaks")),
    ),
    "sort": Options({}, values="koStT", long=None),
    "cut": Options(
        {
            **_never("awk that prints the other fields", "--complement"),
            **_never("tr behind it", "--output-delimiter"),
            **_never("tr '\\0' '\\n' before it", "z"),
        },
        values="bcdf",
    ),
    "du": Options(
        {
            **_never("du -k and 1024 times that, or stat -f %z", "b", "--bytes", "--apparent-size"),
            **_never("du -d 1", "--max-depth"),
            **_never("du -I pattern", "--exclude"),
        },
        values="BdIt",
    ),
    "df": Options({**_never("df -Pk | awk", "--output", "--block-size", "B", "T")}, values="BTt"),
    "ls": Options(
        {
            **_never("ls -lT on macOS", "--full-time", "--time-style"),
            **_never("ls -l | sort", "--group-directories-first", "--sort"),
            **_never("find", "--hide", "--ignore"),
        },
        long=None,
    ),
    "ps": Options(
        {
            **_never("ps -o pid=,comm= : an = after each name leaves the header out", "--no-headers", "--no-heading"),
            **_never("ps ... | sort", "--sort"),
            **_never("pgrep -P pid", "--ppid"),
            **_never("ps -p", "--pid"),
        },
        values="opuUtGgD",
    ),
    "tar": Options(
        {
            **_never("tar -s ,old,new, on macOS", "--transform", "--xform"),
            **_never("a list that sort made: tar -T list", "--sort"),
            **_never("mkdir dir && tar -C dir", "--one-top-level"),
            **_never("rm after tar", "--remove-files"),
            **_never("tar --use-compress-program zstd", "I"),
            **_never(
                "without it",
                "--wildcards",
                "--warning",
                "--overwrite",
                "--checkpoint",
                "--ignore-failed-read",
                "--force-local",
                "--no-wildcards",
                "--delete",
            ),
        },
        long=None,
        values="fCTbX",
    ),
    "cat": Options(
        _never("cat -vet", "A", "E", "T", "--show-all", "--show-ends", "--show-tabs"), instead="cat -n, cat -v"
    ),
    "uniq": Options(
        {
            **_never("awk", "w", "--check-chars", "--group"),
            **_never("tr '\\0' '\\n' before it", "z", "--zero-terminated"),
        },
        values="fsw",
        long=None,
    ),
    "touch": Options(
        {**_never("touch -r f", "--reference"), **_never("touch -t YYYYMMDDhhmm", "--date")}, values="Adrt"
    ),
    "rmdir": Options(_never("rmdir dir 2>/dev/null || true", "--ignore-fail-on-non-empty")),
    "chmod": Options(
        {**_never('chmod "$(stat -f %Lp f)" g on macOS', "--reference"), **_never("chmod -v", "c", "--changes")}
    ),
    "chown": Options(
        {
            **_never('chown "$(stat -f %u:%g f)" g on macOS', "--reference", "--from"),
            **_never("chown -v", "c", "--changes"),
        }
    ),
    "pgrep": Options(_never("pgrep ... | wc -l", "c", "--count"), values="FGPUdgtu"),
    "uptime": Options(_never("sysctl -n kern.boottime on macOS", "p", "s")),
    "od": Options({}, values="AjNt"),
    "chgrp": Options({}),
    "env": Options(_never("(cd dir && command)", "C", "--chdir"), values="uSCP"),
    "hostname": Options(
        _never("ipconfig getifaddr en0 on macOS", "I", "A", "i", "--all-ip-addresses", "--ip-address", "--fqdn")
    ),
    "split": Options(_never("split -l, or -b", "n", "--number", "--filter", "--additional-suffix"), values="abln"),
    "column": Options(
        _never("awk with printf", "o", "N", "J", "--output-separator", "--table-columns", "--json"), values="csoN"
    ),
    "getopt": Options(_never("getopts, a builtin", "o", "l", "n"), values="oln", instead="getopts, a builtin"),
    "script": Options(_never("script -q file command ... on macOS", "c", "--command"), values="cFt"),
    "top": Options(_never("top -l 1 on macOS", "b"), values="ndpsulo"),
    "seq": Options(
        _never("printf '%s,' $(seq 1 3), and take the last comma off", "s", "--separator"),
        values="sft",
        long=frozenset(),
    ),
    "paste": Options({}, values="d"),
    "join": Options({}, values="aeot12jv"),
    "comm": Options(_never("awk", "z", "--total", "--output-delimiter", "--check-order", "--nocheck-order")),
    "nl": Options({}, values="bdfhilnpsvw"),
    **{
        name: Options({})
        for name in (
            "rm",
            "mkdir",
            "tr",
            "tee",
            "wc",
            "id",
            "uname",
            "expand",
            "fold",
            "basename",
            "dirname",
            "nice",
            "tty",
        )
    },
}
"""Commands that macOS has with fewer options. Unless `long` says otherwise it knows no long option at all."""

FIND = {
    **dict.fromkeys(
        ("-printf", "-fprintf"), (NEVER, "find ... -exec stat -f '%N %z' {} + on macOS; -print0 and a loop on both")
    ),
    "-fprint": (NEVER, "find ... > file"),
    "-fls": (NEVER, "find ... -ls > file"),
    "-regextype": (NEVER, "find -E on macOS; -name patterns on both"),
    **dict.fromkeys(("-executable", "-readable", "-writable"), (NEVER, "-perm -u+x, or test -x in a loop")),
    "-xtype": (NEVER, "find -L ... -type l for dangling links"),
    "-daystart": (NEVER, "-newermt"),
    "-used": (NEVER, "-atime"),
    "-D": (NEVER, "without it"),
}
"""What find of macOS does not know."""

ALWAYS_FINE = frozenset(("--help", "--version"))
"""Long options that are asked to tell GNU's commands from others."""


def name_of(macos: Macos) -> str:
    """A version of macOS as people write it."""
    return str(macos[0]) if not macos[1] else f"{macos[0]}.{macos[1]}"
