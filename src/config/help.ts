import type { Command } from './commands.ts';
import { defaultText, type Option } from './option.ts';

/** The text of `k3s help`. */
export function renderOverview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  return [
    'Usage: k3s COMMAND [OPTION]...',
    '',
    'Commands',
    ...commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    '',
    '`k3s COMMAND --help` shows the options of a command, `k3s --version` the versions.',
    '',
  ].join('\n');
}

/** The text of `k3s COMMAND --help`: every option with its default and its environment variable, by groups. */
export function renderHelp(command: Command): string {
  const groups = [...new Set(command.options.map((option) => option.group))];
  const sections = groups.map((group) => {
    const options = command.options.filter((option) => option.group === group);
    return `\n${group}\n${options.map(renderOption).join('')}`;
  });
  return `Usage: k3s ${`${command.name} ${command.usage}`.trimEnd()}\n\n${command.summary}.\n${sections.join('')}`;
}

function renderOption(option: Option): string {
  const short = option.short === undefined ? '    ' : `-${option.short}, `;
  const value = option.type === 'boolean' ? '' : ` ${placeholder(option)}`;
  const notes = [
    option.type === 'list' ? 'may be repeated' : undefined,
    describe('default', defaultText(option)),
    option.type === 'list' ? undefined : describe('variable', option.env),
  ].filter((note) => note !== undefined);
  const note = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
  return `  ${short}--${option.name}${value}\n${wrap(`${option.help}${note}`)}`;
}

const INDENT = ' '.repeat(10);
const LINE_WIDTH = 100;

/** The words of a text in indented lines that fit a terminal. */
function wrap(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > LINE_WIDTH) lines.push(INDENT + word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return `${lines.join('\n')}\n`;
}

function placeholder(option: Option): string {
  return option.type === 'choice' ? option.choices.join('|') : (option.placeholder ?? 'VALUE');
}

function describe(what: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : `${what}: ${text}`;
}
