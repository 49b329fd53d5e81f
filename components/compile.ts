import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { K3sError } from '../src/core/errors.ts';
import type { CBuild, Component, GoBuild } from './bill-of-materials.ts';
import type { Toolchain } from './toolchain.ts';

export interface Compilation {
  readonly component: Component;
  /** The component's sources. */
  readonly folder: string;
  /** Where its programs go. */
  readonly target: string;
  readonly tools: Toolchain;
  readonly signal: AbortSignal | undefined;
  /** Called for each package that the Go compiler is through with. */
  readonly onPackage: () => void;
}

/** Builds a component's programs into `target`; returns their file names. Throws K3S_COMPONENTS_BUILD_FAILED. */
export async function compile(compilation: Compilation): Promise<readonly string[]> {
  const { build } = compilation.component;
  return await (build.kind === 'go' ? compileGo(compilation, build) : compileC(compilation, build));
}

async function compileGo(compilation: Compilation, build: GoBuild): Promise<readonly string[]> {
  const { component, target, tools } = compilation;
  if (tools.go === undefined) throw new TypeError('requireTools has not been called');
  const stamps = Object.entries(build.stamps ?? {}).map(([variable, value]) => `-X ${variable}=${value}`);
  const linker = ['-s', '-w', ...(build.cgo === true ? ['-extldflags -static'] : []), ...stamps].join(' ');
  const tags = build.tags === undefined ? [] : ['-tags', build.tags.join(',')];
  await run(
    compilation,
    tools.go.path,
    ['build', '-v', '-trimpath', '-buildvcs=false', '-ldflags', linker, ...tags, '-o', `${target}/`, ...build.packages],
    { ...tools.go.environment, CGO_ENABLED: build.cgo === true ? '1' : '0' },
  );
  return build.packages.map((name) => (name === '.' ? component.name : basename(name)));
}

async function compileC(compilation: Compilation, build: CBuild): Promise<readonly string[]> {
  const args = ['-Os', '-static', '-s', '-Wall', '-Wextra', '-Werror', '-o', join(compilation.target, build.program)];
  await run(compilation, 'gcc', [...args, build.source], process.env);
  return [build.program];
}

/** Runs a compiler in the component's folder. What it prints besides the names of packages is kept for the error. */
async function run(
  { component, folder, signal, onPackage }: Compilation,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'], signal });
  const printed: string[] = [];
  const lines = createInterface({ input: child.stderr });
  lines.on('line', (line) => {
    if (/^[\w.-]+(\/[\w.~-]+)*$/.test(line)) onPackage();
    else if (!line.startsWith('go: downloading ')) printed.push(line);
  });
  try {
    const [code, killedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (code === 0) return;
    const end = code === null ? `was killed by ${killedBy}` : `ended with status ${code}`;
    printed.push(`${basename(program)} ${end}`);
  } catch (error) {
    signal?.throwIfAborted();
    printed.push(String(error));
  }
  throw new K3sError(
    'K3S_COMPONENTS_BUILD_FAILED',
    `${component.name} could not be built:\n${printed.slice(-20).join('\n')}`,
    {
      fields: { component: component.name, folder },
      retryable: true,
      hint: 'If modules could not be fetched, check the network and GOPROXY; then run the same command again, it goes on where it stopped.',
    },
  );
}
