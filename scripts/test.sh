#!/usr/bin/env bash
# Sets up a virtual environment (.venv, or $VENV) with everything the tests need, and runs them.
# Arguments go to pytest: bash scripts/test.sh tests/editing/test_pipeline.py -x
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --editable ".[dev]"
"$venv/bin/pip" install --quiet --no-deps --requirement requirements-models.txt

# The net in reserve comes from npm, as docs/evaluation.md says.
"$venv/bin/npm" install --silent --prefix "$venv" --no-save --no-package-lock --ignore-scripts "@vladmandic/face-api@1.7.15"

# A browser for the tests of the app: the system's chromium, or the one Playwright downloads.
if ! command -v chromium >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq && apt-get install -y -qq chromium >/dev/null
    else
        "$venv/bin/playwright" install chromium
    fi
fi
exec "$venv/bin/python" -m pytest "$@"
