import { mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/core/log.ts';
import { VirtualClock } from '../../../src/core/testing/virtual-clock.ts';
import { DirectorySource, SCAN_INTERVAL } from '../../../src/controllers/manifests/directory-source.ts';
import { LARGEST_MANIFEST } from '../../../src/controllers/manifests/manifest-file.ts';
import { MISSING, QUIET } from '../../../src/controllers/manifests/settling.ts';

let base: string;
let root: string;
let clock: VirtualClock;
let source: DirectorySource;
let changes: string[];
let hints: Map<string, () => void>;
let subscription: Subscription;

const start = async (options: { disabled?: string[]; now?: string } = {}): Promise<void> => {
  // Virtual time is behind the file system's, so that files settle only by being looked at.
  clock = new VirtualClock(options.now ?? '2020-01-01T00:00:00Z');
  changes = [];
  hints = new Map();
  source = new DirectorySource({
    root,
    clock,
    log: silentLogger,
    disabled: new Set(options.disabled ?? []),
    watch: (folder, changed) => {
      hints.set(folder, changed);
      return { [Symbol.dispose]: () => hints.delete(folder) };
    },
  });
  subscription = source.changes$.subscribe((key) => changes.push(key));
  await source.list();
};

/** Lets time pass and waits for the look that it may have caused. */
const pass = async (duration: number): Promise<void> => {
  await clock.advance(duration);
  await source.list();
};
/** Waits for the look that is under way, without causing one: a look plans the next when it ends. */
const looked = (): Promise<void> => until(() => clock.pendingTimers === 1);
const until = async (holds: () => boolean): Promise<void> => {
  for (let turn = 0; !holds(); turn++) {
    if (turn > 1_000_000) throw new Error('it does not come about');
    await new Promise((resolve) => setImmediate(resolve));
  }
};
const put = (key: string, text = 'a: 1\n'): Promise<void> => writeFile(join(root, key), text);
const stateOf = async (key: string): Promise<string | undefined> => (await source.read(key))?.type;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'k3s-source-'));
  root = join(base, 'manifests');
  await mkdir(root);
});
afterEach(async () => {
  subscription.unsubscribe();
  await rm(base, { recursive: true, force: true });
});

describe('a file that is dropped', () => {
  test('is reported once it has stayed the same for the quiet time', async () => {
    await start();
    await put('a.yaml');
    await pass(0);
    expect(await stateOf('a.yaml')).toBe('settling');
    expect(changes).toEqual([]);
    await pass(QUIET);
    expect(changes).toEqual(['a.yaml']);
    expect(await source.read('a.yaml')).toMatchObject({ type: 'readable', path: join(root, 'a.yaml') });
  });

  test('is not read while it grows', async () => {
    await start();
    for (const text of ['a', 'a: ', 'a: 1']) {
      await put('a.yaml', text);
      await pass(QUIET - 100);
    }
    expect(changes).toEqual([]);
    await pass(QUIET);
    expect(changes).toEqual(['a.yaml']);
  });

  test('is not read while somebody has it open for writing, however long nothing is written', async () => {
    await start();
    const file = await open(join(root, 'a.yaml'), 'w');
    await pass(0);
    await pass(QUIET * 4);
    expect(await stateOf('a.yaml')).toBe('settling');
    await file.writeFile('a: 1\n');
    await file.close();
    await pass(0);
    await pass(QUIET);
    expect(await stateOf('a.yaml')).toBe('readable');
  });

  test('is reported at first sight if it was written long ago', async () => {
    await put('a.yaml');
    await start({ now: '2100-01-01T00:00:00Z' });
    expect(changes).toEqual(['a.yaml']);
  });

  test('is found by the regular look when no hint comes', async () => {
    await start();
    await put('a.yaml');
    await clock.advance(SCAN_INTERVAL);
    await looked();
    await clock.advance(QUIET);
    await until(() => changes.length > 0);
    expect(changes).toEqual(['a.yaml']);
  });

  test('is looked for soon after a hint', async () => {
    await start();
    await put('a.yaml');
    hints.get(root)?.();
    hints.get(root)?.();
    await clock.advance(100);
    await looked();
    await clock.advance(QUIET);
    await until(() => changes.length > 0);
    expect(changes).toEqual(['a.yaml']);
  });

  test('is found even if the only hint came during a look', async () => {
    await start();
    const look = source.list();
    hints.get(root)?.();
    await look;
    await put('a.yaml');
    await clock.advance(100);
    await looked();
    await clock.advance(QUIET);
    await until(() => changes.length > 0);
    expect(changes).toEqual(['a.yaml']);
  });

  test('is found under a stream of hints that never pauses', async () => {
    await start();
    await put('a.yaml');
    for (let hint = 0; hint < 20; hint++) {
      hints.get(root)?.();
      await clock.advance(10);
    }
    await looked();
    await clock.advance(QUIET);
    await until(() => changes.length > 0);
    expect(changes).toEqual(['a.yaml']);
  });
});

describe('a file that is changed', () => {
  test('keeps what is known of it until the change has settled', async () => {
    await put('a.yaml');
    await start();
    await pass(QUIET);
    const first = await source.read('a.yaml');
    await put('a.yaml', 'a: 2\n');
    await pass(0);
    expect(await stateOf('a.yaml')).toBe('settling');
    await pass(QUIET);
    const second = await source.read('a.yaml');
    expect(second).toMatchObject({ type: 'readable' });
    expect(second).not.toEqual(first);
    expect(changes).toEqual(['a.yaml', 'a.yaml']);
  });

  test('may be replaced by a rename', async () => {
    await put('a.yaml');
    await start();
    await pass(QUIET);
    await writeFile(join(base, 'new'), 'a: 3\n');
    await rename(join(base, 'new'), join(root, 'a.yaml'));
    await pass(0);
    await pass(QUIET);
    expect(changes).toEqual(['a.yaml', 'a.yaml']);
  });
});

describe('a file that is removed', () => {
  beforeEach(async () => {
    await put('a.yaml');
    await start();
    await pass(QUIET);
    changes.length = 0;
  });

  test('is gone once it has been missing for a while', async () => {
    await rm(join(root, 'a.yaml'));
    await pass(0);
    expect(await stateOf('a.yaml')).toBe('settling');
    await pass(MISSING);
    expect(changes).toEqual(['a.yaml']);
    expect(await source.read('a.yaml')).toBeUndefined();
  });

  test('was not gone if it is back in time, as with editors that replace it', async () => {
    await rm(join(root, 'a.yaml'));
    await pass(MISSING / 2);
    await put('a.yaml', 'a: 2\n');
    await pass(MISSING / 2);
    expect(await stateOf('a.yaml')).toBe('settling');
    await pass(QUIET);
    expect(await stateOf('a.yaml')).toBe('readable');
  });

  test('was not gone if it is back before anybody acts on it', async () => {
    await rm(join(root, 'a.yaml'));
    await pass(0);
    await pass(MISSING);
    expect(changes).toEqual(['a.yaml']);
    await put('a.yaml');
    expect(await stateOf('a.yaml')).toBe('settling');
    await pass(0);
    await pass(QUIET);
    expect(await stateOf('a.yaml')).toBe('readable');
  });

  test('is not gone when the whole directory is', async () => {
    const before = await source.read('a.yaml');
    await rename(root, join(base, 'moved'));
    await clock.advance(MISSING * 4);
    await expect(source.list()).rejects.toMatchObject({ code: 'K3S_MANIFESTS_DIRECTORY' });
    expect(await source.read('a.yaml')).toEqual(before);
    await rename(join(base, 'moved'), root);
    await pass(MISSING * 4);
    expect(await stateOf('a.yaml')).toBe('readable');
    expect(changes).toEqual([]);
  });
});

test('a key that was never seen is gone only after a while, and says so', async () => {
  await start();
  expect(await stateOf('left-over.yaml')).toBe('settling');
  await pass(MISSING);
  expect(changes).toEqual(['left-over.yaml']);
  expect(await source.read('left-over.yaml')).toBeUndefined();
});

test('a .skip file takes a manifest out of our hands, and its removal gives it back', async () => {
  await put('a.yaml');
  await start();
  await pass(QUIET);
  await put('a.yaml.skip', '');
  await pass(0);
  expect(await stateOf('a.yaml')).toBe('skipped');
  await rm(join(root, 'a.yaml'));
  await pass(MISSING);
  expect(await stateOf('a.yaml')).toBe('skipped');
  await put('a.yaml');
  await rm(join(root, 'a.yaml.skip'));
  await pass(0);
  await pass(QUIET);
  expect(await stateOf('a.yaml')).toBe('readable');
});

test('a disabled file is treated as absent', async () => {
  await put('coredns.yaml');
  await start({ disabled: ['coredns'] });
  await pass(QUIET);
  expect([...(await source.list())]).toEqual([]);
  expect(await source.read('coredns.yaml')).toBeUndefined();
});

test('a file that is too large is reported as unreadable, and as readable once it is not', async () => {
  const path = join(root, 'a.yaml');
  const file = await open(path, 'w');
  await file.truncate(LARGEST_MANIFEST + 1);
  await file.close();
  await start();
  await pass(QUIET);
  expect(await source.read('a.yaml')).toEqual({ type: 'unreadable', path });
  expect(changes).toEqual(['a.yaml']);
  await pass(SCAN_INTERVAL);
  expect(changes).toEqual(['a.yaml']);
  await put('a.yaml');
  await pass(0);
  await pass(QUIET);
  expect(await stateOf('a.yaml')).toBe('readable');
});

test('folders are watched as they come and go, and none is after the last subscriber has left', async () => {
  await start();
  await mkdir(join(root, 'sub'));
  await pass(SCAN_INTERVAL);
  expect([...hints.keys()]).toEqual([root, join(root, 'sub')]);
  await rm(join(root, 'sub'), { recursive: true });
  await pass(SCAN_INTERVAL);
  expect([...hints.keys()]).toEqual([root]);
  subscription.unsubscribe();
  await source.list();
  expect([...hints.keys()]).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});
