# Sourced by the start.sh of a folder with a package.json, in that folder: installs what it names, once, whoever comes
# first.

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
