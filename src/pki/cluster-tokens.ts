import { join } from 'node:path';
import { K3sError } from '../core/errors.ts';
import { secretHex } from '../core/random.ts';
import { PRIVATE_FILE, readTextFile, writeFileAtomic, writeFileIfChanged, writeSymlink } from './files.ts';
import { formatPasswordFile, parsePasswordFile, type PasswordEntry } from './password-file.ts';
import { authorityHash, formatToken, secretsEqual, tokenPassword } from './token.ts';

export interface ClusterTokensOptions {
  /** For example `/var/lib/rancher/k3s`. */
  readonly dataDir: string;
  /** The server authority's bundle, which tokens pin. */
  readonly serverAuthority: string;
  /** What the user gave; by default the token on disk, or a new one. */
  readonly token: string | undefined;
  /** What the user gave; by default agents use the servers' token. */
  readonly agentToken: string | undefined;
}

/** The secrets that servers and agents join with. */
export interface ClusterTokens {
  /** `K10<CA hash>::server:<password>` */
  readonly serverToken: string;
  /** `K10<CA hash>::node:<password>` when agents have their own, else the servers'. */
  readonly agentToken: string;
  /** Where the server token is, for people. */
  readonly tokenFile: string;
  /** Whom basic authentication lets in. */
  readonly users: readonly PasswordEntry[];
}

/**
 * Makes `cred/passwd`, `token`, `node-token` and `agent-token` below `<dataDir>/server` say the same. A cluster keeps the token
 * that it was made with: another one given now is an error, since the data of the cluster is tied to the first.
 */
export async function ensureClusterTokens(options: ClusterTokensOptions): Promise<ClusterTokens> {
  const directory = join(options.dataDir, 'server');
  const passwordFile = join(directory, 'cred/passwd');
  const tokenFile = join(directory, 'token');
  const existing = parsePasswordFile(passwordFile, (await readTextFile(passwordFile)) ?? '');
  const password = await serverPassword(options.token, existing, tokenFile);
  const agentPassword = options.agentToken === undefined ? password : tokenPassword(options.agentToken);

  const users: PasswordEntry[] = [
    { password: agentPassword, name: 'node', id: 'node', role: 'k3s:agent' },
    { password, name: 'server', id: 'server', role: 'k3s:server' },
    ...existing.filter((entry) => entry.name !== 'node' && entry.name !== 'server'),
  ];
  await writeFileIfChanged(passwordFile, formatPasswordFile(users), PRIVATE_FILE);

  const hash = authorityHash(options.serverAuthority);
  const serverToken = formatToken(hash, 'server', password);
  const ownAgentToken = options.agentToken === undefined ? undefined : formatToken(hash, 'node', agentPassword);
  await writeFileIfChanged(tokenFile, `${serverToken}\n`, PRIVATE_FILE);
  await writeSymlink('token', join(directory, 'node-token'));
  const agentTokenFile = join(directory, 'agent-token');
  if (ownAgentToken === undefined) await writeSymlink('token', agentTokenFile);
  else await writeFileAtomic(agentTokenFile, `${ownAgentToken}\n`, PRIVATE_FILE);
  return { serverToken, agentToken: ownAgentToken ?? serverToken, tokenFile, users };
}

async function serverPassword(
  given: string | undefined,
  users: readonly PasswordEntry[],
  tokenFile: string,
): Promise<string> {
  const present = users.find((entry) => entry.name === 'server')?.password ?? (await passwordOnDisk(tokenFile));
  if (given === undefined) return present ?? secretHex(16);
  const password = tokenPassword(given);
  if (present === undefined || secretsEqual(password, present)) return password;
  throw new K3sError('K3S_TOKEN_MISMATCH', `the token given is not that of the cluster in ${tokenFile}`, {
    fields: { path: tokenFile },
    hint: 'Leave out --token to go on with the token on disk, give that one, or start a new cluster in another --data-dir',
  });
}

async function passwordOnDisk(path: string): Promise<string | undefined> {
  const text = (await readTextFile(path))?.trim();
  if (text === undefined || text === '') return undefined;
  try {
    return tokenPassword(text);
  } catch (error) {
    throw new K3sError('K3S_TOKEN_DAMAGED_FILE', `${path} holds no token of a server`, {
      fields: { path },
      cause: error,
      hint: 'Restore it from a backup, or delete it to have a new token made',
    });
  }
}
