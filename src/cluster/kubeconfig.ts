import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { load } from 'js-yaml';
import { K3sError } from '../core/errors.ts';
import type { Credentials } from './credentials.ts';

type Section = Readonly<Record<string, unknown>>;

/**
 * Reads a kubeconfig's current context, or the one named. Files that it mentions are relative to it. Users who log in through
 * a program or an identity provider (`exec`, `auth-provider`) go through @kubernetes/client-node, which is loaded only then.
 */
export async function loadKubeconfig(path: string, contextName?: string): Promise<Credentials> {
  const config = parse(path, await read(path));
  const name = contextName ?? text(config['current-context']);
  if (name === undefined || name === '')
    throw invalid(path, 'it names no current context', 'Set current-context in it.');
  const context = entry(path, config, 'contexts', 'context', name);
  const cluster = entry(path, config, 'clusters', 'cluster', text(context['cluster']) ?? '');
  const user = entry(path, config, 'users', 'user', text(context['user']) ?? '');
  const server = text(cluster['server']);
  if (server === undefined)
    throw invalid(path, `cluster ${text(context['cluster'])} has no server`, 'Add its address.');
  if (cluster['proxy-url'] !== undefined) throw invalid(path, 'proxy-url is not supported', 'Remove it.');
  const material = async (section: Section, field: string): Promise<string | undefined> => {
    const data = text(section[`${field}-data`]);
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
    const file = text(section[field]);
    return file === undefined ? undefined : read(resolve(dirname(path), file));
  };
  const tokenFile = text(user['tokenFile']);
  const login = user['exec'] !== undefined || user['auth-provider'] !== undefined ? await logIn(path, name) : {};
  const found = {
    ca: await material(cluster, 'certificate-authority'),
    cert: await material(user, 'client-certificate'),
    key: await material(user, 'client-key'),
    token:
      text(user['token']) ??
      (tokenFile === undefined ? undefined : (await read(resolve(dirname(path), tokenFile))).trim()),
    serverName: text(cluster['tls-server-name']),
    insecure: cluster['insecure-skip-tls-verify'] === true ? true : undefined,
    ...login,
  };
  return {
    server,
    ...(Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as Partial<Credentials>),
  };
}

/** The library runs the login program, keeps what it printed and runs it again when that has expired. */
async function logIn(path: string, context: string): Promise<Partial<Credentials>> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(path);
  config.setCurrentContext(context);
  const ask = async (): Promise<{ token: string | undefined; cert: string | undefined; key: string | undefined }> => {
    const options: { headers?: Record<string, string>; cert?: string | Buffer; key?: string | Buffer } = {};
    try {
      await config.applyToHTTPSOptions(options);
    } catch (cause) {
      throw new K3sError('K3S_KUBECONFIG_LOGIN', `${path}: the login of context ${context} failed`, {
        cause,
        fields: { path, context },
        hint: "Run the user's exec command by hand to see what is wrong.",
      });
    }
    const token = options.headers?.['Authorization']?.replace(/^Bearer /, '');
    return { token, cert: options.cert?.toString(), key: options.key?.toString() };
  };
  const { cert, key } = await ask();
  const identity = cert === undefined || key === undefined ? {} : { cert, key };
  return { ...identity, token: async () => (await ask()).token };
}

function parse(path: string, content: string): Section {
  let cause: unknown;
  try {
    const config: unknown = load(content, { filename: path });
    if (isSection(config)) return config;
  } catch (error) {
    cause = error;
  }
  throw new K3sError('K3S_KUBECONFIG_INVALID', `${path} is not a kubeconfig: it is no YAML mapping`, {
    cause,
    fields: { path },
  });
}

function entry(path: string, config: Section, list: string, field: string, name: string): Section {
  const entries = Array.isArray(config[list]) ? config[list] : [];
  const found: unknown = entries.find((candidate: unknown) => isSection(candidate) && candidate['name'] === name);
  const section = isSection(found) ? found[field] : undefined;
  if (!isSection(section)) throw invalid(path, `it has no ${field} named ${name}`, `Add it under ${list}.`);
  return section;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new K3sError('K3S_KUBECONFIG_UNREADABLE', `${path} cannot be read`, { cause, fields: { path } });
  }
}

function invalid(path: string, problem: string, hint: string): K3sError {
  return new K3sError('K3S_KUBECONFIG_INVALID', `${path}: ${problem}`, { fields: { path }, hint });
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
