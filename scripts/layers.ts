/**
 * Checks that dependencies between the folders of src/ point one way (docs/architecture.md, "Layers"), that no source file
 * is over the size limit, and that the drivers stay in the rooms that own them. Run by `npm run lint`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const LARGEST_FILE = 500;

/** Folder → the folders that it may import, besides itself and core. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: [],
  pki: [],
  crds: [],
  datastore: [],
  tunnel: [],
  cluster: [],
  framework: ['cluster'],
  controllers: ['framework', 'cluster', 'crds', 'pki', 'config'],
  node: ['framework', 'cluster', 'pki', 'config'],
  supervisor: ['framework', 'cluster', 'pki', 'config', 'tunnel'],
  bootstrap: [
    'supervisor',
    'node',
    'controllers',
    'framework',
    'cluster',
    'crds',
    'pki',
    'config',
    'datastore',
    'tunnel',
  ],
  cli: [
    'bootstrap',
    'node',
    'controllers',
    'framework',
    'cluster',
    'crds',
    'pki',
    'config',
    'datastore',
    'tunnel',
    'supervisor',
  ],
};

/** Package → the only folders that may import it. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  'better-sqlite3': ['datastore'],
  pg: ['datastore'],
  mysql2: ['datastore'],
  undici: ['cluster'],
};

const root = resolve(import.meta.dirname, '..');
const problems: string[] = [];

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (entry.name.endsWith('.ts')) yield path;
  }
}

for (const file of sources(join(root, 'src'))) {
  const name = relative(join(root, 'src'), file);
  const parts = name.split('/');
  if (parts.length === 1) continue;
  const layer = parts[0] as string;
  const text = readFileSync(file, 'utf8');
  const generated = parts.includes('generated');
  if (!generated && text.split('\n').length > LARGEST_FILE)
    problems.push(`src/${name}: more than ${LARGEST_FILE} lines`);
  const allowed = ALLOWED[layer];
  if (allowed === undefined) {
    problems.push(`src/${name}: the folder ${layer} is not a layer; add it to scripts/layers.ts`);
    continue;
  }
  for (const match of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    const target = match[1] as string;
    if (!target.startsWith('.')) {
      const owners = OWNERS[target.split('/')[0] as string];
      if (owners !== undefined && !owners.includes(layer))
        problems.push(`src/${name}: ${target} belongs to ${owners.join(', ')}`);
      continue;
    }
    const to = relative(join(root, 'src'), resolve(dirname(file), target)).split('/');
    const other = to[0] as string;
    if (other === '..') {
      // A checkout builds its components before it starts.
      if (to.join('/') !== '../components/build.ts' || layer !== 'cli')
        problems.push(`src/${name}: ${to.join('/')} is not part of src`);
      continue;
    }
    if (other !== layer && other !== 'core' && !allowed.includes(other))
      problems.push(`src/${name}: ${layer} must not import ${to.join('/')}`);
    if (layer === 'controllers' && other === 'controllers' && to[1] !== parts[1] && parts.length > 2) {
      problems.push(`src/${name}: controllers do not import each other (${to.join('/')})`);
    }
    if (to.includes('testing') && !parts.includes('testing'))
      problems.push(`src/${name}: testing/ is not for run time (${to.join('/')})`);
  }
}

for (const problem of problems) console.error(problem);
console.log(`layers: ${problems.length === 0 ? 'ok' : `${problems.length} problems`}`);
process.exit(problems.length === 0 ? 0 : 1);
