/** Labels in kubernetes.io that kubelet may set on its own Node (k8s.io/kubelet/pkg/apis/well_known_labels.go). */
const KUBELET_LABELS: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
]);

/** Whether kubelet accepts the label in `--node-labels`: it exits on others, and NodeRestriction would refuse them anyway. */
export function kubeletMaySet(label: string): boolean {
  const slash = label.indexOf('/');
  const namespace = slash < 0 ? '' : label.slice(0, slash);
  const reserved = ['kubernetes.io', 'k8s.io'].some(
    (domain) => namespace === domain || namespace.endsWith(`.${domain}`),
  );
  if (!reserved || KUBELET_LABELS.has(label)) return true;
  return ['kubelet.kubernetes.io', 'node.kubernetes.io'].some(
    (allowed) => namespace === allowed || namespace.endsWith(`.${allowed}`),
  );
}

/** `key=value,key=value` of the labels that kubelet may set, for its `--node-labels`. */
export function kubeletNodeLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .filter(([label]) => kubeletMaySet(label))
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
}
