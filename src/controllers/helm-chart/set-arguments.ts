/**
 * The arguments of `spec.set`, by k3s's rules: sorted by key; integers and the words true, false and null (in any case) keep their type,
 * everything else is a string, in which a comma is a comma.
 */
export function setArguments(set: Readonly<Record<string, string | number>>): string[] {
  return Object.keys(set)
    .sort()
    .flatMap((key) => {
      const value = String(set[key]);
      return isTyped(value)
        ? ['--set', `${key}=${value}`]
        : ['--set-string', `${key}=${value.replaceAll(/(\\*),/g, escapeComma)}`];
    });
}

function isTyped(value: string): boolean {
  return /^[-+]?\d+$/.test(value) || /^(true|false|null)$/i.test(value);
}

/** A comma after an odd number of backslashes is escaped already. */
function escapeComma(all: string, backslashes: string): string {
  return backslashes.length % 2 === 1 ? all : `${backslashes}\\,`;
}
