import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { issueLeaf, selfSignAuthority } from '../../src/pki/certificate.ts';
import { issuerOf, subjectOf } from '../../src/pki/distinguished-name.ts';
import { generateEcKey } from '../../src/pki/private-key.ts';

const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2030-01-01T00:00:00Z') };

test('a certificate names its subject and its issuer', async () => {
  const key = await generateEcKey();
  const certificate = selfSignAuthority('k3s-client-ca@1', key, validity);
  const subject = { commonName: 'system:node:a', organizations: ['system:nodes', 'more, "quoted"'] };
  const request = { ...validity, subject, publicKey: createPublicKey(key), usages: [], names: [] };
  const leaf = issueLeaf({ certificate, key }, request);
  expect(subjectOf(leaf)).toEqual(subject);
  expect(issuerOf(leaf)).toEqual({ commonName: 'k3s-client-ca@1', organizations: [] });
});

test('asking for names does not take TLS from a process that has not used it yet', async () => {
  const pem = selfSignAuthority('ca', await generateEcKey(), validity).toString();
  const module = resolve(import.meta.dirname, '../../src/pki/distinguished-name.ts');
  const script = `
    const { X509Certificate } = await import('node:crypto');
    const { subjectOf } = await import(${JSON.stringify(module)});
    subjectOf(new X509Certificate(${JSON.stringify(pem)}));
    const { createSecureContext } = await import('node:tls');
    console.log(typeof createSecureContext);`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  expect(output).toBe('function\n');
});
