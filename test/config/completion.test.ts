import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/config/commands.ts';
import { renderCompletion } from '../../src/config/completion.ts';

/** What bash offers after these words, of which the last one is being typed. */
function complete(...words: string[]): string[] {
  const script = `${renderCompletion('bash', COMMANDS)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _k3s; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' })
    .split('\n')
    .filter(Boolean);
}

describe('bash completes', () => {
  test('commands', () => {
    expect(complete('k3s', 'k')).toEqual(['kubectl', 'killall']);
    expect(complete('k3s', '--')).toEqual(['--version']);
  });

  test('the second word of commands that have two', () => {
    expect(complete('k3s', 'token', '')).toEqual(['generate']);
    expect(complete('k3s', 'completion', '')).toEqual(['bash', 'zsh']);
  });

  test('options of the command, and of no other', () => {
    expect(complete('k3s', 'server', '--write')).toEqual(['--write-kubeconfig', '--write-kubeconfig-mode']);
    expect(complete('k3s', 'killall', '--')).toEqual(['--data-dir']);
    expect(complete('k3s', 'kubectl', '-o', '')).toEqual([]);
  });

  test('the choices and the paths that an option takes', () => {
    expect(complete('k3s', 'server', '--flannel-backend', '')).toEqual(['vxlan', 'host-gw', 'none']);
    expect(complete('k3s', 'server', '-d', '/et')).toContain('/etc');
    expect(complete('k3s', 'server', '--token', '')).toEqual([]);
    expect(complete('k3s', 'server', '--debug', '--node-n')).toEqual(['--node-name']);
  });
});

test('zsh gets the same script with what it needs to run it', () => {
  const script = renderCompletion('zsh', COMMANDS);
  expect(script.startsWith('#compdef k3s\n')).toBe(true);
  expect(script.endsWith(renderCompletion('bash', COMMANDS))).toBe(true);
});
