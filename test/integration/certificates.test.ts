import { describe, expect } from 'vitest';
import { clusterTest } from './cluster-test.ts';
import { DATA_DIR, K3S } from './k3s-machine.ts';

const TLS = `${DATA_DIR}/server/tls`;

/** A root, and an intermediate below it that becomes the server authority, as a company's own would be. */
const OWN_AUTHORITY = `
mkdir -p ${TLS} && cd ${TLS}
openssl ecparam -name prime256v1 -genkey -noout -out /tmp/root.key
openssl req -x509 -new -key /tmp/root.key -days 3650 -subj "/CN=Example Root" -out /tmp/root.crt \
  -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign
openssl ecparam -name prime256v1 -genkey -noout -out server-ca.key
openssl req -new -key server-ca.key -subj "/CN=Example Intermediate" -out /tmp/server-ca.csr
printf 'basicConstraints=critical,CA:true\\nkeyUsage=critical,keyCertSign,digitalSignature\\n' > /tmp/extensions
openssl x509 -req -in /tmp/server-ca.csr -CA /tmp/root.crt -CAkey /tmp/root.key -CAcreateserial -days 1825 \
  -extfile /tmp/extensions -out /tmp/server-ca.crt
cat /tmp/server-ca.crt /tmp/root.crt > server-ca.crt
cp server-ca.crt /tmp/given.crt
`;

const test = clusterTest({
  name: 'certificates',
  prepare: async (k3s) => {
    await k3s.run(OWN_AUTHORITY);
  },
});

describe("a user's own authority", () => {
  test('signs what the server shows, and stays as it was given', async ({ cluster }) => {
    await cluster.run(`cmp /tmp/given.crt ${TLS}/server-ca.crt`);
    for (const name of ['localhost', 'kubernetes']) {
      const chain = await cluster.run(
        `openssl s_client -connect 127.0.0.1:6443 -servername ${name} -CAfile /tmp/root.crt -verify_return_error </dev/null 2>&1`,
      );
      expect(chain).toContain('Verify return code: 0 (ok)');
      expect(chain).toContain('CN = Example Intermediate');
    }
    expect(await cluster.kubectl('get', '--raw', '/readyz')).toBe('ok');
    const fetch = `require('node:https').get('https://127.0.0.1:6443/cacerts', (r) => r.pipe(process.stdout))`;
    const trust = { environment: { NODE_EXTRA_CA_CERTS: '/tmp/root.crt' } };
    expect(await cluster.run(['node', '-e', fetch], trust)).toBe(await cluster.run('cat /tmp/given.crt'));
  });

  test('reaches kubelet too: logs and exec work', async ({ cluster }) => {
    await cluster.untilCoreDnsServes();
    expect(await cluster.kubectl('logs', '-n', 'kube-system', 'deployment/coredns')).toContain('CoreDNS');
  });
});

describe('files below server/tls', () => {
  test('have the names and permissions of k3s', async ({ cluster }) => {
    const modes = await cluster.run(
      `cd ${TLS} && stat -c '%a %n' *.key client-admin.crt serving-kube-apiserver.crt | sort -k2`,
    );
    expect(
      modes
        .split('\n')
        .filter((line) => line.includes('.key'))
        .every((line) => line.startsWith('600 ')),
    ).toBe(true);
    expect(modes).toContain('644 client-admin.crt\n');
    expect(await cluster.run(`stat -c %a /etc/rancher/k3s/k3s.yaml ${DATA_DIR}/server/token ${DATA_DIR}/agent`)).toBe(
      '600\n600\n700\n',
    );
  });

  test('are never overwritten: a damaged one is an error that names it', async ({ cluster }) => {
    await cluster.stop();
    await cluster.run(`echo damaged > ${TLS}/client-ca.crt`);
    const { code, stderr } = await cluster.exec([K3S, 'server']);
    expect(code).toBe(1);
    expect(stderr).toContain(`${TLS}/client-ca.crt`);
    expect(stderr).toContain('K3S_PKI_DAMAGED_FILE');
    expect(await cluster.run(`cat ${TLS}/client-ca.crt`)).toBe('damaged\n');
  });
});
