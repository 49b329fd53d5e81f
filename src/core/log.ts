import { describeError } from './errors.ts';
import type { Clock } from './clock.ts';

/** error: needs a human. warn: degraded but retrying. info: state changed. debug: why nothing changed. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'text' | 'json';
export type LogFields = Readonly<Record<string, unknown>>;

/** The message is constant, what varies goes into the fields. A field named `error` is rendered with its causes and hint. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

const SEVERITY: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Keys whose values never reach a log, whoever passes them. */
const SECRET = /^(token|password|agent-?token|secret|authorization)$/i;

export interface LoggerOptions {
  clock: Clock;
  level: LogLevel;
  format: LogFormat;
  /** Receives each finished line, without a newline, its severity and the fields that it shows. */
  write: (line: string, level: LogLevel, fields: LogFields) => void;
}

export function createLogger(options: LoggerOptions): Logger {
  const make = (bound: LogFields): Logger => {
    const emit = (level: LogLevel, message: string, fields: LogFields | undefined): void => {
      if (SEVERITY[level] < SEVERITY[options.level]) return;
      const all = fields === undefined ? bound : { ...bound, ...fields };
      const time = new Date(options.clock.now()).toISOString();
      const line = options.format === 'json' ? jsonLine : textLine;
      options.write(line(time, level, message, all), level, all);
    };
    return {
      debug: (message, fields) => emit('debug', message, fields),
      info: (message, fields) => emit('info', message, fields),
      warn: (message, fields) => emit('warn', message, fields),
      error: (message, fields) => emit('error', message, fields),
      child: (fields) => make({ ...bound, ...fields }),
    };
  };
  return make({});
}

function jsonLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  const safe = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, plain(key, value)]));
  return JSON.stringify({ time, level, message, ...safe });
}

function textLine(time: string, level: LogLevel, message: string, fields: LogFields): string {
  let line = `${time} ${level.toUpperCase().padEnd(5)} ${message}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const shown = plain(key, value);
    const text = typeof shown === 'string' ? shown : JSON.stringify(shown);
    line += ` ${key}=${/[\s"=]/.test(text) || text === '' ? JSON.stringify(text) : text}`;
  }
  return line;
}

function plain(key: string, value: unknown): unknown {
  if (SECRET.test(key)) return '********';
  if (value instanceof Error) return describeError(value);
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Drops everything; for tests and for places that must stay silent. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
