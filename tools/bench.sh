#!/bin/sh
# Measures against runc: sets up, stages, runs bench/run.ts. Arguments go to it (--json).
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh
PATH=$PWD/node_modules/.bin:$PATH
export PATH
stage=${KATA_STAGE:-$PWD/.cache/stage}
node tools/stage.ts "$stage" >&2
KATA_STAGE=$stage exec node --no-warnings bench/run.ts "$@"
