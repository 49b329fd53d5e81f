import {
  EVENT_ID,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
  type Event,
  type ScalarEvent,
} from 'js-yaml';
import { K3sError } from '../core/errors.ts';

/** A key of a configuration file with its values as the file spells them: a declared type, not YAML's guess, decides what `0644` is. */
export interface ConfigEntry {
  /** Without the `+` that asks for appending. */
  readonly key: string;
  readonly append: boolean;
  /** One for a scalar, any number for a list; none for an empty value. */
  readonly texts: readonly string[];
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

/** Reads a configuration file: one mapping of option names to scalars or lists of scalars. Errors name file, line and column. */
export function readConfigDocument(path: string, source: string): ConfigEntry[] {
  return new DocumentReader(path, source).read();
}

class DocumentReader {
  readonly #path: string;
  readonly #source: string;
  readonly #events: readonly Event[];
  readonly #anchors = new Map<string, readonly string[]>();
  #at = 0;

  constructor(path: string, source: string) {
    this.#path = path;
    this.#source = source;
    try {
      this.#events = parseEvents(source, {});
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      const { line = 0, column = 0 } = error.mark ?? {};
      throw this.#syntaxError(error.reason, line + 1, column + 1);
    }
  }

  read(): ConfigEntry[] {
    const [document, content] = this.#events;
    if (document === undefined) return [];
    if (this.#events.filter((event) => event.type === EVENT_ID.DOCUMENT).length > 1) {
      throw this.#syntaxError('holds more than one document', 1, 1);
    }
    if (content === undefined || content.type === EVENT_ID.POP) return [];
    if (content.type === EVENT_ID.SCALAR && this.#isNull(content)) return [];
    if (content.type !== EVENT_ID.MAPPING) throw this.#errorAt(0, 'holds no mapping of option names to values');
    this.#at = 2;
    const entries: ConfigEntry[] = [];
    for (let event = this.#next(); event.type !== EVENT_ID.POP; event = this.#next()) {
      entries.push(this.#entry(event, entries));
    }
    return entries;
  }

  #entry(event: Event, before: readonly ConfigEntry[]): ConfigEntry {
    if (event.type !== EVENT_ID.SCALAR) throw this.#errorAt(this.#offset(event), 'a key is not a name');
    const name = getScalarValue(this.#source, event);
    const { line } = this.#position(event.valueStart);
    if (before.some((entry) => entry.key === name.replace(/\+$/, '') && entry.append === name.endsWith('+'))) {
      throw this.#errorAt(event.valueStart, `the key ${name} stands here a second time`);
    }
    const texts = this.#values(name);
    return { key: name.replace(/\+$/, ''), append: name.endsWith('+'), texts, path: this.#path, line };
  }

  #values(name: string): readonly string[] {
    const event = this.#next();
    if (event.type === EVENT_ID.ALIAS) return this.#aliased(event.anchorStart, event.anchorEnd);
    let texts: readonly string[];
    if (event.type === EVENT_ID.SCALAR) texts = this.#scalar(event);
    else if (event.type === EVENT_ID.SEQUENCE) texts = this.#sequence(name);
    else throw this.#errorAt(this.#offset(event), `the value of ${name} is a mapping; a scalar or a list is needed`);
    if (event.anchorStart >= 0) this.#anchors.set(this.#source.slice(event.anchorStart, event.anchorEnd), texts);
    return texts;
  }

  #sequence(name: string): string[] {
    const texts: string[] = [];
    for (let event = this.#next(); event.type !== EVENT_ID.POP; event = this.#next()) {
      if (event.type === EVENT_ID.SCALAR) texts.push(...this.#scalar(event));
      else if (event.type === EVENT_ID.ALIAS) texts.push(...this.#aliased(event.anchorStart, event.anchorEnd));
      else throw this.#errorAt(this.#offset(event), `an item of ${name} is not a scalar`);
    }
    return texts;
  }

  #scalar(event: ScalarEvent): string[] {
    return this.#isNull(event) ? [] : [getScalarValue(this.#source, event)];
  }

  #isNull(event: ScalarEvent): boolean {
    return event.style === SCALAR_STYLE.PLAIN && /^(~|null|Null|NULL|)$/.test(getScalarValue(this.#source, event));
  }

  #aliased(start: number, end: number): readonly string[] {
    const texts = this.#anchors.get(this.#source.slice(start, end));
    if (texts === undefined) throw this.#errorAt(start, 'an alias to an anchor that does not stand before it');
    return texts;
  }

  #next(): Event {
    return this.#events[this.#at++] ?? { type: EVENT_ID.POP };
  }

  #offset(event: Event): number {
    if ('start' in event) return event.start;
    return 'anchorStart' in event ? event.anchorStart : 0;
  }

  #position(offset: number): { line: number; column: number } {
    const before = this.#source.slice(0, offset).split('\n');
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  }

  #errorAt(offset: number, reason: string): K3sError {
    const { line, column } = this.#position(offset);
    return this.#syntaxError(reason, line, column);
  }

  #syntaxError(reason: string, line: number, column: number): K3sError {
    return new K3sError('K3S_CONFIG_SYNTAX', `${this.#path} line ${line}, column ${column}: ${reason}`, {
      fields: { path: this.#path, line, column },
      hint: 'The file is YAML: one option per line, as in `node-name: worker-1`, lists with a `- ` before each item',
    });
  }
}
