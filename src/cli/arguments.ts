import { K3sError } from '../core/errors.ts';

/** For commands that take none. */
export function refuseArguments(command: string, args: readonly string[]): void {
  const [unexpected] = args;
  if (unexpected === undefined) return;
  throw new K3sError(
    'K3S_CONFIG_UNEXPECTED_ARGUMENT',
    `${JSON.stringify(unexpected)} is not expected behind 'k3s ${command}'`,
    {
      hint: `'k3s ${command} --help' says what is`,
    },
  );
}
