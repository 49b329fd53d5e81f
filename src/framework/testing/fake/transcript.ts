import { dump } from 'js-yaml';
import type { Verb } from './faults.ts';

/** One request to the fake cluster, as it ended. */
export interface Call {
  /** Milliseconds since the cluster began. */
  at: number;
  verb: Verb;
  /** `configmaps`, `deployments.apps`; the path for raw requests. */
  target: string;
  /** `namespace/name`, or what a list or watch was limited to. */
  key: string;
  /** `as <manager>`, `force`, `dry-run`, `/status`, …. */
  details: readonly string[];
  /** `ok`, `created`, `unchanged`, or status and reason of a refusal. */
  outcome: string;
  /** What was written. */
  body: unknown;
}

export interface TranscriptOptions {
  /** Which verbs appear; all unless given. */
  verbs?: readonly Verb[];
  /** Whether to show what was written, as YAML. */
  bodies?: boolean;
}

/** Calls as text for comparing with a file: one line each, and the written objects indented below where asked for. */
export function transcriptOf(calls: readonly Call[], { verbs, bodies = false }: TranscriptOptions = {}): string {
  const shown = calls.filter((call) => verbs === undefined || verbs.includes(call.verb));
  return shown.map((call) => line(call) + (bodies ? indented(call.body) : '')).join('');
}

function line({ at, verb, target, key, details, outcome }: Call): string {
  const request = [verb, target, key, ...details].filter((part) => part !== '').join(' ');
  return `${(at / 1000).toFixed(3).padStart(10)}s  ${request} -> ${outcome}\n`;
}

function indented(body: unknown): string {
  if (body === undefined) return '';
  const text = dump(body, { lineWidth: -1, noRefs: true });
  return text.replace(/^(?=.)/gm, ' '.repeat(13));
}
