#!/usr/bin/env bash
# Starts the SAP CAP test server on 127.0.0.1.
#
#   PORT         port to listen on; 0 or unset: any free one
#   CAP_MODE     `numbers`: decimals and Int64 as JSON numbers (default: strings)
#   CAP_LIMITER  `legacy`, `draft-6`, `draft-7` or `draft-8`: at most 10 requests
#                in 2 s, told in these headers (default: no limit)
#
# Prints the URL of the service root on stdout once the server answers; all else
# goes to stderr. Ends when its stdin closes or on SIGTERM, so hold its stdin open.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

source ../install-npm.sh

# CAP needs Node 22 or newer; npm has the binary for Linux, elsewhere use the one on PATH.
node=node
for candidate in node_modules/node-linux-*/bin/node; do
  if [[ -x $candidate ]]; then node=$candidate; fi
done

case "${CAP_MODE:-}" in
  '' | numbers) export CDS_ENV="${CAP_MODE:-}" ;;
  *) echo "start.sh: CAP_MODE is '$CAP_MODE'; it takes 'numbers' or nothing" >&2; exit 2 ;;
esac
case "${CAP_LIMITER:-}" in
  '' | legacy | draft-[678]) ;;
  *) echo "start.sh: CAP_LIMITER is '$CAP_LIMITER'; it takes a set of headers or nothing" >&2; exit 2 ;;
esac
export NODE_ENV=development
export NO_COLOR=1
exec "$node" node_modules/@sap/cds/bin/serve.js all --in-memory --port "${PORT:-0}" 3>&1 1>&2
