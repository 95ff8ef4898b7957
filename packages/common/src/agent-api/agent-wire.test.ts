/**
 * The bytes of every message, against testdata/agent-wire.golden: a field that changes its number or its type breaks the Go
 * components that talk to ours. `UPDATE_GOLDEN=1` writes the file again; review the difference.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as agent from '../generated/agent.ts';
import * as health from '../generated/health.ts';
import * as oci from '../generated/oci.ts';
import * as types from '../generated/types.ts';
import { grpcService } from '../grpc/service.ts';
import type { Service } from '../grpc/service.ts';

const GOLDEN = join(import.meta.dirname, 'testdata/agent-wire.golden');
const PROTO = join(import.meta.dirname, '../../proto');

interface Field {
  readonly name: string;
  readonly type: string;
  readonly number: number;
  readonly repeated: boolean;
  /** Types of a map's key and value. */
  readonly map: readonly [string, string] | undefined;
}

/** Messages of a .proto file. Supports what ours use: no nesting, no oneof. */
function parseProto(text: string): Map<string, Field[]> {
  const messages = new Map<string, Field[]>();
  for (const [, name = '', body = ''] of text.matchAll(/^message (\w+) \{([^}]*)\}/gm)) {
    const fields = [...body.matchAll(/^\s*(repeated )?(map<(\w+), ([\w.]+)>|[\w.]+) (\w+) = (\d+)/gm)];
    const toField = ([, repeated, type = '', key, value, field = '', number]: RegExpExecArray): Field => ({
      name: field,
      type: type.split('.').at(-1) ?? '',
      number: Number(number),
      repeated: repeated !== undefined,
      map: key !== undefined && value !== undefined ? [key, value] : undefined,
    });
    messages.set(name, fields.map(toField));
  }
  return messages;
}

const files = { agent, oci, types, health };
const protos = Object.fromEntries(Object.keys(files).map((name) => [name, parseProto(readFileSync(join(PROTO, `${name}.proto`), 'utf8'))]));
const messages = new Map(Object.values(protos).flatMap((found) => [...found]));

const scalars: Readonly<Record<string, (number: number) => unknown>> = {
  string: (number) => `s${number}`,
  bytes: (number) => Buffer.from([number]),
  bool: () => true,
  uint32: (number) => number,
  int32: (number) => -number,
  uint64: (number) => BigInt(number),
  int64: (number) => BigInt(-number),
};

/** A message in which the value of every field is its number. */
function sample(name: string): Record<string, unknown> {
  const value = (type: string, number: number): unknown => scalars[type]?.(number) ?? (messages.has(type) ? sample(type) : 1); // an enum
  const entries = (messages.get(name) ?? []).map(({ name: field, type, number, repeated, map }) => {
    if (map) return [field, { key: value(map[1], number) }];
    return [field, repeated ? [value(type, number)] : value(type, number)];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

interface Codec {
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
  fromPartial(message: unknown): unknown;
}

function lines(): string[] {
  return Object.entries(files).flatMap(([file, module]) =>
    [...(protos[file]?.keys() ?? [])].map((name) => {
      const codec = (module as unknown as Record<string, Codec>)[name];
      assert.ok(codec, name);
      const message = codec.fromPartial(sample(name));
      const bytes = codec.encode(message).finish();
      assert.deepEqual(codec.decode(bytes), message, `${name} is unchanged after encoding and decoding`);
      return `${file}.${name} ${Buffer.from(bytes).toString('hex')}`;
    }),
  );
}

describe('messages of the agent on the wire', () => {
  const found = lines();
  it('exist', () => assert.ok(found.length > 80, String(found.length)));
  it('have the recorded bytes', () => {
    if (process.env['UPDATE_GOLDEN'] !== undefined) writeFileSync(GOLDEN, found.map((line) => `${line}\n`).join(''));
    assert.deepEqual(found, readFileSync(GOLDEN, 'utf8').trimEnd().split('\n'));
  });

  const paths: [service: Service, prefix: string, calls: number][] = [
    [agent.AgentServiceDefinition, '/grpc.AgentService/', 32],
    [health.HealthDefinition, '/grpc.Health/', 2],
  ];
  for (const [service, prefix, calls] of paths) {
    it(`${prefix} has its calls`, () => {
      const names = Object.values(grpcService(service)).map(({ path }) => path);
      assert.equal(names.length, calls, names.join(' '));
      assert.ok(names.every((path) => path.startsWith(prefix)));
    });
  }
});
