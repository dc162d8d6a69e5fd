set -eu
cd "$PLACE"
python3 -I -m venv guard
guard/bin/python -I -m pip install --quiet --disable-pip-version-check "$GUARD"
guard/bin/guard --version
