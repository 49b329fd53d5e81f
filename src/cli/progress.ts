import { styleText } from 'node:util';
import type { StartEvent } from '../bootstrap/start-graph.ts';
import type { Clock } from '../core/clock.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_TIME = 100;

interface ProgressOptions {
  clock: Clock;
  write: (text: string) => void;
  /** How many characters fit on a line. A terminal gets a spinner with the steps under way; where this is absent, a step is a plain line. */
  width?: () => number;
}

/** Shows the steps of a start with their times. Why one failed is for the caller to say. */
export class Progress implements Disposable {
  readonly #options: ProgressOptions;
  readonly #running = new Set<string>();
  readonly #began: number;
  #frame = 0;
  #timer: Disposable | undefined;
  #drawn = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#began = options.clock.monotonic();
  }

  readonly report = (event: StartEvent): void => {
    const { step } = event;
    switch (event.type) {
      case 'started':
        this.#running.add(step.title);
        this.#spin();
        break;
      case 'finished':
        this.#running.delete(step.title);
        this.line(`${this.#paint('green', '✔')} ${step.title} (${seconds(event.took)})`);
        break;
      case 'failed':
        this.#running.delete(step.title);
        this.line(`${this.#paint('red', '✘')} ${step.title} (${seconds(event.took)})`);
        break;
    }
  };

  /** Prints a line above the spinner. */
  readonly line = (text: string): void => {
    this.#erase();
    this.#options.write(`${text}\n`);
    this.#draw();
  };

  /** Milliseconds since this display was made. */
  get elapsed(): number {
    return this.#options.clock.monotonic() - this.#began;
  }

  #spin(): void {
    if (this.#options.width === undefined || this.#timer !== undefined) return;
    this.#timer = this.#options.clock.timer(FRAME_TIME, () => {
      this.#timer = undefined;
      this.#frame++;
      this.#erase();
      this.#draw();
      if (this.#running.size > 0) this.#spin();
    });
  }

  #draw(): void {
    if (this.#options.width === undefined || this.#running.size === 0) return;
    const titles = [...this.#running].join(', ');
    const time = `(${seconds(this.elapsed)})`;
    // One that wraps could not be erased: the frame, two spaces and the time stand beside the titles, and the last column stays free.
    const room = this.#options.width() - time.length - 4;
    const shown = titles.length > room ? `${titles.slice(0, Math.max(0, room - 1))}…` : titles;
    this.#options.write(`${this.#paint('cyan', FRAMES[this.#frame % FRAMES.length] ?? '')} ${shown} ${time}`);
    this.#drawn = true;
  }

  #erase(): void {
    if (this.#drawn) this.#options.write('\r\u001b[2K');
    this.#drawn = false;
  }

  #paint(colour: 'green' | 'red' | 'cyan', text: string): string {
    return this.#options.width === undefined ? text : styleText(colour, text);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#running.clear();
    this.#erase();
  }
}

/** `2.9 s`. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
