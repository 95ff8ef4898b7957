#!/bin/sh
# The main job, from nothing: sets up, builds, starts a docker engine of its own, runs a container in a VM, cleans up.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh
PATH=$PWD/node_modules/.bin:$PATH
export PATH
stage=${KATA_STAGE:-$PWD/.cache/stage}
node tools/stage.ts "$stage"
KATA_STAGE=$stage exec node --no-warnings tools/demo.ts
