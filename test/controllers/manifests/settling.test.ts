import { describe, expect, test } from 'vitest';
import type { FileStamp } from '../../../src/controllers/manifests/directory-scan.ts';
import { MISSING, observe, QUIET, settlesIn } from '../../../src/controllers/manifests/settling.ts';

const stamp = (change: Partial<FileStamp> = {}): FileStamp => ({
  device: 1,
  inode: 2,
  size: 3,
  modified: 1000,
  changed: 1000,
  ...change,
});

describe('a file that was seen to change', () => {
  const seen = observe(undefined, stamp(), 100);

  test('settles when it has looked the same for the quiet time', () => {
    expect(settlesIn(seen, 100, 1000)).toBe(QUIET);
    expect(settlesIn(observe(seen, stamp(), 300), 300, 1200)).toBe(QUIET - 200);
    expect(settlesIn(seen, 100 + QUIET, 1000 + QUIET)).toBe(0);
  });

  test.each([
    ['size', { size: 4 }],
    ['modification time', { modified: 2000 }],
    ['change time', { changed: 1001 }],
    ['inode', { inode: 5 }],
  ])('starts anew when its %s differs', (_, change) => {
    const again = observe(seen, stamp(change), 400);
    expect(again.since).toBe(400);
  });

  test('is believed at first sight if the file system says that it was written long ago', () => {
    expect(settlesIn(seen, 100, 1000 + QUIET)).toBe(0);
  });

  test('is not believed on the word of a forged modification time', () => {
    const copied = observe(undefined, stamp({ modified: 0, changed: 1000 }), 100);
    expect(settlesIn(copied, 100, 1000)).toBe(QUIET);
  });

  test('settles by being watched where the wall clock is behind the file system', () => {
    expect(settlesIn(seen, 100 + QUIET, 0)).toBe(0);
  });
});

test('a missing file counts as removed only after it has been missing for a while', () => {
  const present = observe(undefined, stamp(), 0);
  const missing = observe(present, undefined, 100);
  expect(settlesIn(missing, 100, 5000)).toBe(MISSING);
  expect(settlesIn(observe(missing, undefined, 100 + MISSING), 100 + MISSING, 5000)).toBe(0);
  expect(observe(missing, stamp(), 200).since).toBe(200);
});
