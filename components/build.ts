/**
 * Builds everything that is not TypeScript into `.cache/components/out`, and describes it in `components.json` there.
 *
 *     node components/build.ts [--only NAME]... [--list]
 */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/core/clock.ts';
import { describeError, K3sError } from '../src/core/errors.ts';
import { components, type Component } from './bill-of-materials.ts';
import { compile } from './compile.ts';
import { type BuiltFile, type BuiltImage, type ComponentSet, componentSet, describeFile } from './component-set.ts';
import { contentHash } from './content-hash.ts';
import { buildImage } from './image.ts';
import { compilersOf, findToolchain, requireTools, type Toolchain } from './toolchain.ts';

const cache = resolve(import.meta.dirname, '../.cache/components');

/** Where `components.json` and what it lists are. */
export const componentsDirectory = join(cache, 'out');

const setFile = join(componentsDirectory, 'components.json');

/** How often a long compilation says how far it is. */
const HEARTBEAT = 15_000;

export interface BuildOptions {
  /** Names of the components to build; all where absent. */
  readonly only?: readonly string[];
  /** Receives progress, a line at a time. One line if there is nothing to do. */
  readonly report: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** What is remembered of a component that has been built. */
interface Built {
  readonly content: string;
  readonly compilers: string;
  readonly files: readonly BuiltFile[];
  readonly images: readonly BuiltImage[];
}

/**
 * Builds the components whose sources, flags or compilers have changed; the others are taken as they are, even on a machine
 * without compilers. Returns the set of all components that are up to date. `components.json` is written if those are all there are, and
 * removed otherwise. Safe to interrupt at any moment and to run twice at a time.
 *
 * Errors: K3S_COMPONENTS_UNKNOWN, K3S_COMPONENTS_TOOLS_MISSING, K3S_COMPONENTS_BUILD_FAILED.
 */
export async function buildComponents({ only, report, signal }: BuildOptions): Promise<ComponentSet> {
  const selected = new Set(only ?? components.map((component) => component.name));
  const unknown = [...selected].filter((name) => !components.some((component) => component.name === name));
  if (unknown.length > 0) {
    throw new K3sError('K3S_COMPONENTS_UNKNOWN', `there is no component ${unknown.join(', ')}`, {
      hint: `The components are: ${components.map((component) => component.name).join(', ')}.`,
    });
  }
  const began = systemClock.monotonic();
  const tools = await findToolchain(folderOf('engine'), signal);
  const current = new Map<Component, Built>();
  for (const component of components) {
    const built = await upToDate(component, tools);
    if (built !== undefined) current.set(component, built);
  }
  const wanted = components.filter((component) => selected.has(component.name));
  const missing = wanted.filter((component) => !current.has(component));
  requireTools(missing, tools);
  if (missing.length === 0) report(`components: all ${wanted.length} are up to date`);
  else {
    // Until all is in place again nobody may install a mixture.
    await rm(setFile, { force: true });
    for (const [index, component] of wanted.entries()) {
      const say = (text: string): void =>
        report(`[${index + 1}/${wanted.length}] ${component.name} ${component.version}: ${text}`);
      if (current.has(component)) say('cached');
      else current.set(component, await build(component, { tools, say, signal }));
    }
    report(`components: built in ${seconds(began)}`);
  }
  return await publish(current);
}

interface BuildContext {
  readonly tools: Toolchain;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

async function build(component: Component, { tools, say, signal }: BuildContext): Promise<Built> {
  const began = systemClock.monotonic();
  say(`building ${component.what}`);
  const folder = folderOf(component.name);
  // Sources that change during the build make its result outdated, not wrongly up to date.
  const content = contentHash(component, folder);
  await mkdir(cache, { recursive: true });
  const target = await mkdtemp(join(cache, `${component.name}-`));
  try {
    let packages = 0;
    let heartbeat: Disposable | undefined;
    const beat = (): void => {
      heartbeat = systemClock.timer(HEARTBEAT, () => {
        say(`${packages} packages compiled so far, ${seconds(began)}`);
        beat();
      });
    };
    beat();
    const programs = await compile({ component, folder, target, tools, signal, onPackage: () => packages++ }).finally(
      () => heartbeat?.[Symbol.dispose](),
    );
    const built: Built = {
      content,
      compilers: compilersOf(component, tools) ?? '',
      ...(component.output === 'image'
        ? { files: [], images: [await placeImage(component, join(target, component.name))] }
        : { files: await placePrograms(component.output, target, programs), images: [] }),
    };
    await writeAtomically(stateFile(component), JSON.stringify(built));
    const size = [...built.files, ...built.images].reduce((sum, file) => sum + file.size, 0);
    say(`built in ${seconds(began)}, ${(size / 1e6).toFixed(1)} MB`);
    return built;
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}

async function placePrograms(kind: string, from: string, programs: readonly string[]): Promise<readonly BuiltFile[]> {
  await mkdir(join(componentsDirectory, kind), { recursive: true });
  const files: BuiltFile[] = [];
  for (const program of programs) {
    const path = join(kind, program);
    await rename(join(from, program), join(componentsDirectory, path));
    files.push(await describeFile(componentsDirectory, path));
  }
  return files;
}

async function placeImage({ name, version, user }: Component, program: string): Promise<BuiltImage> {
  const reference = `k3s.local/${name}:${version}`;
  const image = await buildImage({
    reference,
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    files: { [`/${name}`]: await readFile(program) },
    entrypoint: [`/${name}`],
    ...(user === undefined ? {} : { user }),
  });
  const path = `images/${name}.tar`;
  await writeAtomically(join(componentsDirectory, path), image);
  return { reference, ...(await describeFile(componentsDirectory, path)) };
}

/** What was built of a component, if its sources, flags and (where there are any) compilers are still the same. */
async function upToDate(component: Component, tools: Toolchain): Promise<Built | undefined> {
  try {
    const built = JSON.parse(await readFile(stateFile(component), 'utf8')) as Built;
    if (built.content !== contentHash(component, folderOf(component.name))) return undefined;
    const compilers = compilersOf(component, tools);
    if (compilers !== undefined && compilers !== built.compilers) return undefined;
    for (const { path, size } of [...built.files, ...built.images]) {
      if ((await stat(join(componentsDirectory, path))).size !== size) return undefined;
    }
    return built;
  } catch {
    return undefined;
  }
}

async function publish(current: ReadonlyMap<Component, Built>): Promise<ComponentSet> {
  const all = [...current.values()];
  const set = componentSet(
    all.flatMap((built) => built.files),
    all.flatMap((built) => built.images),
  );
  if (current.size === components.length) {
    await writeAtomically(setFile, `${JSON.stringify(set, undefined, 2)}\n`);
    await removeStrangers(new Set([basename(setFile), ...[...set.files, ...set.images].map((file) => file.path)]));
  } else await rm(setFile, { force: true });
  return set;
}

/** Files of components that there are no more. */
async function removeStrangers(known: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(componentsDirectory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !entry.name.startsWith('.') && !known.has(path.slice(componentsDirectory.length + 1)))
      await rm(path);
  }
}

/** Files are replaced, never written into: whoever has the old one open or linked keeps it as it was. */
async function writeAtomically(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${basename(path)}-${process.pid}`);
  await writeFile(temporary, content);
  await rename(temporary, path);
}

function folderOf(name: string): string {
  return join(import.meta.dirname, name);
}

function stateFile(component: Component): string {
  return join(cache, 'state', `${component.name}.json`);
}

function seconds(since: number): string {
  return `${((systemClock.monotonic() - since) / 1000).toFixed(1)} s`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string', multiple: true }, list: { type: 'boolean', default: false } },
  });
  if (values.list) {
    for (const { name, version, what } of components) console.log(`${name} ${version}: ${what}`);
    return;
  }
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new K3sError('K3S_COMPONENTS_STOPPED', 'stopped by SIGINT')));
  process.once('SIGTERM', () => stop.abort(new K3sError('K3S_COMPONENTS_STOPPED', 'stopped by SIGTERM')));
  await buildComponents({
    ...(values.only === undefined ? {} : { only: values.only }),
    report: (line) => console.log(line),
    signal: stop.signal,
  });
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(`components: ${describeError(error)}`);
    process.exitCode = 1;
  }
}
