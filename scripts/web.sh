#!/usr/bin/env bash
# The editor for browsers, from the lock file web/package-lock.json:
#   bash scripts/web.sh build     the page in web/dist and the library in web/dist-lib
#   bash scripts/web.sh test      its unit tests against Python's results ($PYTHON, a Python with this package)
#   bash scripts/web.sh package   the built page into the package, before a wheel is made
set -euo pipefail
cd "$(dirname "$0")/../web"
command -v npm >/dev/null || { echo "The editor for browsers needs Node.js 20.19 or newer, with npm." >&2; exit 1; }
case "${1:-build}" in
    build)
        npm ci --no-audit --no-fund --ignore-scripts
        npm run build
        ;;
    test)
        "${PYTHON:-python3}" tests/make_fixtures.py
        npm test
        ;;
    package)
        [ -f dist/runtime/runtime.json ] || bash ../scripts/web.sh build
        rm -rf ../sargan_hf/web/page
        cp -r dist ../sargan_hf/web/page
        ;;
    *)
        echo "bash scripts/web.sh build, test or package" >&2
        exit 2
        ;;
esac
