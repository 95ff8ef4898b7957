/**
 * ReadStream and WriteStream messages without the generated codec's copies: they carry a megabyte each, and in an emulated
 * guest each copy and its garbage cost milliseconds.
 */
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { AgentServiceDefinition } from '../generated/agent.ts';
import type { ReadStreamResponse, WriteStreamRequest } from '../generated/agent.ts';
import { grpcService } from '../grpc/service.ts';

/** Field 1 with wire type 2 (protobuf.dev, "Encoding"). */
const DATA_TAG = 10;

function serializeOutput({ data }: ReadStreamResponse): Buffer {
  const header = new BinaryWriter().uint32(DATA_TAG).uint32(data.length).finish();
  return Buffer.concat([header, data]);
}

/** `data` is a view of `message`, which grpc-js allocates for each request and does not reuse. */
function deserializeInput(message: Buffer): WriteStreamRequest {
  const request = { container_id: '', exec_id: '', data: Buffer.alloc(0) };
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) request.container_id = reader.string();
    else if (field === 2) request.exec_id = reader.string();
    else if (field === 3) request.data = viewOf(reader.bytes());
    else reader.skip(wireType);
  }
  return request;
}

const viewOf = (bytes: Uint8Array): Buffer<ArrayBuffer> => Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);

const generated = grpcService(AgentServiceDefinition);
const { readStdout, readStderr, writeStdin } = generated;

/** The agent's service with codecs of our own for its stdio messages. */
export const agentService = {
  ...generated,
  readStdout: { ...readStdout, responseSerialize: serializeOutput },
  readStderr: { ...readStderr, responseSerialize: serializeOutput },
  writeStdin: { ...writeStdin, requestDeserialize: deserializeInput },
};
