#!/usr/bin/env bash
# Holds the manifests against their vendors' descriptions, then starts Prism on 127.0.0.1 at any free port.
#
# Prints the URL on stdout once it answers; all else goes to stderr. Ends when its stdin closes or on SIGTERM, so hold
# its stdin open.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# npm writes node_modules/.package-lock.json last, so its age tells a whole, fresh install.
stamp=node_modules/.package-lock.json
if [[ ! -e $stamp || package-lock.json -nt $stamp || package.json -nt $stamp ]]; then
  (
    flock 9
    if [[ ! -e $stamp || package-lock.json -nt $stamp || package.json -nt $stamp ]]; then
      npm ci --no-audit --no-fund --no-update-notifier --ignore-scripts </dev/null >&2
      touch "$stamp"
    fi
  ) 9<package.json
fi

node check.mjs </dev/null >&2
exec node serve.mjs
