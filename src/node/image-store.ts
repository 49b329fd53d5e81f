import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { K3sError } from '../core/errors.ts';
import { runCommand } from './run-command.ts';

/** Reference → digest of the manifest or index it stands for. */
export type ImageDigests = ReadonlyMap<string, string>;

/** containerd's images in the namespace that kubelet uses. */
export interface ImageStore {
  list(signal?: AbortSignal): Promise<ImageDigests>;
  /**
   * Imports and unpacks an archive and pins its images, so that kubelet's garbage collection leaves them alone.
   * Rejects with K3S_IMAGE_IMPORT.
   */
  import(archive: string, signal?: AbortSignal): Promise<ImageDigests>;
}

export interface CtrOptions {
  /** The program and its leading arguments: `[engine, 'ctr']`. */
  command: readonly [string, ...string[]];
  socket: string;
  snapshotter: string;
}

type Decompression = 'none' | 'gzip' | 'zstd';

/** How the archive is packed, by its name; undefined for a file that is not an image archive. */
export function archiveFormat(name: string): Decompression | undefined {
  const extension = /\.(tar|tar\.gz|tgz|tar\.zst|tzst)$/.exec(name)?.[1];
  if (extension === undefined) return undefined;
  if (extension === 'tar') return 'none';
  return extension.endsWith('gz') ? 'gzip' : 'zstd';
}

/** containerd's images through its command line client. */
export function ctrImageStore(options: CtrOptions): ImageStore {
  const [program, ...leading] = options.command;
  const global = [...leading, '--address', options.socket, '--namespace', 'k8s.io', 'images'];
  return {
    async list(signal) {
      const table = await runCommand(program, [...global, 'list'], signal === undefined ? {} : { signal });
      return parseImageList(table);
    },
    async import(archive, signal) {
      // The client reads the archive itself: through the transfer service only the default snapshotter would be unpacked for.
      const flags = ['--local', '--label', 'io.cri-containerd.pinned=pinned', '--snapshotter', options.snapshotter];
      try {
        const printed = await runCommand(program, [...global, 'import', ...flags, '-'], {
          input: openArchive(archive),
          ...(signal === undefined ? {} : { signal }),
        });
        return parseImported(printed);
      } catch (error) {
        signal?.throwIfAborted();
        throw new K3sError('K3S_IMAGE_IMPORT', `cannot import the image archive ${archive}`, {
          cause: error,
          fields: { archive },
          hint: 'Check that the file is a whole OCI or docker archive; then replace it or remove it.',
        });
      }
    },
  };
}

function openArchive(path: string): Readable {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const format = archiveFormat(path);
  if (format === 'gzip' || format === 'zstd') {
    const unpack = format === 'gzip' ? createGunzip() : createZstdDecompress();
    file.once('error', (error) => unpack.destroy(error));
    return file.pipe(unpack);
  }
  return file;
}

/** The columns REF, TYPE and DIGEST of `ctr images list`. */
export function parseImageList(table: string): ImageDigests {
  const rows = table.split('\n').slice(1);
  return new Map(
    rows.flatMap((row): [string, string][] => {
      const [reference, , digest] = row.split(/\s+/);
      return reference === undefined || digest === undefined ? [] : [[reference, digest]];
    }),
  );
}

/** `unpacking REF (DIGEST)...done`, one line for each image of an archive. */
export function parseImported(printed: string): ImageDigests {
  const lines = printed.matchAll(/^unpacking (\S+) \((\S+)\)\.\.\./gm);
  return new Map([...lines].map(([, reference = '', digest = '']): [string, string] => [reference, digest]));
}
