import { K3sError } from '../core/errors.ts';

const DAY = 86_400_000;
const DEFAULT_DAYS = 365;
const FEWEST_DAYS = 0.0003;
const VARIABLE = 'CATTLE_NEW_SIGNED_CERT_EXPIRATION_DAYS';

/**
 * Milliseconds that new leaf certificates are valid: a year, or the days in the variable that k3s honours. Other than with k3s
 * they may be a fraction: `0.0007` is a minute.
 */
export function leafLifetime(environment: Readonly<Record<string, string | undefined>>): number {
  const text = environment[VARIABLE];
  if (text === undefined || text === '') return DEFAULT_DAYS * DAY;
  const days = /^\d{1,5}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  if (days >= FEWEST_DAYS) return days * DAY;
  throw new K3sError(
    'K3S_PKI_LIFETIME',
    `environment variable ${VARIABLE}: ${JSON.stringify(text)} is not a number of days`,
    {
      hint: `Set a number from ${FEWEST_DAYS} to 99999, or unset the variable`,
    },
  );
}
