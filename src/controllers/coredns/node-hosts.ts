import type { Node } from '../../cluster/kinds.ts';

/**
 * The text of CoreDNS' hosts file: one line `<ip> <node>` for each address of each node, sorted, and the lines that others wrote.
 * `written` are the names of the nodes in `text`, from the last time: their lines are replaced.
 */
export function nodeHosts(text: string, written: readonly string[], nodes: readonly Node[]): string {
  const lines = nodes.flatMap((node) => addressesOf(node).map((address) => `${address} ${node.metadata.name}`));
  const ours = new Set([...written, ...nodes.map(({ metadata }) => metadata.name ?? '')]);
  const theirs = text.split('\n').filter((line) => {
    const [address = '', name = ''] = line.trim().split(/\s+/);
    return address !== '' && (address.startsWith('#') || !ours.has(name));
  });
  const all = [...new Set([...lines.sort(), ...theirs])];
  return all.length === 0 ? '' : `${all.join('\n')}\n`;
}

/** The node's internal addresses; they are what its name is to lead to inside of the cluster. */
export function addressesOf(node: Node): string[] {
  const addresses = node.status?.addresses ?? [];
  return addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address);
}
