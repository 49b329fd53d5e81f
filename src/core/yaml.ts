import {
  boolYaml11Tag,
  defineScalarTag,
  FAILSAFE_SCHEMA,
  loadAll,
  mapTag,
  mergeTag,
  NOT_RESOLVED,
  nullYaml11Tag,
  YAMLException,
} from 'js-yaml';
import { K3sError } from './errors.ts';

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/**
 * One document of a YAML stream. `index` counts the documents that are not empty, from 1; `line` is the line of the file on
 * which it begins, from 1.
 */
export type YamlDocument = { index: number; line: number } & ({ value: JsonValue } | { problem: YamlProblem });

/** Why a document could not be read. `line` and `column` count from 1 in the whole file. */
export interface YamlProblem {
  reason: string;
  line: number;
  column: number;
}

/** An alias may repeat a part of a document; a document that grows beyond this many values by that is refused. */
const MOST_VALUES = 1_000_000;

/**
 * Reads a stream of YAML documents as Kubernetes' own programs do (sigs.k8s.io/yaml, which is YAML 1.1 in part): `yes`, `no`,
 * `on`, `off`, `y` and `n` are booleans, `0777` is octal, `1_000` is a number, `1:30` and dates are strings, merge keys
 * work. Stricter in one point: a key that stands twice in a mapping is an error instead of silently winning.
 * Empty documents are left out; a broken document does not hide the others. JSON text is read too. Integers beyond 2^53 are
 * rounded to the nearest double.
 */
export function readYamlDocuments(text: string): YamlDocument[] {
  const documents: YamlDocument[] = [];
  for (const { text: part, first, line } of splitDocuments(text)) {
    const index = documents.length + 1;
    try {
      for (const value of loadAll(part, { schema: GO_SCHEMA })) {
        if (value !== null && value !== undefined)
          documents.push({ index: documents.length + 1, line, value: plainCopy(value) });
      }
    } catch (error) {
      documents.push({ index, line, problem: problemOf(error, first) });
    }
  }
  return documents;
}

/** Reads text that holds one document, or none (undefined). Throws K3S_YAML_SYNTAX, which names `what` was read. */
export function readYaml(text: string, what: string): JsonValue | undefined {
  const [document, second] = readYamlDocuments(text);
  if (document === undefined) return undefined;
  if ('problem' in document) {
    const { reason, line, column } = document.problem;
    throw new K3sError('K3S_YAML_SYNTAX', `${what}, line ${line}, column ${column}: ${reason}`, {
      fields: { what, line, column },
    });
  }
  if (second !== undefined) {
    throw new K3sError('K3S_YAML_SYNTAX', `${what}, line ${second.line}: a second document; only one is expected`, {
      fields: { what, line: second.line },
    });
  }
  return document.value;
}

/** `first` is the line of the file that the text begins on, `line` the first of them with content. */
interface DocumentText {
  text: string;
  first: number;
  line: number;
}

/**
 * A line that begins with `---` ends a document wherever it stands, even inside a block scalar (YAML 1.2.2, 9.1.2), so the
 * stream can be cut before it is parsed. Directives (`%YAML 1.1`) belong to the document after them.
 */
function splitDocuments(text: string): DocumentText[] {
  const parts: DocumentText[] = [];
  let part: string[] = [];
  let first = 1;
  const finish = (next: number): void => {
    const begins = part.findIndex((line) => !/^\s*(#.*)?$|^---\s*(#.*)?$/.test(line));
    if (begins >= 0) parts.push({ text: part.join('\n'), first, line: first + begins });
    part = [];
    first = next;
  };
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  for (const [at, line] of lines.entries()) {
    if (/^---(\s|$)/.test(line) && part.some((earlier) => !/^(%.*|\s*(#.*)?)$/.test(earlier))) finish(at + 1);
    part.push(line);
  }
  finish(lines.length + 1);
  return parts;
}

function problemOf(error: unknown, firstLine: number): YamlProblem {
  if (error instanceof YAMLException && error.mark !== undefined)
    return { reason: error.reason, line: firstLine + error.mark.line, column: error.mark.column + 1 };
  return { reason: error instanceof Error ? error.message : String(error), line: firstLine, column: 1 };
}

/** A copy that JSON can carry: aliases become copies, so that changing one place does not change another. */
function plainCopy(value: unknown): JsonValue {
  let count = 0;
  const copy = (from: unknown): JsonValue => {
    if (++count > MOST_VALUES) throw new Error(`more than ${MOST_VALUES} values once its aliases are expanded`);
    if (Array.isArray(from)) return from.map(copy);
    if (typeof from === 'object' && from !== null)
      return Object.fromEntries(Object.entries(from).map(([key, child]) => [key, copy(child)]));
    if (typeof from === 'number' && !Number.isFinite(from)) throw new Error(`${from} is not a number that JSON has`);
    if (from === null || typeof from === 'boolean' || typeof from === 'number' || typeof from === 'string') return from;
    throw new Error(`a value of type ${typeof from}`);
  };
  return copy(value);
}

const DIGITS = '+-0123456789'.split('');

/** go-yaml v2 asks strconv.ParseInt with base 0, after dropping every underscore. */
const goInteger = defineScalarTag<number>('tag:yaml.org,2002:int', {
  implicit: true,
  implicitFirstChars: DIGITS,
  resolve(source) {
    const match = /^([-+]?)(?:0([xX][0-9a-fA-F]+|[bB][01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/.exec(
      source.replaceAll('_', ''),
    );
    if (match === null) return NOT_RESOLVED;
    const [, sign, prefixed, octal, decimal] = match;
    const size = Number(prefixed !== undefined ? `0${prefixed}` : octal !== undefined ? `0o${octal}` : decimal);
    if (size >= 2 ** 64) return NOT_RESOLVED;
    return sign === '-' && size !== 0 ? -size : size;
  },
  identify: () => false,
});

const goFloat = defineScalarTag<number>('tag:yaml.org,2002:float', {
  implicit: true,
  implicitFirstChars: [...DIGITS, '.'],
  resolve(source) {
    if (/^[-+]?\.(inf|Inf|INF)$/.test(source)) return source.startsWith('-') ? -Infinity : Infinity;
    if (/^\.(nan|NaN|NAN)$/.test(source)) return Number.NaN;
    const digits = source.startsWith('.') ? source : source.replaceAll('_', '');
    if (!/^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(digits)) return NOT_RESOLVED;
    const value = Number(digits);
    return Number.isFinite(value) ? value : NOT_RESOLVED;
  },
  identify: () => false,
});

const goMap: typeof mapTag = {
  ...mapTag,
  addPair: (map, key, value) => (key === null ? 'a key is empty or null' : mapTag.addPair(map, key, value)),
};

const GO_SCHEMA = FAILSAFE_SCHEMA.withTags(goMap, nullYaml11Tag, boolYaml11Tag, goInteger, goFloat, mergeTag);
