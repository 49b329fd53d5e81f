/** One or more helm commands that belong together. */
export interface HelmRun {
  /** Arguments after `helm`. They run one after another; a failure ends the run. */
  readonly commands: readonly HelmCommand[];
  /** Put into the directory that the commands run in, which nobody else can read, and removed afterwards. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly environment: Readonly<Record<string, string>>;
  /** Milliseconds for all commands together. */
  readonly timeout: number;
}

export interface HelmCommand {
  readonly arguments: readonly string[];
  readonly stdin?: string;
}

/** How a run ended. */
export interface HelmResult {
  readonly succeeded: boolean;
  /** What helm said, in the order it said it; only the end of it if it was much. */
  readonly output: string;
}

export interface HelmRunner {
  /**
   * Resolves whether helm succeeded or not. Rejects with the signal's reason when it aborts, after helm has ended; with HelmEnded
   * when the server stops; with K3S_HELM_RUN when helm cannot be started; with the system's error when its files cannot be written.
   */
  run(run: HelmRun, signal: AbortSignal): Promise<HelmResult>;
}

/** Helm was ended before it was done. That is no failure of the chart. */
export class HelmEnded extends Error {
  override readonly name = 'HelmEnded';
}

/** The part of helm's output that says what went wrong, for people. */
export function errorText(output: string, longest = 1024): string {
  const lines = output.trimEnd().split('\n');
  const from = lines.findLastIndex((line) => line.startsWith('Error: '));
  const text = (from < 0 ? lines.slice(-3) : lines.slice(from)).join('\n').replace(/^Error: /, '');
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
