import { createHash } from 'node:crypto';

/** The longest name that leaves room for a suffix in the 253 characters of an object's name. */
const LONGEST = 240;

/**
 * The names that the Addon of a manifest may have. `plain` is k3s's: the file's name up to its first dot. Files of different
 * folders can share it; the second one gets `distinct`, which no other path has. A name that Kubernetes would not take is spelled
 * so that it does, and has no plain form.
 */
export function addonNames(key: string): { plain: string | undefined; distinct: string } {
  const base = (key.split('/').at(-1) ?? '').replace(/\..*$/s, '');
  const spelled = base
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .slice(0, LONGEST)
    .replaceAll(/^-+|-+$/g, '');
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 8);
  return {
    plain: spelled === base && base !== '' ? base : undefined,
    distinct: spelled === '' ? `manifest-${hash}` : `${spelled}-${hash}`,
  };
}
