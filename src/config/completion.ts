import type { Command } from './commands.ts';
import type { Option } from './option.ts';

export type Shell = 'bash' | 'zsh';

/** A script that makes the shell complete the commands of `k3s`, their options and the values that are known. */
export function renderCompletion(shell: Shell, commands: readonly Command[]): string {
  // zsh runs the same script by its own emulation, so that both shells complete the same.
  const preamble = shell === 'zsh' ? '#compdef k3s\nautoload -U +X bashcompinit && bashcompinit\n' : '';
  const first = [...new Set(commands.map((command) => firstWord(command)))];
  return `${preamble}_k3s() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    ${reply([...first, '--version'])}
    return
  fi
  case "\${COMP_WORDS[1]}" in
${first.map((word) => commandCase(word, commands)).join('')}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _k3s k3s
`;
}

function commandCase(word: string, commands: readonly Command[]): string {
  const options = commands.filter((command) => command.name === word).flatMap((command) => command.options);
  const words = commands.flatMap((command) => {
    if (command.name === word)
      return [...(command.words ?? []), ...command.options.map((option) => `--${option.name}`)];
    return firstWord(command) === word ? [command.name.slice(word.length + 1)] : [];
  });
  const values = options.flatMap((option) => valueCase(option));
  const chooseValue = values.length === 0 ? '' : `      case "$previous" in\n${values.join('')}      esac\n`;
  return `    ${word})\n${chooseValue}      words="${words.join(' ')}"\n      ;;\n`;
}

/** What may follow an option: its choices, a path, or something that only the user knows. */
function valueCase(option: Option): string[] {
  if (option.type === 'boolean') return [];
  const flags = [`--${option.name}`, ...(option.short === undefined ? [] : [`-${option.short}`])].join('|');
  let action = '';
  if (option.type === 'choice') action = `${reply(option.choices)}; `;
  if (option.placeholder === 'FILE') action = 'COMPREPLY=($(compgen -f -- "$current")); ';
  if (option.placeholder === 'DIR') action = 'COMPREPLY=($(compgen -d -- "$current")); ';
  return [`        ${flags}) ${action}return ;;\n`];
}

function reply(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$current"))`;
}

function firstWord(command: Command): string {
  return command.name.split(' ')[0] ?? command.name;
}
