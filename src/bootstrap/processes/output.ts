import type { LogLevel } from '../../core/log.ts';

/**
 * The severity that a component's own log line states: klog (`E1121 03:02:48…`), logfmt (`level=error`) or JSON (`"level":"error"`).
 * Lines of no known form are information.
 */
export function severityOf(line: string): LogLevel {
  const klog = /^([IWEF])\d{4} \d\d:/.exec(line)?.[1];
  if (klog !== undefined) return klog === 'I' ? 'info' : klog === 'W' ? 'warn' : 'error';
  const level = /(?:^|\s)level=(\w+)|"level":"(\w+)"/.exec(line);
  switch (level?.[1] ?? level?.[2] ?? '') {
    case 'error':
    case 'fatal':
    case 'panic':
      return 'error';
    case 'warning':
    case 'warn':
      return 'warn';
    case 'debug':
    case 'trace':
      return 'debug';
    default:
      return 'info';
  }
}

/** Cuts a stream of bytes into lines; an unfinished line longer than `limit` characters is cut there. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  readonly #emit: (line: string) => void;
  readonly #limit: number;
  #rest = '';

  constructor(emit: (line: string) => void, limit = 16 * 1024) {
    this.#emit = emit;
    this.#limit = limit;
  }

  push(chunk: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') this.#emit(line);
    if (this.#rest.length > this.#limit) this.end();
  }

  /** Emits what stands behind the last newline. */
  end(): void {
    if (this.#rest !== '') this.#emit(this.#rest);
    this.#rest = '';
  }
}
