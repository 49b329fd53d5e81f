import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Observable, Subject } from 'rxjs';
import type { Clock } from '../../core/clock.ts';
import { systemErrorCode } from '../../core/errors.ts';
import type { Source } from '../../framework/source.ts';
import { watchFolder } from '../../framework/watch-folder.ts';
import { parseCertificates } from '../../pki/certificate-file.ts';
import {
  AUTHORITY_PLACES,
  authorityBase,
  LEAF_PLACES,
  type AuthorityPlace,
  type LeafPlace,
} from '../../pki/certificate-places.ts';
import { readTextFile } from '../../pki/files.ts';
import { profileOf, type NodeIdentity } from '../../pki/layout.ts';
import type { LeafProfile } from '../../pki/leaf.ts';
import { renewalOf } from '../../pki/renewal.ts';

/** Between two looks at the files and the wall clock, in ms: a clock that was set goes unnoticed for no longer. */
export const LOOK_INTERVAL = 15_000;

/** From a hint to the look that it asks for, in ms: a change seldom comes alone. */
const HINT_DELAY = 50;

/** An authority that ends so soon, in ms, is spoken of: nobody but the administrator can replace it. */
export const AUTHORITY_WINDOW = 365 * 86_400_000;

/** A certificate of this machine. */
export type CertificateState =
  | {
      readonly type: 'leaf';
      readonly place: LeafPlace;
      /** The path of the pair without `.crt` and `.key`. */
      readonly base: string;
      /** What it has to say. */
      readonly profile: LeafProfile;
      /** Who has to have signed it: the path of that pair. */
      readonly authority: string;
      /** When it ends and from when on it is to be replaced, in ms since the epoch; undefined when it is missing or damaged. */
      readonly validity: Validity | undefined;
    }
  | { readonly type: 'authority'; readonly place: AuthorityPlace; readonly validity: Validity | undefined };

export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
  readonly renewal: number;
}

export interface CertificateSourceOptions {
  readonly dataDir: string;
  /** What certificates say about this machine, asked at each look: a name more is a reason for another certificate. */
  readonly node: () => NodeIdentity;
  readonly clock: Clock;
  /** Calls back when something in the folder may have changed; only a hint to look sooner. Default: inotify. */
  readonly watch?: (folder: string, changed: () => void) => Disposable;
}

interface Entry {
  readonly place: LeafPlace | AuthorityPlace;
  /** Whose changes concern it: its own files, and for a leaf those of its authority. */
  readonly files: readonly string[];
  validity: Validity | undefined;
  /** What was seen at the last look; a difference is a change. */
  seen: string | undefined;
}

/**
 * The certificates of this machine as a source: the keys are certificate files, relative to the data directory. A certificate
 * changes when its files do, when its authority does, when what it has to say does, and when the moment to replace it comes.
 * The wall clock is compared at every look instead of being trusted to run on, so that setting it does no harm.
 * Works while `changes$` is subscribed to, by one subscriber.
 */
export class CertificateSource implements Source<CertificateState> {
  readonly name = 'certificates';
  readonly changes$: Observable<string>;
  readonly #options: CertificateSourceOptions;
  readonly #changes = new Subject<string>();
  readonly #entries: ReadonlyMap<string, Entry>;
  #watches: Disposable[] = [];
  #timer: Disposable | undefined;
  #hinted = false;
  #looking = false;
  #running = false;

  constructor(options: CertificateSourceOptions) {
    this.#options = options;
    const entry = (place: LeafPlace | AuthorityPlace): [string, Entry] => {
      const bases = 'layout' in place ? [place.base, authorityBase(place.layout.authority)] : [place.base];
      const files = bases.flatMap((base) => [`${base}.crt`, `${base}.key`]);
      return [`${place.base}.crt`, { place, files, validity: undefined, seen: undefined }];
    };
    this.#entries = new Map([...LEAF_PLACES, ...AUTHORITY_PLACES].map(entry));
    this.changes$ = new Observable((subscriber) => {
      const subscription = this.#changes.subscribe(subscriber);
      this.#start();
      return () => {
        subscription.unsubscribe();
        this.#stop();
      };
    });
  }

  list(): Promise<Iterable<string>> {
    return Promise.resolve(this.#entries.keys());
  }

  async read(key: string): Promise<CertificateState | undefined> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const { place } = entry;
    const { dataDir, node } = this.#options;
    const validity = await this.#validityOf(entry);
    if (!('layout' in place)) return { type: 'authority', place, validity };
    return {
      type: 'leaf',
      place,
      base: join(dataDir, place.base),
      profile: profileOf(place.layout, node()),
      authority: join(dataDir, authorityBase(place.layout.authority)),
      validity,
    };
  }

  #start(): void {
    const { dataDir, watch = watchFolder } = this.#options;
    this.#running = true;
    const folders = new Set([...this.#entries.values()].map(({ place }) => dirname(place.base)));
    this.#watches = [...folders].map((folder) => watch(join(dataDir, folder), () => this.#hint()));
    void this.#look();
  }

  #stop(): void {
    this.#running = false;
    this.#timer?.[Symbol.dispose]();
    for (const watch of this.#watches) watch[Symbol.dispose]();
  }

  #hint(): void {
    if (this.#hinted || !this.#running) return;
    this.#hinted = true;
    // A look under way sets the timer itself.
    if (!this.#looking) this.#lookIn(HINT_DELAY);
  }

  #lookIn(delay: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#options.clock.timer(delay, () => void this.#look());
  }

  /** Reports what differs from the last look. Never rejects: what cannot be read is told by whoever reconciles it. */
  async #look(): Promise<void> {
    this.#looking = true;
    this.#hinted = false;
    for (const [key, entry] of this.#entries) {
      const stamp = await this.#stampOf(entry);
      if (!entry.seen?.startsWith(`${stamp}\n`)) await this.#validityOf(entry).catch(() => undefined);
      const { validity } = entry;
      const now = this.#options.clock.now();
      const due = validity !== undefined && (now > validity.renewal || now < validity.notBefore);
      const seen = `${stamp}\n${due}`;
      if (entry.seen !== seen && this.#running) this.#changes.next(key);
      entry.seen = seen;
    }
    this.#looking = false;
    if (this.#running) this.#lookIn(this.#hinted ? HINT_DELAY : this.#untilNextLook());
  }

  #untilNextLook(): number {
    const now = this.#options.clock.now();
    const moments = [...this.#entries.values()].map(({ validity }) => (validity?.renewal ?? 0) + 1 - now);
    return Math.min(LOOK_INTERVAL, ...moments.filter((wait) => wait > 0));
  }

  /** Changes whenever one of the files or the wanted profile does. */
  async #stampOf({ files, place }: Entry): Promise<string> {
    const { dataDir, node } = this.#options;
    const stamps = await Promise.all(
      files.map(async (file) => {
        try {
          const { ino, size, mtimeMs } = await stat(join(dataDir, file));
          return `${ino} ${size} ${mtimeMs}`;
        } catch (error) {
          return systemErrorCode(error) ?? 'unknown';
        }
      }),
    );
    return JSON.stringify([stamps, 'layout' in place ? profileOf(place.layout, node()) : []]);
  }

  async #validityOf(entry: Entry): Promise<Validity | undefined> {
    const { place } = entry;
    entry.validity = undefined;
    const pem = await readTextFile(join(this.#options.dataDir, `${place.base}.crt`));
    entry.validity = pem === undefined ? undefined : validityOf(pem, 'layout' in place);
    return entry.validity;
  }
}

function validityOf(pem: string, leaf: boolean): Validity | undefined {
  try {
    const [certificate] = parseCertificates(pem);
    if (certificate === undefined) return undefined;
    const notAfter = certificate.validToDate.getTime();
    const renewal = leaf ? renewalOf(certificate) : notAfter - AUTHORITY_WINDOW;
    return { notBefore: certificate.validFromDate.getTime(), notAfter, renewal };
  } catch {
    return undefined;
  }
}
