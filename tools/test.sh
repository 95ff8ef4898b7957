#!/bin/sh
# Every test: sets up, checks, builds, then each tier. `tools/test.sh fast` stops after what needs no root and no VM.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh
PATH=$PWD/node_modules/.bin:$PATH
NX_DAEMON=false NX_TUI=false
export PATH NX_DAEMON NX_TUI
stage=${KATA_STAGE:-$PWD/.cache/stage}

say() { echo "test: $*"; }
# What hangs fails, in time to be read.
within() { timeout --foreground -k 30 "$@"; }

say 'types, lint, format'
nx run common:generate --outputStyle=stream
tsc -p .
eslint packages packaging tests tools bench
prettier --check --log-level warn .
say 'unit tests'
mocha 'packages/*/src/**/*.test.ts' 'packaging/**/*.test.ts' 'bench/**/*.test.ts'
[ "${1:-}" != fast ] || exit 0
say 'build'
nx run-many -t build --outputStyle=stream
say 'integration tests'
within 15m mocha 'tests/integration/**/*.test.ts'
node tools/stage.ts "$stage"
say 'end-to-end tests'
runtime=$stage/usr/bin/kata-runtime
# One template for all of them; it must go when they are through.
"$runtime" factory init
trap '"$runtime" factory destroy' EXIT
export KATA_STAGE=$stage
within 35m mocha 'tests/e2e/**/*.test.ts'
trap - EXIT
"$runtime" factory destroy
[ ! -e /run/vc/vm/template ]
say 'end-to-end tests, without templates'
within 15m env KATA_TEMPLATE=off mocha tests/e2e/docker-run.test.ts tests/e2e/failures.test.ts
say 'all passed'
