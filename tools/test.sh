#!/bin/sh
# Installs, builds and stages what tests need, and runs them:
#
#   test.sh              every test
#   test.sh fast         types, lint, format and unit tests, without root and VMs
#   test.sh [-g PATTERN] [FILE…]   these test files, or all; with -g only tests whose full title matches PATTERN
set -eu
cd "$(dirname "$0")/.."

say() { echo "test: $*"; }

pattern=
while getopts g: option; do
  case $option in
    g) pattern=$OPTARG ;;
    *) sed -n '2,7s/^#//p' "$0" >&2; exit 2 ;;
  esac
done
shift $((OPTIND - 1))
fast= unit= integration= e2e=
for file in "$@"; do
  [ "$file" = fast ] || [ -f "$file" ] || { echo "test.sh: $file does not exist" >&2; exit 2; }
  case $file in
    fast) fast=yes ;;
    tests/integration/*.test.ts) integration="$integration $file" ;;
    tests/e2e/*.test.ts) e2e="$e2e $file" ;;
    *.test.ts) unit="$unit $file" ;;
    *) echo "test.sh: $file is not a test file (*.test.ts, relative to the repository)" >&2; exit 2 ;;
  esac
done
all=
if [ $# = 0 ]; then
  all=yes
  integration=$(echo tests/integration/*.test.ts)
  e2e=$(echo tests/e2e/*.test.ts)
fi

. tools/products-beside.sh
tools/setup.sh debian
[ -z "$integration$e2e" ] || start_products
tools/setup.sh npm
PATH=$PWD/node_modules/.bin:$PATH
NX_DAEMON=false NX_TUI=false
export PATH NX_DAEMON NX_TUI
stage=${KATA_STAGE:-$PWD/.cache/stage}
nx run common:generate --outputStyle=stream

if [ -n "$all$fast" ]; then
  say 'types, lint, format'
  tsc -p .
  eslint packages packaging tests tools bench
  prettier --check --log-level warn .
  unit="packages/*/src/**/*.test.ts packaging/**/*.test.ts bench/**/*.test.ts tests/support/**/*.test.ts"
fi
if [ -n "$unit" ]; then
  say 'unit tests'
  set -f # mocha expands the patterns
  # shellcheck disable=SC2086 -- a list of files
  mocha ${pattern:+--grep "$pattern"} $unit
  set +f
fi
if [ -n "$all" ]; then
  say 'unit tests on Bun'
  # With the variables that the launcher sets for kata-runtime.
  variables=$(node --no-warnings -p "require('./packaging/engine/programs.ts').enginePrograms[0].variables.join(' ')")
  # shellcheck disable=SC2086 -- a list of variables
  find packages/*/src -name '*.test.ts' -exec \
    env $variables node_modules/@oven/bun-linux-x64-baseline/bin/bun tests/support/mocha-on-bun.ts {} +
fi
[ -n "$integration$e2e" ] || exit 0

say 'build'
nx run-many -t build --outputStyle=stream
# A compiler would delay tests that have deadlines.
wait_for_products
run_tests() {
  # shellcheck disable=SC2086 -- a list of files
  node tests/support/run-tests.ts ${pattern:+--grep "$pattern"} "$@"
}
if [ -n "$integration" ]; then
  say 'integration tests'
  packaging/crun/build.sh --output .cache/crun
  # shellcheck disable=SC2086 -- a list of files
  run_tests $integration
fi
[ -n "$e2e" ] || exit 0
node tools/stage.ts "$stage"
say 'end-to-end tests'
runtime=$stage/usr/bin/kata-runtime
KATA_STAGE=$stage
export KATA_STAGE
if [ "${KATA_TEMPLATE:-on}" != off ]; then
  # All files share one template, which is destroyed afterwards.
  "$runtime" factory init
  trap '"$runtime" factory destroy' EXIT
fi
# shellcheck disable=SC2086 -- a list of files
run_tests $e2e
# Runs files with the engines of another Debian suite. The versions in sid change: a failure prints them.
with_engines_of() {
  suite=$1
  shift
  engines=$PWD/.cache/engines-$suite
  packaging/engines/build.sh "$suite" --output "$engines"
  versions=$(grep -E '^(docker.io|docker-compose|containerd|podman) ' "$engines/versions" | paste -sd, -)
  say "end-to-end tests, with the engines of $suite: $versions"
  (
    PATH=$PWD/node_modules/.bin:/usr/bin:/usr/sbin:$PATH # before programs in /usr/local
    KATA_ENGINES=$engines
    export KATA_ENGINES
    run_tests "$@"
  ) || { say "failed with the engines of $suite: $versions"; exit 1; }
}
if [ -n "$all" ]; then
  with_engines_of trixie tests/e2e/docker-run.test.ts tests/e2e/live-network.test.ts tests/e2e/podman.test.ts tests/e2e/pods.test.ts \
    tests/e2e/verbs.test.ts
  with_engines_of sid tests/e2e/docker-run.test.ts tests/e2e/names.test.ts tests/e2e/live-network.test.ts tests/e2e/compose.test.ts \
    tests/e2e/network-kinds.test.ts tests/e2e/network-options.test.ts
fi
trap - EXIT
if [ "${KATA_TEMPLATE:-on}" != off ]; then
  "$runtime" factory destroy
  [ ! -e /run/vc/vm/template ]
fi
[ -n "$all" ] || exit 0
say 'end-to-end tests, without templates'
KATA_TEMPLATE=off run_tests tests/e2e/docker-run.test.ts tests/e2e/failures.test.ts
say "end-to-end tests, with the distribution's QEMU"
KATA_QEMU=/usr/bin/qemu-system-x86_64 run_tests tests/e2e/docker-run.test.ts
say 'all passed'
