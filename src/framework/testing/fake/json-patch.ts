import { isDeepStrictEqual } from 'node:util';
import { Failure } from './failure.ts';
import { isFields } from './value.ts';

/** Applies a JSON patch (RFC 6902) to a copy of `document`. A failed `test` or an absent path is the API server's 422. */
export function jsonPatched(document: unknown, operations: readonly unknown[]): unknown {
  const holder = { root: structuredClone(document) };
  for (const operation of operations) {
    if (!isFields(operation)) throw refused('an operation is not an object');
    const target = locate(holder, operation['path']);
    switch (operation['op']) {
      case 'add':
        target.add(structuredClone(operation['value']));
        break;
      case 'replace':
        target.read();
        target.replace(structuredClone(operation['value']));
        break;
      case 'remove':
        target.remove();
        break;
      case 'test':
        if (!isDeepStrictEqual(target.tested(), operation['value']))
          throw refused(`testing path ${target.path} failed`);
        break;
      case 'copy':
        target.add(structuredClone(locate(holder, operation['from']).read()));
        break;
      case 'move': {
        const source = locate(holder, operation['from']);
        const value = source.read();
        source.remove();
        locate(holder, operation['path']).add(value);
        break;
      }
      default:
        throw refused(`unexpected kind: ${String(operation['op'])}`);
    }
  }
  return holder.root;
}

interface Location {
  readonly path: string;
  read(): unknown;
  /** What `test` compares: an absent field of an object equals null, as in the API server's library. */
  tested(): unknown;
  add(value: unknown): void;
  replace(value: unknown): void;
  remove(): void;
}

function locate(holder: { root: unknown }, pointer: unknown): Location {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/')))
    throw refused('a path is not a JSON pointer');
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = steps.pop();
  if (last === undefined) return member(holder, 'root', pointer);
  let parent: unknown = holder.root;
  for (const step of steps) {
    parent = Array.isArray(parent) ? parent[Number(step)] : isFields(parent) ? parent[step] : undefined;
  }
  if (Array.isArray(parent)) return element(parent, last, pointer);
  if (isFields(parent)) return member(parent, last, pointer);
  throw refused(`the path ${pointer} does not exist`);
}

function member(parent: Record<string, unknown>, name: string, path: string): Location {
  const existing = (): void => {
    if (!(name in parent)) throw refused(`the path ${path} does not exist`);
  };
  const set = (value: unknown): void => {
    parent[name] = value;
  };
  return {
    path,
    read() {
      existing();
      return parent[name];
    },
    tested: () => parent[name] ?? null,
    add: set,
    replace: set,
    remove() {
      existing();
      delete parent[name];
    },
  };
}

function element(parent: unknown[], step: string, path: string): Location {
  const at = step === '-' ? parent.length : Number(step);
  const within = (length: number): void => {
    if (!Number.isInteger(at) || at < 0 || at >= length) throw refused(`the path ${path} does not exist`);
  };
  return {
    path,
    read() {
      within(parent.length);
      return parent[at];
    },
    tested() {
      within(parent.length);
      return parent[at];
    },
    add(value) {
      within(parent.length + 1);
      parent.splice(at, 0, value);
    },
    replace(value) {
      parent[at] = value;
    },
    remove() {
      within(parent.length);
      parent.splice(at, 1);
    },
  };
}

function refused(message: string): Failure {
  return new Failure(422, {
    reason: 'Invalid',
    message: `the server rejected our request due to an error in our request: ${message}`,
  });
}
