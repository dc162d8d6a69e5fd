set -eu
export GIT_TERMINAL_PROMPT=0
PATH=$PLACE/guard/bin:$PATH
none() { case $1 in *[!0]*) return 1 ;; esac; }
lost() { echo "${GITHUB_ACTIONS:+::error::}guard: $BRANCH lost commits: $1; it goes forward only" >&2; }
judged=0
if none "$NEW"; then
  echo "guard: there is no commit to judge" >&2
  exit 2
fi

# Objects alone are fetched, into an empty folder: nothing of what is judged lies on disk, so nothing of it can run.
git init -q --bare "$PLACE/judged.git"
cd "$PLACE/judged.git"
git symbolic-ref HEAD "refs/heads/$BRANCH"
if [ -n "${TOKEN-}" ]; then
  GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=http.extraHeader
  GIT_CONFIG_VALUE_0="Authorization: Basic $(printf 'x-access-token:%s' "$TOKEN" | base64 | tr -d '\n')"
  export GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0
fi
git fetch -q --no-tags "$FROM" "+refs/heads/$BRANCH:refs/heads/$BRANCH"
for commit in "$NEW" ${OLD:+"$OLD"}; do
  none "$commit" || git cat-file -e "$commit^{commit}" 2>/dev/null ||
    git fetch -q --no-tags "$FROM" "$commit" || [ "$commit" = "${OLD-}" ]
done
unset TOKEN GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0

# What is taken for good: what is pushed says it. What is proposed does not, and is judged by the branch as it is now.
if [ -z "${OLD-}" ]; then
  OLD=$(git rev-parse --verify "refs/heads/$BRANCH")
elif none "$OLD"; then
  OLD= # a new branch: from its adoption on
elif ! git cat-file -e "$OLD^{commit}" 2>/dev/null; then
  lost "$OLD is gone"
  judged=1 OLD=
elif ! git merge-base --is-ancestor "$OLD" "$NEW"; then
  lost "$NEW does not hold $OLD"
  judged=1 OLD=
fi

if [ -n "$OLD" ] && git merge-base --is-ancestor "$NEW" "$OLD"; then
  echo "guard: $NEW brings nothing that $BRANCH does not have"
  exit "$judged"
fi
guard check --pushed --range "${OLD:-0000000}..$NEW" || judged=$?
guard verify "${OLD:+$OLD..}$NEW" || judged=$?
exit "$judged"
