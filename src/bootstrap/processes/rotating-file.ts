import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface RotationLimits {
  /** A file is put aside when a line would make it larger than this many bytes. */
  size: number;
  /** How many files are kept besides the current one: `x.log.1` is the youngest. */
  kept: number;
}

const DEFAULT_LIMITS: RotationLimits = { size: 20 * 1024 * 1024, kept: 3 };

/**
 * A log file of bounded size. Writes at once, so that a crash loses no line; a failing disk costs the line, never the process.
 */
export class RotatingFile implements Disposable {
  readonly #path: string;
  readonly #limits: RotationLimits;
  #file: number | undefined;
  #size = 0;

  constructor(path: string, limits: RotationLimits = DEFAULT_LIMITS) {
    this.#path = path;
    this.#limits = limits;
  }

  write(line: string): void {
    const data = Buffer.from(`${line}\n`);
    try {
      if (this.#file !== undefined && this.#size + data.length > this.#limits.size) this.#rotate();
      this.#file ??= this.#open();
      this.#size += writeSync(this.#file, data);
    } catch {
      // A full or read-only disk: whoever watches the data directory reports that; a log must not add to it.
      this[Symbol.dispose]();
    }
  }

  #open(): number {
    // Often the first to make the data directory, which users must be able to pass through to kubectl; the file itself is closed to them.
    mkdirSync(dirname(this.#path), { recursive: true });
    const file = openSync(this.#path, 'a', 0o600);
    this.#size = fstatSync(file).size;
    return file;
  }

  #rotate(): void {
    this[Symbol.dispose]();
    for (let number = this.#limits.kept - 1; number >= 1; number--)
      rename(`${this.#path}.${number}`, `${this.#path}.${number + 1}`);
    if (this.#limits.kept > 0) rename(this.#path, `${this.#path}.1`);
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // There is no such file yet.
  }
}
