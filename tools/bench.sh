#!/bin/sh
# Compares kata with runc: sets up, stages, runs bench/run.ts with the arguments (--help lists them).
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh
PATH=$PWD/node_modules/.bin:$PATH
export PATH
# Before the build, which takes minutes the first time.
case " $* " in *' --help '* | *' -h '*) exec node --no-warnings bench/run.ts --help ;; esac
unset NODE_EXTRA_CA_CERTS # Node would read these certificates at each start
stage=${KATA_STAGE:-$PWD/.cache/stage}
node tools/stage.ts "$stage" >&2
KATA_STAGE=$stage exec node --no-warnings bench/run.ts "$@"
