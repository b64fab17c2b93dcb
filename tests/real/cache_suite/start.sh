#!/usr/bin/env bash
# The public test suite for HTTP caches, http-cache-tests.
#
# Without arguments it starts the suite's server: it prints its URL on stdout once it answers; all else goes to stderr. It
# ends when its stdin closes or on SIGTERM, so hold its stdin open. With `tests` it prints the suite's list of tests, and
# with `run URL` it runs them against the cache at that URL; both print JSON.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

source ../install-npm.sh

# The suite needs Node 14.8 or newer; npm has the binary for Linux, elsewhere use the one on PATH.
node=node
for candidate in node_modules/node-linux-*/bin/node; do
  if [[ -x $candidate ]]; then node=$candidate; fi
done
case "${1:-serve}" in
  serve) exec "$node" serve.mjs ;;
  tests) exec "$node" tests.mjs ;;
  run) npm_config_base="$2" npm_config_id='' npm_package_config_id='' exec "$node" --no-warnings node_modules/http-cache-tests/cli.mjs ;;
  *) echo "start.sh [serve | tests | run URL]" >&2; exit 2 ;;
esac
