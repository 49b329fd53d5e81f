import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { K3sError } from '../src/core/errors.ts';
import type { Component } from './bill-of-materials.ts';

/** The first Go that fetches the version that a module asks for by itself. */
const SELF_UPDATING = '1.21';

/** What the machine has for building components, and what it lacks. */
export interface Toolchain {
  /** Absent where no usable Go was found. */
  readonly go?: { readonly path: string; readonly version: string; readonly environment: NodeJS.ProcessEnv };
  /** Version and target of the C compiler, and of the libraries linked by it. */
  readonly c?: string;
  /** A sentence for each tool that is missing, with what to do about it. */
  readonly problems: { readonly go?: string; readonly c: readonly string[] };
}

/** Looks for the tools. `folder` is a component's; all components ask for the same Go. May fetch that Go, which takes a while. */
export async function findToolchain(folder: string, signal: AbortSignal | undefined): Promise<Toolchain> {
  const [go, c] = await Promise.all([findGo(folder, signal), findC(signal)]);
  return {
    ...('problem' in go ? {} : { go }),
    ...(c.version === undefined ? {} : { c: c.version }),
    problems: { ...('problem' in go ? { go: go.problem } : {}), c: c.problems },
  };
}

/** Names the compilers that a component's bytes depend on; undefined where one is missing. */
export function compilersOf(component: Component, tools: Toolchain): string | undefined {
  const needed: (string | undefined)[] = [];
  if (component.build.kind === 'go') needed.push(tools.go?.version);
  if (needsC(component)) needed.push(tools.c);
  return needed.includes(undefined) ? undefined : needed.join(', ');
}

/** Throws K3S_COMPONENTS_TOOLS_MISSING, naming every tool that building these components takes and the machine lacks. */
export function requireTools(components: readonly Component[], tools: Toolchain): void {
  const problems = [
    ...(components.some((one) => one.build.kind === 'go') && tools.problems.go !== undefined
      ? [tools.problems.go]
      : []),
    ...(components.some(needsC) ? tools.problems.c : []),
  ];
  if (problems.length === 0) return;
  throw new K3sError(
    'K3S_COMPONENTS_TOOLS_MISSING',
    `tools are missing to build ${components.map((one) => one.name).join(', ')}: ${problems.join('; ')}`,
    { hint: 'Install what is named, then run the same command again; what is built already is kept.' },
  );
}

function needsC(component: Component): boolean {
  return component.build.kind === 'c' || component.build.cgo === true;
}

async function findGo(
  folder: string,
  signal: AbortSignal | undefined,
): Promise<NonNullable<Toolchain['go']> | { problem: string }> {
  const wanted = /^go (\S+)$/m.exec(readFileSync(join(folder, 'go.mod'), 'utf8'))?.[1] ?? '';
  const path = locate('go', ['/usr/local/go/bin', '/usr/lib/go/bin']);
  if (path === undefined) {
    return {
      problem: `Go is missing: install Go ${wanted} (in PATH or /usr/local/go), or any Go from ${SELF_UPDATING} on, which fetches ${wanted} by itself`,
    };
  }
  // Settings of the machine's Go user must not change what is built.
  const environment = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly', GOWORK: 'off' };
  const ask = async (): Promise<string> =>
    (await output(path, ['env', 'GOVERSION'], signal, { cwd: folder, env: environment })) ?? '';
  let version = await output(path, ['env', 'GOVERSION'], signal, { cwd: '/', env: environment });
  const present = version?.replace(/^go/, '') ?? '0';
  if (isOlder(present, SELF_UPDATING)) {
    return {
      problem: `Go at ${path} is ${present}: install Go ${wanted}, or any Go from ${SELF_UPDATING} on, which fetches ${wanted} by itself`,
    };
  }
  if (isOlder(present, wanted)) {
    environment.GOTOOLCHAIN = 'auto';
    version = await ask();
    if (version === '') return { problem: `Go ${present} at ${path} could not fetch Go ${wanted}, which is needed` };
  }
  return { path, version: version ?? '', environment };
}

async function findC(signal: AbortSignal | undefined): Promise<{ version?: string; problems: readonly string[] }> {
  const gcc = locate('gcc', []);
  if (gcc === undefined)
    return { problems: ["gcc is missing: install Debian's packages gcc, libc6-dev, libseccomp-dev and pkg-config"] };
  const problems: string[] = [];
  // gcc answers with an absolute path if it finds the library, else with the bare name.
  for (const [library, wanted] of [
    ['libc.a', 'libc6-dev'],
    ['libseccomp.a', 'libseccomp-dev'],
  ] as const) {
    const found = await output(gcc, [`-print-file-name=${library}`], signal);
    if (found === undefined || !isAbsolute(found))
      problems.push(`${library} is missing: install Debian's package ${wanted}`);
  }
  const pkgConfig = locate('pkg-config', []);
  if (pkgConfig === undefined) problems.push("pkg-config is missing: install Debian's package pkg-config");
  if (pkgConfig === undefined || problems.length > 0) return { problems };
  const compiler = await output(gcc, ['-dumpfullversion', '-dumpmachine'], signal);
  const seccomp = await output(pkgConfig, ['--modversion', 'libseccomp'], signal);
  return { version: `gcc ${compiler?.replace('\n', ' ')}, libseccomp ${seccomp}`, problems };
}

function locate(program: string, otherFolders: readonly string[]): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...otherFolders];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What a program prints, or undefined where it fails. */
async function output(
  program: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
  where: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      ...where,
      ...(signal === undefined ? {} : { signal }),
    });
    return stdout.trim();
  } catch {
    signal?.throwIfAborted();
    return undefined;
  }
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (const [index, wanted] of (b ?? []).entries()) {
    const have = a?.[index] ?? 0;
    if (have !== wanted) return have < wanted;
  }
  return false;
}
