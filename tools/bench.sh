#!/bin/sh
# Measures against runc: sets up, stages, runs bench/run.ts. Arguments are passed to it: --help lists them.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh
PATH=$PWD/node_modules/.bin:$PATH
export PATH
unset NODE_EXTRA_CA_CERTS # certificates of the user's would be read at each start of Node
stage=${KATA_STAGE:-$PWD/.cache/stage}
node tools/stage.ts "$stage" >&2
KATA_STAGE=$stage exec node --no-warnings bench/run.ts "$@"
