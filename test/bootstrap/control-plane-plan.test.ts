import { describe, expect, test } from 'vitest';
import { controlPlanePlan } from '../../src/bootstrap/control-plane-plan.ts';
import { serverPaths } from '../../src/bootstrap/server-paths.ts';
import { resolveServerConfig } from '../../src/config/server-config.ts';
import { mergeSettings } from '../../src/config/merge.ts';
import { parseArguments } from '../../src/config/arguments.ts';
import { SERVER_OPTIONS } from '../../src/config/server-options.ts';
import type { ServerPki } from '../../src/pki/server-pki.ts';

const host = {
  hostname: 'server',
  addresses: [{ networkInterface: 'eth0', address: '192.0.2.10', family: 4 as const }],
  defaultInterface: { 4: 'eth0' },
  userId: 0,
};

/** Stands for certificates: any path to a file is a text that names itself. */
function files(name: string): unknown {
  const get = (_: object, key: string | symbol): unknown => {
    const path = `${name}.${String(key)}`;
    return /File$|signingCertificateFiles\.\w+$/.test(path) ? path : files(path);
  };
  return new Proxy({}, { get });
}

function planOf(...flags: string[]) {
  const merged = mergeSettings(SERVER_OPTIONS, [parseArguments(SERVER_OPTIONS, flags).settings]);
  const config = resolveServerConfig(merged, host, { token: undefined, agentToken: undefined });
  return controlPlanePlan({ config, pki: files('pki') as ServerPki, paths: serverPaths('/data') });
}

const argsOf = (plan: ReturnType<typeof planOf>, name: string): string[] =>
  plan.components.find((component) => component.name === name)?.args ?? [];

describe('controlPlanePlan', () => {
  test('has kube-apiserver on loopback, on our datastore, and without anonymous access', () => {
    const args = argsOf(planOf(), 'kube-apiserver');
    expect(args).toContain('--bind-address=127.0.0.1');
    expect(args).toContain('--secure-port=6444');
    expect(args).toContain('--etcd-servers=unix:///data/server/kine.sock');
    expect(args).toContain('--anonymous-auth=false');
    expect(args).toContain('--authorization-mode=Node,RBAC');
    expect(args).toContain('--advertise-address=192.0.2.10');
    expect(args).toEqual(args.toSorted());
  });

  test('gives the components the same networks', () => {
    const plan = planOf('--cluster-cidr=10.1.0.0/16', '--service-cidr=10.2.0.0/16');
    expect(argsOf(plan, 'kube-apiserver')).toContain('--service-cluster-ip-range=10.2.0.0/16');
    expect(argsOf(plan, 'kube-controller-manager')).toContain('--service-cluster-ip-range=10.2.0.0/16');
    expect(argsOf(plan, 'kube-controller-manager')).toContain('--cluster-cidr=10.1.0.0/16');
  });

  test("puts the user's own arguments in the place of ours", () => {
    const plan = planOf('--kube-apiserver-arg=anonymous-auth=true', '--kube-scheduler-arg=v=4');
    expect(argsOf(plan, 'kube-apiserver')).toContain('--anonymous-auth=true');
    expect(argsOf(plan, 'kube-apiserver')).not.toContain('--anonymous-auth=false');
    expect(argsOf(plan, 'kube-scheduler')).toContain('--v=4');
  });

  test('leaves out what is disabled', () => {
    const names = planOf('--disable-scheduler', '--disable-controller-manager').components.map(({ name }) => name);
    expect(names).toEqual(['kube-apiserver']);
  });
});
