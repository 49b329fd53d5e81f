import { describe, expect, test } from 'vitest';
import { COMMANDS, type Command } from '../../src/config/commands.ts';
import { renderHelp, renderOverview } from '../../src/config/help.ts';
import { SERVER_OPTIONS } from '../../src/config/server-options.ts';

const server: Command = COMMANDS[0];

describe('the help of a command', () => {
  test('shows a flag with its short form, placeholder, default and variable', () => {
    expect(renderHelp(server)).toContain(
      '  -d, --data-dir DIR\n          Keep all state below DIR (default: /var/lib/rancher/k3s; variable: K3S_DATA_DIR)\n',
    );
    expect(renderHelp(server)).toContain('      --debug\n');
    expect(renderHelp(server)).toContain('--flannel-backend vxlan|host-gw|none\n');
    expect(renderHelp(server)).toMatch(/--tls-san NAME\n.*\(may be repeated\)/);
  });

  test('leaves out no option, and names every variable', () => {
    const help = renderHelp(server).replaceAll(/\s+/g, ' ');
    for (const option of SERVER_OPTIONS) {
      expect(help).toContain(` --${option.name} `);
      expect(help).toContain(option.help);
      if ('env' in option) expect(help).toContain(`variable: ${option.env}`);
    }
  });

  test('fits a terminal', () => {
    const longest = Math.max(
      ...renderHelp(server)
        .split('\n')
        .map((line) => line.length),
    );
    expect(longest).toBeLessThanOrEqual(100);
  });

  test('of a command without options is its usage and what it does', () => {
    const command = { name: 'check', summary: 'Check things', usage: '', options: [] };
    expect(renderHelp(command)).toBe('Usage: k3s check\n\nCheck things.\n');
  });
});

test('the overview has a line for every command', () => {
  const overview = renderOverview(COMMANDS);
  for (const command of COMMANDS) expect(overview).toMatch(new RegExp(`^  ${command.name} +${command.summary}$`, 'm'));
});

describe('the table of options', () => {
  test('has no name, short name or variable twice', () => {
    const twice = (values: readonly (string | undefined)[]): (string | undefined)[] =>
      values.filter((value, at) => value !== undefined && values.indexOf(value) !== at);
    const options: Command['options'] = SERVER_OPTIONS;
    expect(twice(options.map((option) => option.name))).toEqual([]);
    expect(twice(options.map((option) => option.short))).toEqual([]);
    expect(twice(options.map((option) => (option.type === 'list' ? undefined : option.env)))).toEqual([]);
  });
});
