#!/bin/sh
# Sets up, builds, starts a private docker engine, runs a container in a VM, cleans up.
set -eu
cd "$(dirname "$0")/.."
. tools/products-beside.sh
tools/setup.sh debian
start_products
tools/setup.sh npm
PATH=$PWD/node_modules/.bin:$PATH
export PATH
stage=${KATA_STAGE:-$PWD/.cache/stage}
wait_for_products
node tools/stage.ts "$stage"
KATA_STAGE=$stage exec node --no-warnings tools/demo.ts
