import { randomBytes } from 'node:crypto';

/** Chance, injectable so that a run can be repeated from its seed. Not for secrets. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

/** A new value each time. */
export const systemRandom: Random = { next: () => Math.random() };

/** The same sequence for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

/** `bytes` bytes of cryptographic randomness, in hexadecimal: tokens, passwords, identifiers. */
export function secretHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
