import type { X509Certificate } from 'node:crypto';
import { CLOCK_TOLERANCE } from './authority.ts';

const DAY = 86_400_000;

/** A certificate that has less than this left, in ms, is issued anew; one of a short life when a third of that is left. */
export const RENEWAL_WINDOW = 120 * DAY;

/** The moment (ms since the epoch) from which on a leaf certificate that we have issued should be replaced. */
export function renewalOf(certificate: X509Certificate): number {
  const from = certificate.validFromDate.getTime();
  const until = certificate.validToDate.getTime();
  // What it is valid for before it was issued says nothing about its life.
  const lifetime = Math.max(until - from - CLOCK_TOLERANCE, 0);
  return until - Math.min(RENEWAL_WINDOW, lifetime / 3);
}
