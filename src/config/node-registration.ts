import { isDnsName } from './dns-name.ts';

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const EFFECT = /^(NoSchedule|PreferNoSchedule|NoExecute)$/;

/** What kubelet may say about itself in the kubernetes.io and k8s.io name spaces (k8s.io/kubelet/pkg/apis). */
const KUBELET_LABELS = new Set([
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

/** What is wrong with a `--node-label`, as the end of "expected …"; undefined when nothing is. */
export function labelProblem(label: string): string | undefined {
  const at = label.indexOf('=');
  const key = label.slice(0, at < 0 ? undefined : at);
  const value = at < 0 ? '' : label.slice(at + 1);
  if (at < 0 || !isQualifiedName(key) || !(value === '' || NAME.test(value))) return 'KEY=VALUE as labels allow it';
  const [prefix, name] = key.split('/');
  if (name === undefined || prefix === undefined || KUBELET_LABELS.has(key)) return undefined;
  const reserved = /(^|\.)(kubernetes|k8s)\.io$/.test(prefix);
  if (!reserved || /(^|\.)(kubelet|node)\.kubernetes\.io$/.test(prefix)) return undefined;
  return 'a label that a node may give itself; set this one with `kubectl label node`';
}

/** What is wrong with a `--node-taint`, as the end of "expected …"; undefined when nothing is. */
export function taintProblem(taint: string): string | undefined {
  const match = /^([^=:]+)(?:=([^:]*))?:([^:]+)$/.exec(taint);
  const [, key = '', value = '', effect = ''] = match ?? [];
  const valid = isQualifiedName(key) && (value === '' || NAME.test(value)) && EFFECT.test(effect);
  return valid ? undefined : 'KEY=VALUE:EFFECT with one of the effects NoSchedule, PreferNoSchedule, NoExecute';
}

function isQualifiedName(key: string): boolean {
  const parts = key.split('/');
  const name = parts.pop() ?? '';
  return NAME.test(name) && (parts.length === 0 || (parts.length === 1 && isDnsName(parts[0] ?? '')));
}
