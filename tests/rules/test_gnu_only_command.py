"""G302: what stock macOS lacks. The expectations were measured with Apple's own userland elsewhere."""

import pytest

from guard.shell.judged import Mark, marks
from guard.shell.macos_commands import ABSENT, GNU_NAMES, NEVER, OPTIONS

HEAD = "#!/bin/bash\n"


def found(script: str, path: str = "run", head: str = HEAD, **policy: str) -> list[Mark]:
    """What G302 finds in a script."""
    every = marks((head + script + "\n").encode(), path, **policy)
    return [mark for mark in every if mark.code == "G302" and not mark.passes]


FOUND = {
    "timeout": [
        "timeout 5 make", "timeout -k 1 5 make", "if timeout 5 make; then :; fi", "x=$(timeout 1 cat)", "sudo timeout 5 make",
        "/usr/bin/timeout 5 make", "bash -c 'timeout 5 make'", "make || timeout 5 make", "timeout 5 x || true",
        "timeout 5 x || exit 1", "timeout 5 x || echo failed", "env A=b timeout 5 make", "nohup timeout 5 x &",
        "eval 'timeout 5 x'", "trap 'timeout 5 x' EXIT", "! timeout 5 x", "timeout 5 make && echo fine", "time timeout 5 x",
    ],
    "tac": ["tac f", "ls | tac", "x=$(tac < f)"],
    "shuf": ["shuf -n 1 f", "ls | shuf", "shuf -i 1-9"],
    "nproc": ["make -j$(nproc)", 'make -j"$(nproc)"', "n=`nproc`"],
    "flock": ["flock -n 9", "flock f cmd", "exec 9>f; flock 9", "( flock -n 9 || exit 1 ) 9>f"],
    "setsid": ["setsid cmd &"],
    "free": ["free -m", "free | awk '{ print $2 }'"],
    "md5sum": ["md5sum f"],
    "sha256sum": ["sha256sum -c f", "echo x | sha256sum | cut -d' ' -f1", "find . -exec sha256sum {} +"],
    "numfmt": ["numfmt --to=iec 1"],
    "pidof": ["pidof x"],
    "gsed": ["gsed -i s/a/b/ f"],
    "gdate": ["gdate -d @0"],
    "gtimeout": ["gtimeout 5 x"],
    "sed": [
        "sed -i s/a/b/ f", "sed -i 's/a/b/' f", 'sed -i "s/a/$x/" f', "sed -i -e s/a/b/ f", "sed -ie s/a/b/ f", "sed -i -E 's/a/b/' f",
        "sed -Ei 's/a/b/' f", "sed -n -i p f", "sed -i.bak -e 's/a\\+/b/' f", "sed --in-place s/a/b/ f", "sed --in-place=.b s/a/b/ f",
        "sed --regexp-extended s/a/b/ f", "sed --expression=s/a/b/ f", "sed -z s/a/b/ f", "sed -s p f", "find . -exec sed -i s/a/b/ {} +",
        "ls | xargs sed -i s/a/b/", 'sed -i "$expr" f', "sed -i '/a/d' *.txt", "sed -i '1d' f", "sed -i '' -e 's/a\\|b/c/' f",
        "sed '/a/{p;q}' f", "sed -n '/a/{p}' f", "sed 's/a\\+/b/' f", "sed 's/a\\?/b/' f", "sed 's/\\s//' f", "sed -n '/\\(a\\|b\\)/p' f",
        "sed 's/\\(.\\)/\\U\\1/' f", "sed -E 's/(.)/\\u\\1/' f", "sed 's/\\w/x/' f", "sed ':a;N;$!ba;s/\\n/ /g' f", "sed '0,/a/s//b/' f",
        "sed -n '1~2p' f", "sed 'a text' f", "sed '1i text' f", "sed '/a/c text' f", "sed 's/a/b/e' f", "sed '2q5' f", "sed -n '/a/,~4p' f",
        "sed '/x/{s/a/b/}' f", "sed -e '$a text' f",
    ],
    "date": [
        "date -d yesterday", "date -d '1 day ago' +%F", 'date -d "@$x" +%s', "date --date=yesterday", "date -u -d @0", "date -ud @0",
        "date -Is", "date -Ins", "date -I", "date --iso-8601=seconds", "date --rfc-3339=date", "date +%s%N", "date +%3N", "date +%N",
        'x=$(date --date "$y" +%s)', "date --utc", "date '+%H:%M:%S.%3N'",
    ],
    "grep": ["grep -P '\\d' f", "grep -oP 'a\\K.' f", "grep -Po a f", "ls | grep -qP a", "grep --perl-regexp a f"],
    "egrep": ["egrep -P a f"],
    "readlink": ["readlink -f f", 'cd "$(dirname "$(readlink -f "$0")")"', "readlink -e f", "readlink -m f", "readlink --canonicalize f", "readlink -nf f"],
    "realpath": ["realpath f", "realpath --relative-to=a b"],
    "stat": ["stat -c %s f", "stat -c%Y f", "stat --format=%s f", "stat -L -c %a f", "stat --printf=%s f", "stat -Lc %a f"],
    "xargs": ["xargs -d '\\n' rm", "xargs -d, echo", "xargs --no-run-if-empty rm", "xargs --null rm", "xargs -a f echo", "xargs --max-args=1 echo", "xargs -0 -d x y"],
    "find": [
        "find . -printf '%f\\n'", "find -name x", "find . -type f -printf '%p\\n' | sort", "find . -regextype posix-extended -regex x",
        "find . -executable", "find", "find -type f", "find . -xtype l", "find . -perm /111", "find . -type f,l", "find -L -name x", "find . -daystart -mtime 1",
    ],
    "mktemp": ["mktemp --suffix=.txt", "mktemp --tmpdir x.XXXXXX", "mktemp /tmp/x.XXXXXX.txt", "mktemp -d --suffix x", "mktemp x-XXXXXX.sh"],
    "head": ["head -n -1 f", "head -n-2 f", "head -c -1 f", "ls | head -n -3", "head --lines=-1 f"],
    "tail": ["tail --pid=$! f", "tail -f --pid=$x f", "tail --follow=name f"],
    "base64": ["base64 -w0", "base64 -w 0 f", "base64 --wrap=0", "base64 f", "x=$(base64 -w0 < f)"],
    "cp": ["cp --parents a/b c", "cp -t d f", "cp -u a b", "cp --no-clobber a b", "cp --reflink=auto a b", "cp -rt d f", "cp --archive a b", "cp -T a b"],
    "mv": ["mv -t d f", "mv -T a b", "mv --backup a b", "mv -u a b"],
    "ln": ["ln -sr a b", "ln -srf a b", "ln --symbolic a b", "ln -sfT a b", "ln -rs a b"],
    "install": ["install -D a b/c", "install -Dm755 a b/c", "install -t d f", "install --mode=755 a b"],
    "cut": ["cut --complement -f1", "cut -d, -f1,3 --output-delimiter=:", "cut --delimiter=, --fields=1"],
    "du": ["du -b f", "du -sb f", "du --max-depth=1", "du --apparent-size f"],
    "df": ["df --output=avail .", "df --total", "df -hT", "df -B1 ."],
    "pgrep": ["pgrep -c x"],
    "uptime": ["uptime -p"],
    "od": ["od --endian=big f"],
    "watch": ["watch -n1 ls"],
    "shred": ["shred -u f"],
    "ss": ["ss -tln"],
    "chown": ["chown -c a b", "chown --from=a b c"],
    "ls": ["ls --full-time", "ls --group-directories-first", "ls --time-style=full-iso"],
    "ps": ["ps --no-headers -o pid", "ps aux --sort=-rss", "ps -eo pid --no-headers", "ps --ppid 1"],
    "tar": ["tar --transform 's/a/b/' -cf x y", "tar --sort=name -cf x y", "tar xf x --wildcards '*.c'", "tar -I zstd -cf x y"],
    "paste": ["ls | paste -sd,", "paste -s -d,", "paste -sd+"],
    "seq": ["seq -s, 1 3", "seq -s ' ' 3"],
    "rm": ["rm --recursive d"],
    "mkdir": ["mkdir --parents d"],
    "wc": ["wc --lines f"],
    "touch": ["touch -d '2 days ago' f", "touch --date=now f", "touch -d yesterday f"],
    "chmod": ["chmod --reference=a b", "chmod -c 755 a"],
    "awk": [
        "awk '{ print strftime(\"%F\") }' f", "awk '{ print gensub(/a/, \"b\", \"g\") }' f", "awk 'BEGIN { print systime() }'",
        "awk '{ n = asort(a) }' f", "awk 'match($0, /x/, m) { print m[1] }' f", "awk 'BEGIN { IGNORECASE = 1 } /a/' f",
        "awk -v FPAT='[a-z]+' '{ n = strtonum($1) }' f", "awk -i inplace '{ print }' f", "awk 'BEGINFILE { print }' f",
        "awk '/\\s+/ { print }' f", "awk '$1 ~ /\\<a/' f", "awk '{ if (/a\\w/) print }' f", "awk '{ switch ($1) { case 1: print } }' f", "awk '{ print typeof($1) }' f",
        "awk 'BEGIN { PROCINFO[\"sorted_in\"] = \"@ind_str_asc\" }'",
    ],
    "getopt": ["getopt -o ab: --long all -- \"$@\""],
    "hostname": ["hostname -I", "hostname -i"],
    "expr": ["expr length \"$x\"", "expr substr \"$x\" 1 2"],
    "split": ["split -n 3 f", "split --lines=3 f"],
    "column": ["column -t -o ' | '"],
    "script": ["script -qc cmd f"],
    "top": ["top -bn1"],
    "cat": ["cat -A f", "cat -E f"],
    "env": ["env -C d make", "env --chdir=d make"],
    "time": ["/usr/bin/time -f %e make", "/usr/bin/time -v make"],
    "uniq": ["uniq -w 3 f"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "script"), [(name, script) for name, scripts in FOUND.items() for script in scripts])
def test_what_macos_lacks_is_found(name: str, script: str) -> None:
    """The command is found, and no other one on the line."""
    assert {mark.key for mark in found(script)} == {name}


FINE = [
    "echo timeout 5", "# timeout 5", "curl --timeout 5 u", "timeout=5", "ssh host 'timeout 5 make; tac f'", "docker run i timeout 5 make",
    "docker run i bash -c 'sed -i s/a/b/ f'", "docker exec c sh -c 'tac f'", "echo 'sed -i s/a/b/ f'", "cat <<EOF\ntimeout 5\ntac f\nEOF",
    "python3 -c 'timeout()'", "timeout() { shift; \"$@\"; }\ntimeout 5 make", "alias timeout=gtimeout\ntimeout 5 x", "command -v timeout",
    "type timeout", "which tac", "hash shuf 2>/dev/null", "command -v nproc >/dev/null", "grep timeout f", "git config http.timeout 5", "free=1", "x.free 1", "./timeout 5",
    "kubectl exec p -- tac f", "sed -i '' s/a/b/ f", "sed -i.bak s/a/b/ f", "sed -i .bak s/a/b/ f", "sed -E 's/a+/b/' f", "sed -n 1p f",
    "sed -e s/a/b/ -e s/c/d/ f", "sed -r s/a/b/ f", "sed 's/ /\\n/' f", "sed 's/a/b/g;s/c/d/' f", "sed '/a/d' f", "sed -n '/a/,/b/p' f",
    "sed '/a/{p;q;}' f", "sed -n '$p' f", "sed 's|/|_|g' f", "sed 's/[+?|]/x/' f", "sed 's/a\\{1,\\}/b/' f", "sed 's/\\\\/x/' f", "sed \"s/a/$b/\" f",
    "sed \"$x\" f", "sed -f prog f", "sed -e ':a' -e 'N' -e '$!ba' -e 's/\\n/ /' f", "sed '1,3d' f", "sed 's/a/b/2' f", "sed 'y/abc/def/' f", "sed 's/a/b/I' f",
    "sed 's/a/b/w out' f", "sed '1!G;h;$!d' f", "sed = f", "sed 's/\\.git$//' f", "sed 's/^[[:space:]]*//' f", "sed -e 'a\\' -e 'text' f", "sed '/a/i\\\ntext' f", "sed -n 's/.*: \\(.*\\)/\\1/p' f",
    "sed 5q f", "sed -e 1,${n}d f", "sed -n -e \"${a}p\" f", "sed 's,a\\,b,c,' f", "sed 's/&/\\&amp;/' f",
    "date", "date +%F", "date -u +%Y-%m-%dT%H:%M:%SZ", "date -j -f %s 0 +%F", "date -v-1d +%F", "date -r 0 +%F", "date '+%d %H:%M'", "git log --date=iso",
    "grep -E a f", "grep -c P f", "grep -e -P f", "grep --color=auto a f", "grep -rn --include='*.py' a .", "grep -A 3 -B 2 a f", "grep -m1 a f", "perl -ne 'print'",
    "readlink f", "readlink -n f", "stat -f %z f", "stat -x f", "stat f", "xargs -0 rm", "xargs -I{} echo {}", "xargs -n 1 -P 4 echo", "xargs -r rm", "xargs -n1 date -u",
    "find . -name '*.sh'", "find . -print0", "find $dirs -name x", "find \"$d\" -type f -delete", "find . -mtime +1 -exec rm {} +", "find . -name -printf",
    "find . -maxdepth 1 -mindepth 1", "find -L . -name x", "find . \\( -name a -o -name b \\)", "find . -newermt x", "find -E . -regex x", "find ~ -path x -prune -o -print", "find . -exec prog -printf x \\;",
    "mktemp", "mktemp -d", "mktemp -t x", "mktemp /tmp/x.XXXXXX", "mktemp -d \"${TMPDIR:-/tmp}/x.XXXXXX\"", "head -n 5 f", "head -5 f", "head -c 10 f", "tail -n +2 f", "tail -f f",
    "tail -n -5 f", "tail -1 f", "base64", "base64 -d", "base64 --decode", "base64 -i f", "base64 < f", "sort -V f", "sort -h f", "sort -t, -k2 f", "sort --unique f", "sort -u f",
    "cp -a a b", "cp -R a b", "cp -pn a b", "cp -rf a b", "cp a b c d/", "mv -f a b", "mv -n a b", "ln -sf a b", "ln -sfn a b", "ln -s a b", "install -m 755 a b", "install -d d", "install -m755 -o root a b",
    "cut -d, -f1 f", "cut -c1-3 f", "cut -d ' ' -f 2- f", "du -sh .", "du -d 1 -k .", "df -h", "df -Pk .", "ls -la", "ls -1 --", "ls --color=auto", "ps aux", "ps -o pid= -p $$", "ps -ef", "tar czf a.tgz b", "tar -xf a -C b --strip-components=1",
    "tar --exclude=x -cf a b", "paste -sd, -", "paste -d, a b", "paste -s -d, f", "seq 1 3", "seq -w 1 10", "seq -f %02g 3", "tr -d '\\r'", "tr a-z A-Z", "wc -l f", "uniq -c", "uniq -d", "tee -a f", "touch f", "touch -t 202601010000 f", "touch -r a b",
    "touch -d 2026-01-01T00:00:00 f", "awk '{ print $1 }' f", "awk '{ print $1 / 2, $2 / 3 }' f", "awk '/[[:space:]]+/' f", "chmod -R u+x a", "df -h", "find . -type f", "sed 2q f", "pgrep -f x", "od -An -c f", "awk -F: '{ print $1 }' f", "awk -v x=1 'BEGIN { print x }'", "awk '{ print tolower($0), length($0), substr($0, 1, 2) }' f", "awk '/strftime/ { n++ } END { print n }' f", "awk -f prog f",
    "awk 'function strtonum(x) { return x } { print strtonum($1) }' f", "awk '{ gsub(/a/, \"b\"); print }' f", "awk 'match($0, /x/) { print RSTART }' f", "gawk=1", "expr 1 + 2", "expr \"$x\" : '.*'",
    "env -i PATH=x make", "env -u X make", "env X=1 make", "hostname -s", "hostname", "getopts ab: o", "column -t", "column -t -s,", "split -l 10 f", "split -b 1m f x", "cat -n f", "cat -", "nl f", "id -u", "uname -s", "sleep 0.5", "rmdir d", "chmod -R u+w d", "script -q f",
    "date --version >/dev/null 2>&1", "sed --version", "cp --help", "make --jobs=4", "git grep -P x", "npm install --save x", "rsync -a --delete a b", "jq -r '.timeout' f", "brew install coreutils", "node --timeout 5", "read -t 5 x", "time make", "openssl base64 -A < f",
    "rg -P x", "docker cp --archive a b", "sudo -u x ls", "test -f timeout", "[ -x timeout ]", "case $1 in timeout) :;; esac", "for t in timeout tac; do :; done", "declare timeout=5", "export timeout", "unset timeout", "opts=(--foo timeout)", "$timeout 5 make", "\"$TIMEOUT\" 5 make",
]  # fmt: skip


NAMED = [
    "T=timeout\n$T 5 x", 'T="timeout 5"\n$T x', 'T=timeout\n"${T}" 5 x', 'cmd=(timeout 5)\n"${cmd[@]}" x', 'run() { "$@"; }\nrun timeout 5 x',
    'retry() {\n  local n=$1; shift\n  until "$@"; do sleep 1; done\n}\nretry 3 timeout 5 x', "echo 'timeout 5 x' | bash", "bash <<< 'timeout 5 x'", "bash -c -- 'timeout 5 x'",
    "printf 'timeout 5 x\\n' | sh -s", '"timeout" 5 x', "\\timeout 5 x", "command timeout 5 x", "sudo -u a -- timeout 5 x", "echo ${x:-`timeout 5 y`}", "sudo -u x bash -s -- a <<'E'\ntimeout 5 x\nE",
]  # fmt: skip

NOT_NAMED = [
    "T=timeout\nT=perl\n$T 5 x", "for T in timeout perl; do $T 5 x; done", "T=timeout\nread -r T\n$T 5 x", "T=${1:-timeout}\n$T 5 x", 'T="timeout 5"\n"$T" x', "T=timeout\necho $T",
    "command -v timeout >/dev/null && T='timeout 5'\n$T x", 'T=\nif command -v timeout >/dev/null; then T="timeout 5"; fi\n$T x', 'note() { echo "$@"; }\nnote timeout 5 x',
    "echo 'timeout 5 x' | cat", "echo 'timeout 5 x' | ssh host bash", "cat <<< 'timeout 5 x'", "bash run.sh <<< 'timeout 5 x'", "echo 'timeout 5 x' | python3 -", 'has() { command -v "$@"; }\nhas timeout',
]  # fmt: skip


@pytest.mark.parametrize("script", NAMED)
def test_a_command_is_found_however_it_is_named(script: str) -> None:
    """In quotes, by a variable or an array that is assigned once, by a function that runs its arguments, piped."""
    assert [(mark.key, mark.line) for mark in found(script)] == [("timeout", found(script)[0].line)]


@pytest.mark.parametrize("script", NOT_NAMED)
def test_a_name_that_is_not_certain_is_no_command(script: str) -> None:
    """Assigned twice or elsewhere, guarded where it is assigned, or only said."""
    assert [(mark.key, mark.what) for mark in found(script)] == []


@pytest.mark.parametrize("script", FINE)
def test_what_macos_has_is_fine(script: str) -> None:
    """Nothing is found in what runs on both, and in what only looks like a command."""
    assert [(mark.key, mark.what) for mark in found(script)] == []


GUARDED = [
    "command -v timeout >/dev/null && timeout 5 make",
    "if command -v timeout >/dev/null 2>&1; then timeout 5 make; else make; fi",
    "if type -P tac >/dev/null; then tac f; else tail -r f; fi",
    'if [ -x "$(command -v timeout)" ]; then timeout 5 make; fi',
    'if [ -n "$(command -v timeout)" ]; then timeout 5 make; fi',
    "if [[ -z $(which shuf) ]]; then sort -R f; else shuf f; fi",
    "if ! command -v flock >/dev/null; then echo none >&2; exit 1; fi\nflock -n 9",
    "command -v flock >/dev/null || exit 1\nflock -n 9",
    "command -v flock >/dev/null || { echo none; exit 1; }\nflock -n 9",
    "if hash gdate 2>/dev/null; then gdate -d @0; else date -r 0; fi",
    "if command -v gtimeout >/dev/null; then gtimeout 5 x; elif command -v timeout >/dev/null; then timeout 5 x; else x; fi",
    "if [ \"$(uname)\" = Linux ]; then sed -i s/a/b/ f; else sed -i '' s/a/b/ f; fi",
    "if [[ $OSTYPE == darwin* ]]; then sed -i '' s/a/b/ f; else sed -i s/a/b/ f; fi",
    'if [[ "$(uname -s)" == "Darwin" ]]; then date -v-1d; else date -d yesterday; fi',
    "case $(uname) in Darwin) stat -f %z f ;; *) stat -c %s f ;; esac",
    'case "$(uname -s)" in Linux*) readlink -f f ;; Darwin*) : ;; esac',
    "case $OSTYPE in linux*) tac f ;; esac",
    'os=$(uname -s)\nif [ "$os" = Linux ]; then tac f; fi',
    'os=`uname`\ncase "$os" in Linux) tac f ;; esac',
    '[ "$(uname)" = Linux ] || exit 0\ntac f',
    "[[ $(uname) == Darwin ]] && { echo no; exit 1; }\ntac f",
    "stat -c %s f 2>/dev/null || stat -f %z f",
    "x=$(stat -c %Y f 2>/dev/null || stat -f %m f)",
    "x=$(nproc 2>/dev/null || sysctl -n hw.ncpu)",
    "x=$(nproc 2>/dev/null || echo 4)",
    "date -d yesterday +%F 2>/dev/null || date -v-1d +%F",
    "readlink -f f 2>/dev/null || python3 -c 'print()'",
    "if date -d yesterday >/dev/null 2>&1; then date -d yesterday; else date -v-1d; fi",
    "if sed --version >/dev/null 2>&1; then sed -i s/a/b/ f; else sed -i '' s/a/b/ f; fi",
    "if date --version 2>/dev/null | grep -q GNU; then date -d @0; else date -r 0; fi",
    'have() { command -v "$1" >/dev/null 2>&1; }\nif have timeout; then timeout 5 x; fi',
    'is_mac() { [ "$(uname)" = Darwin ]; }\nif is_mac; then stat -f %z f; else stat -c %s f; fi',
    "is_linux() { [[ $OSTYPE == linux* ]]; }\nis_linux && tac f",
    'if ! command -v timeout >/dev/null; then timeout() { shift; "$@"; }; fi\ntimeout 5 make',
    'on_linux() { tac f; }\nif [ "$(uname)" = Linux ]; then on_linux; fi',
    'PATH="/opt/homebrew/opt/coreutils/libexec/gnubin:$PATH"\ntac f',
    "brew install coreutils\ngtimeout 5 x",
    "if uname -a | grep -q Linux; then tac f; fi",
    "if [ -f /proc/cpuinfo ]; then nproc; fi",
    "if [ -f /etc/os-release ]; then tac f; fi",
    '[ "$RUNNER_OS" = Linux ] && tac f',
    "sha256sum f 2>/dev/null || shasum -a 256 f",
    "if command -v sha256sum >/dev/null; then sha256sum f; else shasum -a 256 f; fi",
    "until command -v timeout; do sleep 1; done; while command -v timeout; do timeout 5 x; done",
]

NOT_GUARDED = [
    "if command -v gtimeout >/dev/null; then gtimeout 5 x; else timeout 5 x; fi",
    "if ! command -v timeout >/dev/null; then timeout 5 x; fi",
    "command -v timeout >/dev/null || timeout 5 x",
    "if command -v tac >/dev/null; then :; fi\ntac f",
    "command -v flock >/dev/null || echo none\nflock -n 9",
    'if [ "$(uname)" = Darwin ]; then sed -i s/a/b/ f; fi',
    'if [ "$(uname)" != Linux ]; then tac f; fi',
    "case $(uname) in Darwin) tac f ;; *) : ;; esac",
    "timeout 5 x || return 1",
    'if [ -n "$x" ]; then tac f; fi',
    "if command -v curl >/dev/null; then timeout 5 curl u; fi",
    "other() { :; }\ntimeout 5 x",
    "brew install coreutils\ntimeout 5 x",
]


@pytest.mark.parametrize("script", GUARDED)
def test_what_is_asked_for_first_is_fine(script: str) -> None:
    """A check for the command, for the system, a fallback, or a function in its place."""
    assert [(mark.key, mark.what) for mark in found(script)] == []


@pytest.mark.parametrize("script", NOT_GUARDED)
def test_a_check_that_guards_nothing_changes_nothing(script: str) -> None:
    """The wrong way round, out of scope, or for something else."""
    assert len(found(script)) == 1


@pytest.mark.parametrize(
    ("macos", "script", "judged"),
    [
        ("12", "readlink -f f", True), ("12.3", "readlink -f f", False), ("14", "readlink -f f", False), ("10.15", "sed -r p f", True),
        ("12", "realpath f", True), ("13", "realpath f", False), ("13", "base64 -w0", True), ("14", "base64 -w0", False),
        ("14", "base64 -w0 f", True), ("14", "md5sum f", True), ("15", "md5sum f", False), ("15", "date +%N", True), ("15.4", "date +%N", False),
        ("26", "date +%3N", True), ("26", "timeout 5 x", True), ("26", "grep -P a f", True), ("12.3", "date -I", False), ("12", "date -Iseconds", True), ("14", "date -Iseconds", False), ("26", "date -Is", True),
        ("26", "realpath --relative-to=a b", True),
    ],
)  # fmt: skip
def test_the_policy_names_the_oldest_macos(macos: str, script: str, judged: bool) -> None:
    """What that macOS has is fine."""
    assert bool(found(script, macos=macos)) is judged


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/ksh", "/bin/dash", "/opt/homebrew/bin/bash", "/usr/bin/env bash"])
def test_the_userland_is_the_same_for_every_shell(shell: str) -> None:
    """Scripts of other POSIX shells, and those with a bash of their own, meet the same commands."""
    assert len(found("tac f", head=f"#!{shell}\n")) == 1


@pytest.mark.parametrize("shell", ["/bin/zsh", "/usr/bin/env fish", "/usr/bin/python3"])
def test_other_languages_are_not_judged(shell: str) -> None:
    """zsh and fish have a grammar of their own."""
    assert not found("tac f", head=f"#!{shell}\n")


def test_the_tables_hold_together() -> None:
    """Versions are versions, every entry says what to write instead, and no name is in two tables."""
    for since, instead in [*ABSENT.values(), *(entry for table in OPTIONS.values() for entry in table.gone.values())]:
        assert instead
        assert (10, 0) <= since <= NEVER
    assert not set(ABSENT) & set(GNU_NAMES)
