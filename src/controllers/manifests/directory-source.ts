import { join } from 'node:path';
import { Observable, Subject } from 'rxjs';
import type { Clock } from '../../core/clock.ts';
import { describeError, K3sError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { Source } from '../../framework/source.ts';
import { scanDirectory, stampOf, statIfThere, type DirectoryScan, type FileStamp } from './directory-scan.ts';
import { isDisabled } from './disable.ts';
import { watchFolder } from '../../framework/watch-folder.ts';
import { readManifest } from './manifest-file.ts';
import { openForWriting } from './open-writers.ts';
import { observe, QUIET, sameStamp, settlesIn, type Observation } from './settling.ts';

/** Between two looks at the directory, in ms; k3s's interval. */
export const SCAN_INTERVAL = 15_000;

/** From a hint to the look that it asks for, in ms: a change seldom comes alone. */
const HINT_DELAY = 50;

/** For this long after its last change, in ms, a file that somebody has open for writing is not believed. */
const WRITER_PATIENCE = 60_000;

export type ManifestState =
  /** Just changed, or not to be seen right now: what was known before still counts. */
  | { readonly type: 'settling' }
  /** Somebody put a `.skip` file beside it: hands off. */
  | { readonly type: 'skipped' }
  | { readonly type: 'readable'; readonly path: string; readonly checksum: string }
  | { readonly type: 'unreadable'; readonly path: string };

export interface DirectorySourceOptions {
  root: string;
  clock: Clock;
  log: Logger;
  /** The names given to `--disable`; their files are treated as absent. */
  disabled: ReadonlySet<string>;
  /** Calls back when something in the folder may have changed; only a hint to look sooner. Default: inotify. */
  watch?: (folder: string, changed: () => void) => Disposable;
}

/**
 * The manifest directory as a source: its keys are paths relative to the root. The directory is looked at every 15 s and
 * soon after a hint; what a look finds is the truth, whatever was hinted. A file is reported when it has settled (see
 * settling.ts) and nobody is writing it, so that no half-written content is ever seen.
 * Works while `changes$` is subscribed to, by one subscriber.
 */
export class DirectorySource implements Source<ManifestState> {
  readonly name = 'manifest-directory';
  readonly changes$: Observable<string>;
  readonly #options: DirectorySourceOptions;
  readonly #changes = new Subject<string>();
  readonly #entries = new Map<string, Entry>();
  readonly #watches = new Map<string, { inode: number; handle: Disposable }>();
  #scan: DirectoryScan | undefined;
  #looking: Promise<void> | undefined;
  #problem: string | undefined;
  #timer: Disposable | undefined;
  #hinted = false;
  #running = false;

  constructor(options: DirectorySourceOptions) {
    this.#options = options;
    this.changes$ = new Observable((subscriber) => {
      const subscription = this.#changes.subscribe(subscriber);
      this.#start();
      return () => {
        subscription.unsubscribe();
        this.#stop();
      };
    });
  }

  async list(): Promise<Iterable<string>> {
    await this.#look();
    return [...new Set([...(this.#scan?.files.keys() ?? []), ...(this.#scan?.skipped ?? [])])].filter(
      (key) => !isDisabled(key, this.#options.disabled),
    );
  }

  async read(key: string): Promise<ManifestState | undefined> {
    if (isDisabled(key, this.#options.disabled)) return undefined;
    if (this.#scan === undefined) await this.#look();
    if (this.#scan?.skipped.has(key)) return { type: 'skipped' };
    if (this.#scan?.unreadable.some(({ path }) => key.startsWith(path))) return { type: 'settling' };
    const entry = this.#entries.get(key) ?? this.#observe(key, undefined);
    if (entry.observation.stamp === undefined) {
      if (this.#settlesIn(entry) > 0) return { type: 'settling' };
      // Much depends on it, so ask once more: the file may be back since the last look.
      if ((await statIfThere(join(this.#options.root, key))) !== undefined) return { type: 'settling' };
      this.#entries.delete(key);
      return undefined;
    }
    return entry.accepted !== undefined && sameStamp(entry.accepted.stamp, entry.observation.stamp)
      ? entry.accepted.state
      : { type: 'settling' };
  }

  #start(): void {
    this.#running = true;
    this.#wakeIn(0);
  }

  #stop(): void {
    this.#running = false;
    this.#timer?.[Symbol.dispose]();
    for (const { handle } of this.#watches.values()) handle[Symbol.dispose]();
    this.#watches.clear();
  }

  /** A hint during a look may be about what that look has passed already. */
  #hint(): void {
    if (this.#hinted) return;
    this.#hinted = true;
    if (this.#looking === undefined) this.#wakeIn(HINT_DELAY);
  }

  /** The next look comes after `delay`, whatever was planned. */
  #wakeIn(delay: number): void {
    this.#timer?.[Symbol.dispose]();
    if (!this.#running) return;
    this.#timer = this.#options.clock.timer(delay, () => {
      // A failure has been logged, and the next look is planned.
      this.#look().catch(() => {});
    });
  }

  /** One look at a time; whoever asks during one gets its result. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    let delay = SCAN_INTERVAL;
    this.#hinted = false;
    try {
      const scan = await scanDirectory(this.#options.root);
      this.#take(scan);
      await this.#accept();
      this.#complain(scan.unreadable[0]?.error);
      delay = Math.min(delay, ...[...this.#entries.values()].map((entry) => this.#pendingFor(entry)));
    } catch (error) {
      this.#complain(error);
      throw error;
    } finally {
      this.#wakeIn(this.#hinted ? HINT_DELAY : delay);
    }
  }

  #take(scan: DirectoryScan): void {
    const before = this.#scan;
    this.#scan = scan;
    for (const [key, stamp] of scan.files) this.#observe(key, stamp);
    for (const key of this.#entries.keys()) {
      const hidden = scan.unreadable.some(({ path }) => key.startsWith(path));
      if (!scan.files.has(key) && !hidden) this.#observe(key, undefined);
    }
    for (const key of scan.skipped) if (!before?.skipped.has(key)) this.#changes.next(key);
    for (const key of before?.skipped ?? []) {
      if (scan.skipped.has(key)) continue;
      this.#observe(key, scan.files.get(key));
      this.#changes.next(key);
    }
    this.#watchFolders(scan.folders);
  }

  #observe(key: string, stamp: FileStamp | undefined): Entry {
    let entry = this.#entries.get(key);
    const observation = observe(entry?.observation, stamp, this.#options.clock.monotonic());
    if (entry === undefined) {
      entry = { observation, accepted: undefined, reported: false };
      this.#entries.set(key, entry);
      this.#wakeIn(this.#settlesIn(entry));
    } else if (entry.observation !== observation) {
      entry.observation = observation;
      entry.reported = false;
    }
    return entry;
  }

  /** Reads what has settled and nobody writes, and reports what is new. */
  async #accept(): Promise<void> {
    const { clock, root } = this.#options;
    const settled = [...this.#entries].filter(([, entry]) => isDue(entry) && this.#settlesIn(entry) === 0);
    const fresh = settled.flatMap(([, { observation }]) =>
      observation.stamp !== undefined && clock.now() - observation.stamp.changed < WRITER_PATIENCE
        ? [observation.stamp]
        : [],
    );
    const written = await openForWriting(fresh);
    for (const [key, entry] of settled) {
      const { stamp } = entry.observation;
      if (stamp !== undefined) {
        if (written.has(stamp)) continue;
        const state = await stateOf(join(root, key), stamp);
        if (state === undefined || (entry.reported && state.type === 'unreadable')) continue;
        entry.accepted = { stamp, state };
      }
      entry.reported = true;
      this.#changes.next(key);
    }
  }

  #settlesIn(entry: Entry): number {
    const { clock } = this.#options;
    return settlesIn(entry.observation, clock.monotonic(), clock.now());
  }

  /** When this entry needs the next look, in ms; one that has settled but could not be accepted is tried again. */
  #pendingFor(entry: Entry): number {
    return entry.reported ? SCAN_INTERVAL : this.#settlesIn(entry) || QUIET;
  }

  #watchFolders(folders: DirectoryScan['folders']): void {
    if (!this.#running) return;
    const { watch = watchFolder } = this.#options;
    const wanted = new Map(folders.map(({ path, inode }) => [path, inode]));
    for (const [path, { inode, handle }] of this.#watches) {
      if (wanted.get(path) === inode) continue;
      handle[Symbol.dispose]();
      this.#watches.delete(path);
    }
    for (const [path, inode] of wanted) {
      if (this.#watches.has(path)) continue;
      this.#watches.set(path, { inode, handle: watch(path, () => this.#hint()) });
    }
  }

  /** Once per problem, not once per look. */
  #complain(problem: unknown): void {
    const text = problem === undefined ? undefined : describeError(problem);
    if (text !== undefined && text !== this.#problem) {
      this.#options.log.warn('part of the manifest directory cannot be read', { error: problem });
    }
    this.#problem = text;
  }
}

interface Entry {
  observation: Observation;
  /** What was read when the file last settled. */
  accepted: { stamp: FileStamp; state: ManifestState } | undefined;
  /** The present observation has been accepted and reported. */
  reported: boolean;
}

/** Not read yet, or tried in vain: a disk may recover. */
function isDue({ reported, accepted }: Entry): boolean {
  return !reported || accepted?.state.type === 'unreadable';
}

/** Undefined when the file changed while it was read, or is gone. */
async function stateOf(path: string, stamp: FileStamp): Promise<ManifestState | undefined> {
  let state: ManifestState;
  try {
    const manifest = await readManifest(path);
    if (manifest === undefined) return undefined;
    state = { type: 'readable', path, checksum: manifest.checksum };
  } catch (error) {
    if (!(error instanceof K3sError)) throw error;
    state = { type: 'unreadable', path };
  }
  const stats = await statIfThere(path).catch(() => undefined);
  return stats !== undefined && sameStamp(stampOf(stats), stamp) ? state : undefined;
}
