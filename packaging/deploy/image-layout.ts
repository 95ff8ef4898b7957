/**
 * Writes a container image of one layer as a directory: an OCI image layout (image-spec, image-layout.md) with the manifest.json that docker
 * before version 25 reads.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface Image {
  /** `name:tag` */
  readonly name: string;
  /** ISO 8601. */
  readonly created: string;
  readonly config: { readonly Entrypoint: readonly string[]; readonly Cmd: readonly string[]; readonly Env: readonly string[] };
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const TYPE = 'application/vnd.oci.image';
const blobPath = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return `sha256:${hash.digest('hex')}`;
}

function writeBlob(directory: string, mediaType: string, value: object): Descriptor {
  const text = JSON.stringify(value);
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  writeFileSync(join(directory, blobPath(digest)), text);
  return { mediaType, digest, size: text.length };
}

/** `layer` is a tar file, which is moved into `directory`. */
export async function writeImageLayout(directory: string, layer: string, { name, created, config }: Image): Promise<void> {
  mkdirSync(join(directory, 'blobs/sha256'), { recursive: true });
  const layerDescriptor = { mediaType: `${TYPE}.layer.v1.tar`, digest: await hashFile(layer), size: statSync(layer).size };
  renameSync(layer, join(directory, blobPath(layerDescriptor.digest)));
  const configDescriptor = writeBlob(directory, `${TYPE}.config.v1+json`, {
    created,
    architecture: 'amd64',
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: [layerDescriptor.digest] },
    history: [{ created, created_by: 'kata-deploy' }],
  });
  const mediaType = `${TYPE}.manifest.v1+json`;
  const manifest = writeBlob(directory, mediaType, { schemaVersion: 2, mediaType, config: configDescriptor, layers: [layerDescriptor] });
  const annotations = {
    'io.containerd.image.name': `docker.io/library/${name}`,
    'org.opencontainers.image.ref.name': name.replace(/^.*:/, ''),
  };
  const files = {
    'oci-layout': { imageLayoutVersion: '1.0.0' },
    'index.json': { schemaVersion: 2, mediaType: `${TYPE}.index.v1+json`, manifests: [{ ...manifest, annotations }] },
    'manifest.json': [{ Config: blobPath(configDescriptor.digest), RepoTags: [name], Layers: [blobPath(layerDescriptor.digest)] }],
  };
  for (const [file, value] of Object.entries(files)) writeFileSync(join(directory, file), JSON.stringify(value));
}
