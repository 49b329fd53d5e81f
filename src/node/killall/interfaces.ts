import { CNI_BRIDGE } from '../cni-config.ts';

/** Made by flannel for each family, by us for the pods. */
const OUR_INTERFACES: ReadonlySet<string> = new Set([CNI_BRIDGE, 'flannel.1', 'flannel-v6.1']);

interface Link {
  ifname: string;
  master?: string;
}

/** Interfaces to delete, of those that `ip --json link show` lists: ours, and what is plugged into the pods' bridge. */
export function clusterInterfaces(links: string): string[] {
  const all = JSON.parse(links) as Link[];
  const plugged = all.filter((link) => link.master === CNI_BRIDGE);
  const own = all.filter((link) => OUR_INTERFACES.has(link.ifname));
  return [...plugged, ...own].map((link) => link.ifname);
}
