#!/usr/bin/env bash
# Holds the manifests against their vendors' descriptions, then starts Prism on 127.0.0.1 at any free port.
#
# Prints the URL on stdout once it answers; all else goes to stderr. Ends when its stdin closes or on SIGTERM, so hold
# its stdin open.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

source ../install-npm.sh

node check.mjs </dev/null >&2
exec node serve.mjs
