import { dump } from 'js-yaml';
import type { CertificateReport } from './certificate-status.ts';

export type CertificateFormat = 'text' | 'table' | 'json' | 'yaml';

/** What `k3s certificate check` prints, with the columns and the fields that it has in k3s. */
export function renderCertificates(reports: readonly CertificateReport[], format: CertificateFormat): string {
  if (format === 'table') return table(reports);
  if (format === 'json') return `${JSON.stringify({ Certificates: reports.map(jsonFields) })}\n`;
  if (format === 'yaml') return dump({ certificates: reports.map(yamlFields) });
  return reports.map((report) => `${sentence(report)}\n`).join('');
}

function sentence({ filename, subject, usages, expires, status }: CertificateReport): string {
  const at = timestamp(expires);
  const what = {
    OK: `is ok, expires at ${at}`,
    WARNING: `will expire at ${at}`,
    EXPIRED: `expired at ${at}`,
    'NOT YET VALID': `is not valid before ${at}`,
  }[status];
  return `${filename}: certificate ${subject} (${usages.join(',')}) ${what}`;
}

const HEADINGS = ['FILENAME', 'SUBJECT', 'USAGES', 'EXPIRES', 'RESIDUAL TIME', 'STATUS'];

function table(reports: readonly CertificateReport[]): string {
  const rows = [
    HEADINGS,
    HEADINGS.map((heading) => '-'.repeat(heading.length)),
    ...reports.map(({ filename, subject, usages, expires, residual, status }) => [
      filename,
      subject,
      usages.join(','),
      day(expires),
      duration(residual),
      status,
    ]),
  ];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3))
      .join('')
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}

/** `ResidualTime` is in nanoseconds, as Go writes durations. */
function jsonFields({ filename, subject, issuer, usages, expires, residual, status }: CertificateReport): object {
  return {
    Filename: filename,
    Subject: subject,
    Issuer: issuer,
    Usages: usages,
    ExpiryTime: timestamp(expires),
    ResidualTime: Math.round(residual) * 1_000_000,
    Status: status,
  };
}

function yamlFields(report: CertificateReport): object {
  return Object.fromEntries(Object.entries(jsonFields(report)).map(([name, value]) => [name.toLowerCase(), value]));
}

function timestamp(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}

/** `Nov 21, 2026 04:07 UTC` */
function day(time: number): string {
  const date = new Date(time);
  const month = date.toLocaleString('en-US', { month: 'short', timeZone: 'UTC' });
  const clock = date.toISOString().slice(11, 16);
  return `${month} ${String(date.getUTCDate()).padStart(2, '0')}, ${date.getUTCFullYear()} ${clock} UTC`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** In the largest unit of which there is one: `11 months`; of the past: `2 days ago`. */
function duration(ms: number): string {
  const total = Math.floor(Math.abs(ms) / 1000);
  const [unit, size] = UNITS.find(([, seconds]) => total >= seconds) ?? (['second', 1] as const);
  const count = Math.floor(total / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}${ms < 0 ? ' ago' : ''}`;
}
