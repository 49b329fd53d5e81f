import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes `path` hold `content` with exactly `mode`: readers see the old file or the whole new one, also after a crash.
 * A file that holds it already is left alone, so that those who watch it are not woken. Says whether it wrote.
 * Missing parent directories are made with mode 0755.
 */
export async function writeFileAtomically(path: string, content: string, mode: number): Promise<boolean> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === content) return false;
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = `${path}.${process.pid}.tmp`;
  await using file = await open(temporary, 'w', mode);
  await file.chmod(mode);
  await file.writeFile(content);
  await file.datasync();
  await rename(temporary, path);
  return true;
}
