import { readdir, readFile, stat } from 'node:fs/promises';

export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
}

/** `O_WRONLY | O_RDWR`, from the flags that fdinfo shows in octal. */
const FOR_WRITING = 3;

/**
 * Which of the files some process has open for writing, from /proc. What cannot be seen (another user's process without
 * root, a writer on another machine) counts as not writing.
 */
export async function openForWriting<F extends FileIdentity>(files: readonly F[], proc = '/proc'): Promise<Set<F>> {
  const written = new Set<F>();
  if (files.length === 0) return written;
  const processes = (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const process of processes) {
    const folder = `${proc}/${process}/fd`;
    const descriptors = await readdir(folder).catch(() => []);
    await Promise.all(
      descriptors.map(async (descriptor) => {
        const target = await stat(`${folder}/${descriptor}`).catch(() => undefined);
        if (target === undefined || !target.isFile()) return;
        const file = files.find(({ device, inode }) => device === target.dev && inode === target.ino);
        if (file !== undefined && (await isForWriting(`${proc}/${process}/fdinfo/${descriptor}`))) written.add(file);
      }),
    );
  }
  return written;
}

async function isForWriting(fdinfo: string): Promise<boolean> {
  const text = await readFile(fdinfo, 'utf8').catch(() => '');
  const flags = /^flags:\s*([0-7]+)/m.exec(text)?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & FOR_WRITING) !== 0;
}
