import { createHash } from 'node:crypto';

/** What a node says about itself on its Node object, besides what kubelet reports. */
export interface NodeIdentity {
  controlPlane: boolean;
  /** `--node-label`. */
  labels: Readonly<Record<string, string>>;
  hostname: string;
  internalIPs: readonly string[];
  /** The command line after the program's name, with what came from the configuration file. */
  args: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
}

export interface NodeMetadata {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** Flags and variables whose values must not be readable by everybody who may read Nodes. */
const SECRET_FLAGS: ReadonlySet<string> = new Set(['--token', '-t', '--agent-token', '--datastore-endpoint']);
const SECRET_VARIABLES: ReadonlySet<string> = new Set(['K3S_TOKEN', 'K3S_AGENT_TOKEN', 'K3S_DATASTORE_ENDPOINT']);

const REDACTED = '********';

/** The labels and annotations of a node, under the keys that k3s uses. */
export function nodeMetadata(node: NodeIdentity): NodeMetadata {
  const args = JSON.stringify(withoutSecrets(node.args));
  const environment = JSON.stringify(
    Object.fromEntries(
      Object.entries(node.environment)
        .filter(([name, value]) => name.startsWith('K3S_') && value !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => [name, SECRET_VARIABLES.has(name) ? REDACTED : value]),
    ),
  );
  return {
    labels: {
      ...node.labels,
      ...(node.controlPlane ? { 'node-role.kubernetes.io/control-plane': 'true' } : {}),
    },
    annotations: {
      'k3s.io/hostname': node.hostname,
      'k3s.io/internal-ip': node.internalIPs.join(','),
      'k3s.io/node-args': args,
      'k3s.io/node-config-hash': base32(createHash('sha256').update(args).update(environment).digest()),
      'k3s.io/node-env': environment,
    },
  };
}

function withoutSecrets(args: readonly string[]): string[] {
  return args.map((argument, index) => {
    if (SECRET_FLAGS.has(args[index - 1] ?? '')) return REDACTED;
    const equals = argument.indexOf('=');
    const flag = equals < 0 ? argument : argument.slice(0, equals);
    return equals >= 0 && SECRET_FLAGS.has(flag) ? `${flag}=${REDACTED}` : argument;
  });
}

/** RFC 4648 base 32, padded. */
function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const digits = bits.match(/.{1,5}/g) ?? [];
  const text = digits
    .map((digit) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(digit.padEnd(5, '0'), 2)])
    .join('');
  return text.padEnd(Math.ceil(text.length / 8) * 8, '=');
}
