#!/bin/sh
# Starts ops/setup.py with what this machine has: any Python from 3.8 on, else uv.
# A `python3` that exists is not enough: a version manager's stand-in may refuse to run here.
cd "$(dirname "$0")/.." || exit 1
for python in python3 python /usr/bin/python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1; then
        exec "$python" ops/setup.py "$@"
    fi
done
if command -v uv >/dev/null 2>&1; then
    exec uv run --quiet --no-project --python 3.13 ops/setup.py "$@"
fi
echo "setup: needs Python 3.10 or newer, or uv, and finds neither. Install one of them, then try again." >&2
exit 1
