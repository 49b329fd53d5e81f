/** Chains of kube-proxy, kubelet, the CNI port mapping plugin and flannel. */
const OUR_CHAIN = /^(KUBE|CNI|FLANNEL)-/;

/** nftables tables of kube-proxy, flannel and the CNI port mapping plugin. */
const OUR_TABLES: ReadonlySet<string> = new Set(['kube-proxy', 'flannel-ipv4', 'flannel-ipv6', 'cni_hostport']);

/** Tables that the iptables command makes, empty, the first time one of them is looked at. */
const IPTABLES_TABLES: ReadonlySet<string> = new Set(['filter', 'nat', 'mangle', 'raw', 'security']);

/**
 * Input for `iptables-restore --noflush` that takes our chains, and all that leads into them, out of what `iptables-save`
 * printed. Rules of others are not touched. Undefined when there is nothing of ours.
 */
export function iptablesRemoval(save: string): string | undefined {
  const script: string[] = [];
  let table: string[] = [];
  let chains: string[] = [];
  let jumps: string[] = [];
  for (const line of save.split('\n')) {
    if (line.startsWith('*')) [table, chains, jumps] = [[line], [], []];
    else if (line.startsWith(':')) {
      const chain = line.slice(1, line.indexOf(' '));
      if (OUR_CHAIN.test(chain)) chains.push(chain);
    } else if (line.startsWith('-A ')) {
      if (isOurJump(line)) jumps.push(`-D ${line.slice('-A '.length)}`);
    } else if (line === 'COMMIT' && chains.length + jumps.length > 0) {
      // Our chains jump to one another: all must be empty before one can be deleted.
      const flushes = chains.map((chain) => `-F ${chain}`);
      const deletions = chains.map((chain) => `-X ${chain}`);
      script.push(...table, ...jumps, ...flushes, ...deletions, 'COMMIT');
    }
  }
  return script.length === 0 ? undefined : `${script.join('\n')}\n`;
}

/** A rule in a chain of somebody else that leads into ours, or that flannel has put there. */
function isOurJump(rule: string): boolean {
  const chain = rule.split(' ')[1] ?? '';
  if (OUR_CHAIN.test(chain)) return false;
  const target = / -[jg] (\S+)/.exec(rule)?.[1] ?? '';
  return OUR_CHAIN.test(target) || /--comment "?flanneld /.test(rule);
}

/** What of `nft --json list ruleset` matters here. */
interface NftObject {
  table?: { family: string; name: string };
  chain?: { family: string; table: string; policy?: string; hook?: string };
  rule?: { family: string; table: string };
  set?: { family: string; table: string };
  map?: { family: string; table: string };
}

/**
 * `family name` of each nftables table to delete: our own, and those of the iptables command that hold nothing but empty
 * chains that let everything pass.
 */
export function nftablesToDelete(ruleset: string): string[] {
  const { nftables } = JSON.parse(ruleset) as { nftables: NftObject[] };
  const inUse = new Set(
    nftables.flatMap(({ chain, rule, set, map }) => {
      const emptyChain = chain !== undefined && chain.hook !== undefined && (chain.policy ?? 'accept') === 'accept';
      const user = emptyChain ? undefined : (chain ?? rule ?? set ?? map);
      return user === undefined ? [] : [`${user.family} ${user.table}`];
    }),
  );
  return nftables
    .flatMap(({ table }) => (table === undefined ? [] : [table]))
    .filter(({ family, name }) => {
      if (OUR_TABLES.has(name)) return true;
      const fromIptables = (family === 'ip' || family === 'ip6') && IPTABLES_TABLES.has(name);
      return fromIptables && !inUse.has(`${family} ${name}`);
    })
    .map(({ family, name }) => `${family} ${name}`);
}
