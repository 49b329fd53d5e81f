import { expect, test } from 'vitest';
import { certificateUsers } from '../../src/bootstrap/certificate-users.ts';
import type { Credentials } from '../../src/bootstrap/credentials.ts';
import type { Authority } from '../../src/pki/authority.ts';
import { LEAF_PLACES, type LeafName } from '../../src/pki/certificate-places.ts';
import type { Leaf } from '../../src/pki/leaf.ts';

const leafNamed = (name: string): Leaf => ({
  certificateFile: `${name}.crt`,
  keyFile: `${name}.key`,
  certificatePem: `${name} certificate`,
  keyPem: `${name} key`,
  issuedBecause: undefined,
});

function setUp() {
  const calls: unknown[][] = [];
  const leaves = Object.fromEntries(LEAF_PLACES.map(({ name }) => [name, leafNamed(name)]));
  const busy = { kubeconfig: false };
  const use = certificateUsers({
    // What else is in there has no say in this.
    credentials: {
      server: { leaves, authorities: { client: { bundle: 'client CA' } } },
      node: { leaves: {} },
      async writeAdminKubeconfig(leaf: Leaf) {
        if (busy.kubeconfig) throw new Error('the disk is full');
        calls.push(['kubeconfig', leaf.certificatePem]);
      },
    } as unknown as Credentials,
    supervisor: {
      setServingCertificates: (serving) => calls.push(['serving', serving.cert, serving.clientCa]),
      setFrontProxy: ({ cert }) => calls.push(['front proxy', cert]),
    },
    client: { setClientCertificate: ({ cert }) => calls.push(['client', cert]) },
  });
  const authority = (bundle: string) => ({ bundle }) as Authority;
  return { calls, busy, use: (name: LeafName, leaf: Leaf, bundle = 'client CA') => use(name, leaf, authority(bundle)) };
}

test('certificates that are in use already are handed to nobody', async () => {
  const { calls, use } = setUp();
  for (const { name } of LEAF_PLACES) await use(name, leafNamed(name));
  expect(calls).toEqual([]);
});

test('each new certificate is handed to its user in this process, once', async () => {
  const { calls, use } = setUp();
  for (const turn of ['first', 'second']) {
    for (const { name } of LEAF_PLACES) await use(name, leafNamed(`new ${name}`));
    expect(calls.splice(0), turn).toEqual(
      turn === 'second'
        ? []
        : [
            ['kubeconfig', 'new admin certificate'],
            ['client', 'new supervisor certificate'],
            ['front proxy', 'new authProxy certificate'],
            ['serving', 'new supervisorServing certificate', 'client CA'],
          ],
    );
  }
});

test('a user that fails is handed the certificate again', async () => {
  const { calls, busy, use } = setUp();
  busy.kubeconfig = true;
  await expect(use('admin', leafNamed('new'))).rejects.toThrow('the disk is full');
  busy.kubeconfig = false;
  await use('admin', leafNamed('new'));
  expect(calls).toEqual([['kubeconfig', 'new certificate']]);
});

test('another authority of clients is trusted from the moment in which it has signed', async () => {
  const { calls, use } = setUp();
  await use('admin', leafNamed('new'), 'another CA');
  await use('supervisorServing', leafNamed('new'), 'server CA');
  expect(calls).toEqual([
    ['kubeconfig', 'new certificate'],
    ['serving', 'supervisorServing certificate', 'another CA'],
    ['serving', 'new certificate', 'another CA'],
  ]);
});
