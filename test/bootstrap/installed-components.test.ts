import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { installComponents } from '../../src/bootstrap/installed-components.ts';

function make() {
  const root = mkdtempSync(join(tmpdir(), 'components-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const build = (hash: string): string => {
    const source = join(root, `built-${hash}`);
    mkdirSync(join(source, 'bin'), { recursive: true });
    mkdirSync(join(source, 'cni'), { recursive: true });
    writeFileSync(join(source, 'bin/engine'), `engine ${hash}`, { mode: 0o755 });
    writeFileSync(join(source, 'cni/bridge'), `bridge ${hash}`, { mode: 0o755 });
    mkdirSync(join(source, 'images'), { recursive: true });
    writeFileSync(join(source, 'images/pause.tar'), `pause ${hash}`);
    const images = [{ reference: 'k3s.local/pause:1', path: 'images/pause.tar' }];
    const files = ['bin/engine', 'cni/bridge'].map((path) => ({ path, size: 0, sha256: '', mode: 0o755 }));
    writeFileSync(join(source, 'components.json'), JSON.stringify({ hash, files, images }));
    return source;
  };
  return { build, dataDir: join(root, 'data-dir') };
}

describe('installComponents', () => {
  test('installs a set once and makes its programs reachable by stable paths', async () => {
    const { build, dataDir } = make();
    await installComponents(build('a'), dataDir);
    await installComponents(build('a'), dataDir);
    expect(readFileSync(join(dataDir, 'data/current/bin/kubectl'), 'utf8')).toBe('engine a');
    expect(readFileSync(join(dataDir, 'data/cni/bridge'), 'utf8')).toBe('bridge a');
    expect(readFileSync(join(dataDir, 'data/current/images/pause.tar'), 'utf8')).toBe('pause a');
  });

  test('keeps the version before and removes older ones', async () => {
    const { build, dataDir } = make();
    for (const hash of ['a', 'b', 'c']) await installComponents(build(hash), dataDir);
    expect(readlinkSync(join(dataDir, 'data/current'))).toBe('c');
    expect(readlinkSync(join(dataDir, 'data/previous'))).toBe('b');
    expect(readdirSync(join(dataDir, 'data')).sort()).toEqual(['b', 'c', 'cni', 'current', 'previous']);
    expect(readFileSync(join(dataDir, 'data/cni/bridge'), 'utf8')).toBe('bridge c');
  });

  test("leaves a user's own CNI program alone", async () => {
    const { build, dataDir } = make();
    mkdirSync(join(dataDir, 'data/cni'), { recursive: true });
    writeFileSync(join(dataDir, 'data/cni/bridge'), 'mine');
    await installComponents(build('a'), dataDir);
    expect(readFileSync(join(dataDir, 'data/cni/bridge'), 'utf8')).toBe('mine');
  });

  test('says how to make components that are not there', async () => {
    const { dataDir } = make();
    await expect(installComponents('/dev/null/nothing', dataDir)).rejects.toMatchObject({
      code: 'K3S_COMPONENTS_MISSING',
    });
  });
});
