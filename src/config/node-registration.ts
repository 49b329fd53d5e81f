import { isDnsName } from './dns-name.ts';

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const EFFECT = /^(NoSchedule|PreferNoSchedule|NoExecute)$/;

/** What is wrong with a `--node-label`, as the end of "expected …"; undefined when nothing is. Labels that kubelet may not give its own node are as good as others. */
export function labelProblem(label: string): string | undefined {
  const at = label.indexOf('=');
  const key = label.slice(0, at < 0 ? undefined : at);
  const value = at < 0 ? '' : label.slice(at + 1);
  if (at < 0 || !isQualifiedName(key) || !(value === '' || NAME.test(value))) return 'KEY=VALUE as labels allow it';
  return undefined;
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
