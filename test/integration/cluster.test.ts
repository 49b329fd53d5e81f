import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { clusterTest } from './cluster-test.ts';
import { DATA_DIR, K3S, type K3sMachine } from './k3s-machine.ts';
import { SLEEP, toolsPod, webServer, webService } from './pods.ts';
import type { RequestsToSend } from './programs/send-requests.ts';
import { until } from './until.ts';

const NODE = 'cluster';

const test = clusterTest({ name: NODE });

/** The two ways through port 6443, which the server name of the TLS handshake chooses between. */
const WAYS = [
  { way: 'passed through', serverName: 'kubernetes' },
  { way: 'terminated', serverName: 'localhost' },
] as const;

/** Pods that the tests below look at and from; there already is harmless. */
async function withPods(cluster: K3sMachine): Promise<void> {
  await cluster.apply(
    toolsPod('client', SLEEP),
    toolsPod('web', webServer('hello from web')),
    webService('web', { type: 'NodePort', ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] }),
  );
  await cluster.kubectl('wait', '--for=condition=Ready', 'pod/client', 'pod/web', '--timeout=90s');
  await cluster.untilCoreDnsServes();
}

describe('a cluster', () => {
  test('has a Ready node, with the roles, addresses and pod range that k3s gives it', async ({ cluster }) => {
    const node = await cluster.get<{
      metadata: { labels: Record<string, string> };
      spec: { podCIDR: string };
      status: { conditions: { type: string; status: string }[]; addresses: { type: string; address: string }[] };
    }>('node', NODE);
    expect(node.status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    expect(node.status.addresses).toEqual([
      { type: 'InternalIP', address: cluster.machine.address },
      { type: 'Hostname', address: NODE },
    ]);
    expect(node.metadata.labels).toHaveProperty(['node-role.kubernetes.io/control-plane'], 'true');
    expect(node.spec.podCIDR).toBe('10.42.0.0/24');
  });

  test('is ready by every check of kube-apiserver, with our datastore as its etcd', async ({ cluster }) => {
    const checks = (await cluster.kubectl('get', '--raw', '/readyz?verbose')).trim().split('\n');
    expect(checks.at(-1)).toBe('readyz check passed');
    expect(checks).toContain('[+]etcd ok');
    expect(checks.slice(0, -1).filter((line) => !/^\[\+\]\S+ ok$/.test(line))).toEqual([]);
  });

  test('tells pods that the API is on port 6443', async ({ cluster }) => {
    const slice = await cluster.get<{ ports: object[]; endpoints: { addresses: string[] }[] }>(
      'endpointslice',
      'kubernetes',
    );
    expect(slice.ports).toEqual([{ name: 'https', port: 6443, protocol: 'TCP' }]);
    expect(slice.endpoints.flatMap(({ addresses }) => addresses)).toEqual([cluster.machine.address]);
  });

  test('has commands that need no settings', async ({ cluster }) => {
    expect(await cluster.machine.run([K3S, 'kubectl', 'get', 'nodes', '-o', 'name'])).toBe(`node/${NODE}\n`);
    expect(await cluster.machine.run([K3S, 'crictl', 'images', '--output', 'json'])).toContain('k3s.local/coredns');
    expect(await cluster.machine.run([K3S, 'ctr', 'images', 'list', '--quiet'])).toContain('k3s.local/pause');
    expect(await cluster.machine.run([K3S, '--version'])).toMatch(/^k3s version .*\nkubernetes version v1\.36\./);
    expect((await cluster.machine.exec([K3S, 'check-config'])).code).toBe(0);
  });
});

describe('the network', () => {
  test('resolves services and nodes by name from a pod', async ({ cluster }) => {
    await withPods(cluster);
    const look = (name: string): Promise<string> => cluster.inPod('client', `nslookup ${name} 10.43.0.10`);
    expect(await look('kubernetes.default.svc.cluster.local')).toMatch(/Address: 10\.43\.0\.1$/m);
    expect(await look(NODE)).toContain(`Address: ${cluster.machine.address}`);
    expect(await cluster.inPod('client', 'cat /etc/resolv.conf')).toMatch(
      /search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.43.0.10/,
    );
  });

  test('connects pods by address', async ({ cluster }) => {
    await withPods(cluster);
    const { status } = await cluster.get<{ status: { podIP: string } }>('pod', 'web');
    expect(await cluster.inPod('client', `wget -qO- http://${status.podIP}:8080/`)).toBe('hello from web\n');
  });

  test('connects pods to services: by short name, by full name, to themselves', async ({ cluster }) => {
    await withPods(cluster);
    expect(await cluster.inPod('client', 'wget -qO- http://web/')).toBe('hello from web\n');
    expect(await cluster.inPod('client', 'wget -qO- http://web.default.svc.cluster.local/')).toContain('hello');
    expect(await cluster.inPod('web', 'wget -qO- http://web.default/')).toContain('hello');
  });

  test('connects the machine to cluster addresses and node ports', async ({ cluster }) => {
    await withPods(cluster);
    const { spec } = await cluster.get<{ spec: { clusterIP: string } }>('service', 'web');
    const fetched = (url: string): Promise<string> =>
      cluster.run(['node', '-e', `fetch('${url}').then((r) => r.text()).then((t) => process.stdout.write(t))`]);
    expect(await fetched(`http://${spec.clusterIP}/`)).toContain('hello');
    expect(await fetched(`http://${cluster.machine.address}:30080/`)).toContain('hello');
  });

  test('lets a pod use the API with its service account: by the address in its environment, and by name', async ({
    cluster,
  }) => {
    const pod = toolsPod('api-client', SLEEP, {
      volumes: [{ name: 'programs', hostPath: { path: `${DATA_DIR}/data/current/bin` } }],
      volumeMounts: [{ name: 'programs', mountPath: '/programs' }],
    });
    await cluster.apply(pod);
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/api-client', '--timeout=90s');
    // kubectl finds its server, authority and token in the pod, and checks the server's certificate.
    const whoAmI = '/programs/kubectl auth whoami -o jsonpath={.status.userInfo.username}';
    const user = 'system:serviceaccount:default:default';
    expect(await cluster.inPod('api-client', whoAmI)).toBe(user);
    const account = '/var/run/secrets/kubernetes.io/serviceaccount';
    const byName = `${whoAmI} --server=https://kubernetes.default --certificate-authority=${account}/ca.crt`;
    expect(await cluster.inPod('api-client', `${byName} --token=$(cat ${account}/token)`)).toBe(user);
    await expect(cluster.inPod('api-client', `${byName} --token=forged`)).rejects.toThrow('Unauthorized');
  });
});

describe.each(WAYS)('port 6443, $way', ({ serverName }) => {
  const option = `--tls-server-name=${serverName}`;

  test('knows the administrator by certificate', async ({ cluster }) => {
    const review = JSON.parse(await cluster.kubectl('auth', 'whoami', '-o', 'json', option)) as {
      status: { userInfo: { username: string; groups: string[] } };
    };
    expect(review.status.userInfo).toMatchObject({
      username: 'system:admin',
      groups: ['system:masters', 'system:authenticated'],
    });
  });

  test('knows a service account by token', async ({ cluster }) => {
    const token = (await cluster.kubectl('create', 'token', 'default')).trim();
    const config = '/run/token.kubeconfig';
    await cluster.run(`sed '/client-certificate-data/d; /client-key-data/d' $KUBECONFIG > ${config}`);
    const words = [
      'kubectl',
      'auth',
      'whoami',
      '-o',
      'jsonpath={.status.userInfo.username}',
      `--token=${token}`,
      option,
    ];
    expect(await cluster.run(words, { environment: { KUBECONFIG: config } })).toBe(
      'system:serviceaccount:default:default',
    );
  });

  test.for(['http/1.1', 'h2'] as const)('answers nobody but its users, over %s', async (protocol, { cluster }) => {
    const paths = `
      / /api /api/v1/secrets /apis /openapi/v2 /openapi/v3 /version /metrics /logs/ /nonsense
      /healthz /livez /readyz /readyz?verbose /.well-known/openid-configuration /openid/v1/jwks
      /v1-k3s/readyz /v1-k3s/config /v1-k3s/server-bootstrap /v1-k3s/../api /db/info /static/ /debug/pprof/
      //ping /ping/ /ping/../api /ping/%2e%2e/api /ping%2f..%2fapi /./ping /PING /%70ing /ping;/api
      /cacerts/ /cacerts/../api/v1/secrets //cacerts /cacerts%00 /api/v1/namespaces/../../../ping
    `
      .trim()
      .split(/\s+/);
    const forged = [
      { 'x-remote-user': 'system:admin', 'x-remote-group': 'system:masters' },
      { 'X-Remote-User': 'system:admin', 'x-remote-extra-scopes': 'all', 'x-forwarded-for': '127.0.0.1' },
      { 'impersonate-user': 'system:admin', 'impersonate-group': 'system:masters' },
      { authorization: 'Bearer forged' },
      { authorization: `Basic ${btoa('system:admin:')}` },
      { authorization: `Basic ${btoa('server:')}` },
      { authorization: '' },
    ];
    const requests = [
      ...paths.map((path) => ({ path })),
      ...forged.map((headers) => ({ path: '/api/v1/secrets', headers })),
      ...forged.map((headers) => ({ path: '/v1-k3s/readyz', headers })),
      ...['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'].map((method) => ({
        path: '/api/v1/namespaces',
        method,
      })),
    ];
    const send = async (input: RequestsToSend): Promise<number[]> => {
      const program = join(import.meta.dirname, 'programs/send-requests.ts');
      return JSON.parse(await cluster.run(['node', program], { input: JSON.stringify(input) })) as number[];
    };
    const to = { host: '127.0.0.1', port: 6443, serverName, protocol };
    const statuses = await send({ ...to, requests });
    expect(
      requests.flatMap((request, at) => (statuses[at] === 401 ? [] : [{ ...request, status: statuses[at] }])),
    ).toEqual([]);
  });

  describe.each(['true', 'false'])('with websockets: %s', (websockets) => {
    const environment = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: websockets, KUBECTL_PORT_FORWARD_WEBSOCKETS: websockets };

    test('carries exec: input, both outputs, the exit code', async ({ cluster }) => {
      await withPods(cluster);
      const script = 'cat; echo problem >&2; exit 7';
      const result = await cluster.exec(['kubectl', option, 'exec', '-i', 'client', '--', '/bin/sh', '-c', script], {
        input: 'first\nsecond\n',
        environment,
      });
      expect(result).toMatchObject({ code: 7, stdout: 'first\nsecond\n' });
      expect(result.stderr).toContain('problem\n');
    });

    test('carries a megabyte in both directions by cp', async ({ cluster }) => {
      await withPods(cluster);
      await cluster.run(
        `head -c 1000000 /dev/urandom > /run/sent
         kubectl ${option} cp /run/sent client:/tmp-sent
         kubectl ${option} cp client:/tmp-sent /run/received
         cmp /run/sent /run/received`,
        { environment },
      );
    });

    test('carries port-forward', async ({ cluster }) => {
      await withPods(cluster);
      const forward = await cluster.spawn(['kubectl', option, 'port-forward', 'pod/web', ':8080'], { environment });
      const [line] = (await once(forward.stdout, 'data')) as [Buffer];
      const port = /127\.0\.0\.1:(\d+)/.exec(line.toString())?.[1];
      const fetch = `fetch('http://127.0.0.1:${port}/').then((r) => r.text()).then((t) => process.stdout.write(t))`;
      for (const _ of [1, 2, 3]) expect(await cluster.run(['node', '-e', fetch])).toBe('hello from web\n');
      await forward.kill();
      await forward.exited;
    });
  });

  test('carries logs, and follows them', async ({ cluster }) => {
    const name = `talker-${serverName}`;
    await cluster.apply(toolsPod(name, 'echo one; until test -e /go; do sleep 0.1; done; echo two'));
    await cluster.kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
    expect(await cluster.kubectl(option, 'logs', name)).toBe('one\n');
    const follower = await cluster.spawn(['kubectl', option, 'logs', '-f', name]);
    let followed = '';
    follower.stdout.on('data', (chunk: Buffer) => (followed += chunk.toString()));
    await until(async () => expect(followed).toBe('one\n'));
    await cluster.inPod(name, 'touch /go');
    expect(await follower.exited).toBe(0);
    expect(followed).toBe('one\ntwo\n');
  });

  test('carries watches', async ({ cluster }) => {
    const name = `watched-${serverName}`;
    const words = ['kubectl', option, 'get', 'configmaps', '--watch-only', '--output-watch-events', '--no-headers'];
    const watcher = await cluster.spawn([...words, `--field-selector=metadata.name=${name}`]);
    let seen = '';
    watcher.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    await cluster.kubectl('create', 'configmap', name);
    let changes = 0;
    await until(async () => {
      await cluster.kubectl('annotate', '--overwrite', 'configmap', name, `changes=${++changes}`);
      expect(seen).toMatch(new RegExp(`^MODIFIED +${name} `, 'm'));
    });
    await cluster.kubectl('delete', 'configmap', name);
    await until(async () => expect(seen).toMatch(new RegExp(`^DELETED +${name} `, 'm')));
    await watcher.kill();
  });
});

describe('port 6443', () => {
  test('says to everybody that it is there and who its authority is', async ({ cluster }) => {
    const fetched = (path: string): Promise<string> =>
      cluster.run(
        `node -e "require('node:https').get('https://127.0.0.1:6443${path}', { rejectUnauthorized: false }, (r) => r.pipe(process.stdout))"`,
      );
    expect(await fetched('/ping')).toBe('pong');
    expect(await fetched('/cacerts')).toBe(await cluster.run('cat /var/lib/rancher/k3s/server/tls/server-ca.crt'));
  });

  test('answers agents by their token', async ({ cluster }) => {
    const script = `password=$(sed 's/.*://' /var/lib/rancher/k3s/server/agent-token)
      node -e "require('node:https').get('https://127.0.0.1:6443/v1-k3s/readyz', { rejectUnauthorized: false, auth: 'node:$password' }, (r) => r.pipe(process.stdout))"`;
    expect(await cluster.run(script)).toBe('ok');
  });
});
