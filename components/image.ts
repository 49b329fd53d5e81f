import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

export interface ImageRecipe {
  /** Full reference, e.g. `k3s.local/pause:1.0.0`. */
  readonly reference: string;
  readonly architecture: 'amd64' | 'arm64';
  /** Absolute path in the image → its content. Every file is executable and owned by root. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly entrypoint: readonly string[];
  /** Numeric `user:group`; root where absent. */
  readonly user?: string;
}

const EPOCH = new Date(0);
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/**
 * A container image FROM scratch with one layer, as a tar of an OCI layout (image-spec v1.1), which `ctr images import`, podman and
 * docker load. The bytes depend on the recipe alone: times are zero and entries sorted.
 */
export async function buildImage(recipe: ImageRecipe): Promise<Uint8Array> {
  const layer = await tar(
    Object.entries(recipe.files).map(([path, content]) => ({ name: path.replace(/^\//, ''), mode: 0o755, content })),
  );
  const config = json({
    created: EPOCH.toISOString(),
    architecture: recipe.architecture,
    os: 'linux',
    config: { ...(recipe.user === undefined ? {} : { User: recipe.user }), Entrypoint: recipe.entrypoint },
    rootfs: { type: 'layers', diff_ids: [digest(layer)] },
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
  });
  const index = json({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...descriptor(MANIFEST, manifest),
        platform: { architecture: recipe.architecture, os: 'linux' },
        annotations: {
          'io.containerd.image.name': recipe.reference,
          'org.opencontainers.image.ref.name': recipe.reference.replace(/^.*:/, ''),
        },
      },
    ],
  });
  const blobs = [layer, config, manifest].map((content) => ({
    name: `blobs/${digest(content).replace(':', '/')}`,
    mode: 0o644,
    content,
  }));
  return await tar([
    ...blobs,
    { name: 'index.json', mode: 0o644, content: index },
    { name: 'oci-layout', mode: 0o644, content: json({ imageLayoutVersion: '1.0.0' }) },
  ]);
}

interface TarEntry {
  name: string;
  mode: number;
  content: Uint8Array;
}

async function tar(entries: readonly TarEntry[]): Promise<Uint8Array> {
  const archive = pack();
  const bytes = buffer(archive);
  for (const { name, mode, content } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    archive.entry({ name, mode, size: content.length, mtime: EPOCH, uid: 0, gid: 0 }, Buffer.from(content));
  }
  archive.finalize();
  return await bytes;
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function digest(content: Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function descriptor(mediaType: string, content: Uint8Array): { mediaType: string; digest: string; size: number } {
  return { mediaType, digest: digest(content), size: content.length };
}
