import { Subject } from 'rxjs';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import { defineSource, type Source } from '../../framework/source.ts';
import { Child, type ProcessDefinition } from './child.ts';

/** A process that should run, and the child that runs it or ran it last. */
export interface ManagedProcess {
  readonly definition: ProcessDefinition;
  readonly child: Child | undefined;
}

/**
 * Which child processes this server wants, and which it has: the source behind the process controller, which starts and
 * restarts them. A process is ended through `stop`, in whatever order the caller needs.
 */
export class ProcessTable {
  readonly #desired = new Map<string, ProcessDefinition>();
  readonly #children = new Map<string, Child>();
  readonly #changes = new Subject<string>();
  readonly #stopping = new AbortController();
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly source: Source<ManagedProcess>;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
    this.source = defineSource({
      name: 'processes',
      list: () => Promise.resolve(this.#desired.keys()),
      changes$: this.#changes,
      read: (name) => Promise.resolve(this.read(name)),
    });
  }

  /** Aborts when no process is to be started any more. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  read(name: string): ManagedProcess | undefined {
    const definition = this.#desired.get(name);
    return definition === undefined ? undefined : { definition, child: this.#children.get(name) };
  }

  /** Wants the process to run as defined; a changed definition restarts it. */
  ensure(definition: ProcessDefinition): void {
    this.#desired.set(definition.name, definition);
    this.#changes.next(definition.name);
  }

  /** Starts the child of a desired process. Only the process controller calls this, one call a name at a time. */
  async start(definition: ProcessDefinition): Promise<Child> {
    const child = await Child.start(definition, this.#clock, this.#log);
    this.#children.set(definition.name, child);
    return child;
  }

  /** From now on the end of `child` queues its key. Until then, an end is the business of the run that started it. */
  watch(child: Child): void {
    void child.exited.then(() => this.#changes.next(child.definition.name));
  }

  /** No process is started from here on; those that run go on until they are stopped one by one. */
  freeze(): void {
    this.#stopping.abort();
  }

  /** No longer wants the process, and ends it. */
  async stop(name: string): Promise<void> {
    this.#desired.delete(name);
    await this.#children.get(name)?.stop();
    this.#children.delete(name);
  }
}
