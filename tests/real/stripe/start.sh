#!/usr/bin/env bash
# Starts localstripe on 127.0.0.1 at any free port, installing it first (PyPI, into .venv) if need be.
#
# Prints the URL on stdout once it answers; all else goes to stderr. Ends when its stdin closes or on SIGTERM, so hold
# its stdin open.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Written last, so its age tells a whole, fresh install.
stamp=.venv/installed
if [[ ! -e $stamp || requirements.txt -nt $stamp ]]; then
  (
    flock 9
    if [[ ! -e $stamp || requirements.txt -nt $stamp ]]; then
      python3 -m venv .venv >&2
      .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt </dev/null >&2
      touch "$stamp"
    fi
  ) 9<requirements.txt
fi

exec .venv/bin/python serve.py
