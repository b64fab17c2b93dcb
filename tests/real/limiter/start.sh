#!/usr/bin/env bash
# Starts express-rate-limit before a small API on 127.0.0.1.
#
# Prints its URL on stdout once it answers; all else goes to stderr. Ends when its stdin closes or on SIGTERM, so hold
# its stdin open.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

source ../install-npm.sh

# The server needs Node 22 or newer; npm has the binary for Linux, elsewhere use the one on PATH.
node=node
for candidate in node_modules/node-linux-*/bin/node; do
  if [[ -x $candidate ]]; then node=$candidate; fi
done
exec "$node" server.mjs
