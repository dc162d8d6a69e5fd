set -eu
export GIT_TERMINAL_PROMPT=0
PATH=$PLACE/guard/bin:$PATH
if [ -n "${TOKEN-}" ]; then
  GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=http.extraHeader
  GIT_CONFIG_VALUE_0="Authorization: Basic $(printf 'x-access-token:%s' "$TOKEN" | base64 | tr -d '\n')"
  export GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0
fi
# No file of the branch is written: a merge reads git's objects and pushes a commit of them.
git clone -q --no-checkout --no-tags --branch "$BRANCH" "$FROM" "$PLACE/merging"
cd "$PLACE/merging"
guard merge --heal
