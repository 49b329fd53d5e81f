import { K3sError } from '../core/errors.ts';

const DAY = 86_400_000;
const DEFAULT_DAYS = 365;
const VARIABLE = 'CATTLE_NEW_SIGNED_CERT_EXPIRATION_DAYS';

/** Milliseconds that new leaf certificates are valid: a year, or the days in the variable that k3s honours. */
export function leafLifetime(environment: Readonly<Record<string, string | undefined>>): number {
  const text = environment[VARIABLE];
  if (text === undefined || text === '') return DEFAULT_DAYS * DAY;
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text) * DAY;
  throw new K3sError(
    'K3S_PKI_LIFETIME',
    `environment variable ${VARIABLE}: ${JSON.stringify(text)} is not a number of days`,
    {
      hint: 'Set a whole number from 1 to 99999, or unset the variable',
    },
  );
}
