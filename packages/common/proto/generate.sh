#!/bin/sh
# Generates src/generated/*.ts from the .proto files: plain interfaces and codecs, and services as tables of them.
set -eu
cd "$(dirname "$0")"
command -v protoc >/dev/null || { echo 'generate.sh: protoc is missing: apt-get install protobuf-compiler' >&2; exit 1; }
out=../src/generated
rm -rf "$out.new"
mkdir -p "$out.new"
protoc --plugin=protoc-gen-ts_proto=../../../node_modules/.bin/protoc-gen-ts_proto --ts_proto_out="$out.new" \
  --ts_proto_opt=outputServices=generic-definitions,env=node,esModuleInterop=true,useOptionals=none,forceLong=bigint,outputJsonMethods=false \
  --ts_proto_opt=enumsAsLiterals=true,importSuffix=.ts,outputTypeAnnotations=false,snakeToCamel=false,unrecognizedEnum=false \
  ./*.proto
rm -rf "$out"
mv "$out.new" "$out"
