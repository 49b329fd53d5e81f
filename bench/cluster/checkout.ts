import { cp, mkdir, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { secretHex } from '../../src/core/random.ts';

const root = resolve(import.meta.dirname, '../..');

/** What `k3s server` needs of a checkout. */
const PARTS = [
  'k3s',
  'package.json',
  'package-lock.json',
  'scripts',
  'src',
  'manifests',
  'components',
  '.cache/components',
];

export interface Checkout extends AsyncDisposable {
  readonly path: string;
}

/**
 * A copy of this checkout with its built components: what somebody edits or builds while a benchmark runs does not change
 * what is measured, and nothing compiled is left over from other runs.
 */
export async function createCheckout(): Promise<Checkout> {
  const path = join(root, '.cache/bench', `checkout-${secretHex(4)}`);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(path, { recursive: true, force: true }));
  await mkdir(path, { recursive: true, mode: 0o700 });
  for (const part of PARTS) await cp(join(root, part), join(path, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(path, 'node_modules'));
  const resources = undo.move();
  return { path, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
