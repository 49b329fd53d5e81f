import { K3sError } from '../core/errors.ts';
import { secretsEqual } from './token.ts';

/** A line of `cred/passwd`: who may use HTTP basic authentication, and as what. */
export interface PasswordEntry {
  readonly password: string;
  readonly name: string;
  readonly id: string;
  /** `k3s:server` or `k3s:agent`. */
  readonly role: string;
}

/** Reads `password,name,id,role` lines; fields with commas or quotes are quoted as in RFC 4180. */
export function parsePasswordFile(path: string, text: string): PasswordEntry[] {
  return text
    .split('\n')
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '')
    .map(({ line, number }) => {
      const fields = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/g)].map((match) =>
        match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'),
      );
      const [password, name, id = name, role = ''] = fields;
      if (password === undefined || name === undefined || id === undefined || password === '' || name === '') {
        throw new K3sError('K3S_TOKEN_DAMAGED_FILE', `${path} line ${number} is not password,name,id,role`, {
          fields: { path, line: number },
          hint: `Correct the line, or delete the file: it is made again from ${path.replace(/cred\/passwd$/, 'token')}`,
        });
      }
      return { password, name, id, role };
    });
}

export function formatPasswordFile(entries: readonly PasswordEntry[]): string {
  const field = (text: string): string => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return entries.map(({ password, name, id, role }) => `${[password, name, id, role].map(field).join(',')}\n`).join('');
}

/** The entry that a name and a password fit, found in a time that tells nothing about the passwords. */
export function authenticatePassword(
  entries: readonly PasswordEntry[],
  name: string,
  password: string,
): PasswordEntry | undefined {
  const fitting = entries.map((entry) => secretsEqual(entry.password, password) && entry.name === name);
  return entries[fitting.indexOf(true)];
}
