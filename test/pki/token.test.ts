import 'reflect-metadata';
import { createHash, KeyObject, X509Certificate } from 'node:crypto';
import { BasicConstraintsExtension, X509CertificateGenerator } from '@peculiar/x509';
import { describe, expect, test } from 'vitest';
import { selfSignAuthority } from '../../src/pki/certificate.ts';
import { generateEcKey } from '../../src/pki/private-key.ts';
import {
  authorityHash,
  formatToken,
  generateBootstrapToken,
  parseToken,
  secretsEqual,
  tokenPassword,
} from '../../src/pki/token.ts';

const HASH = 'a'.repeat(64);
const validity = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: new Date('2036-01-01T00:00:00Z') };

describe('a token', () => {
  test('in full pins the authority and names user and password', () => {
    expect(parseToken(`K10${HASH}::server:secret`)).toEqual({
      caHash: HASH,
      credentials: { kind: 'password', user: 'server', password: 'secret' },
    });
  });

  test('keeps every colon of its password', () => {
    expect(parseToken(`K10${HASH}::node:a:b::c`).credentials).toMatchObject({ user: 'node', password: 'a:b::c' });
  });

  test('may carry a bootstrap token, with or without the hash', () => {
    const credentials = { kind: 'bootstrap', id: 'abcdef', secret: '0123456789abcdef' };
    expect(parseToken(`K10${HASH}::abcdef.0123456789abcdef`)).toEqual({ caHash: HASH, credentials });
    expect(parseToken('abcdef.0123456789abcdef')).toEqual({ caHash: undefined, credentials });
  });

  test('in short is a password of nobody in particular, colons and dots included', () => {
    for (const password of ['secret', 'with:colon', 'abc.def', 'ABCDEF.0123456789abcdef']) {
      expect(parseToken(password)).toEqual({
        caHash: undefined,
        credentials: { kind: 'password', user: '', password },
      });
    }
  });

  test('may leave the hash out of its long form', () => {
    expect(parseToken('K10::server:secret').caHash).toBeUndefined();
    expect(parseToken('K10server:secret').credentials).toMatchObject({ user: 'server', password: 'secret' });
  });

  test('is read back as it was written', () => {
    expect(parseToken(formatToken(HASH, 'node', 'p'))).toEqual({
      caHash: HASH,
      credentials: { kind: 'password', user: 'node', password: 'p' },
    });
  });

  test.each([
    ['', 'white space'],
    ['two words', 'white space'],
    ['line\n', 'white space'],
    [`K10${'a'.repeat(63)}::server:secret`, '64 hexadecimal'],
    [`K10${'G'.repeat(64)}::server:secret`, '64 hexadecimal'],
    [`K10${HASH}::server:`, 'no user and password'],
    [`K10${HASH}::server`, 'no user and password'],
    ['K10', 'no user and password'],
  ])('is malformed as %j', (text, why) => {
    expect(() => parseToken(text)).toThrow(
      expect.objectContaining({ code: 'K3S_TOKEN_FORMAT', message: expect.stringContaining(why) }),
    );
  });

  test('never appears in the error about it', () => {
    const attempt = (): unknown => parseToken('K10topsecret::x');
    expect(attempt).toThrow(expect.objectContaining({ message: expect.not.stringContaining('topsecret') }));
  });
});

describe('the password of a server', () => {
  test('is the same in every form of its token', () => {
    expect(tokenPassword('secret')).toBe('secret');
    expect(tokenPassword(`K10${HASH}::server:secret`)).toBe('secret');
  });

  test('cannot be a bootstrap token', () => {
    expect(() => tokenPassword('abcdef.0123456789abcdef')).toThrow(
      expect.objectContaining({ code: 'K3S_TOKEN_FORMAT' }),
    );
  });
});

test('a generated token is a bootstrap token, and another one each time', () => {
  const tokens = Array.from({ length: 50 }, generateBootstrapToken);
  expect(new Set(tokens).size).toBe(50);
  for (const token of tokens) expect(parseToken(token).credentials.kind).toBe('bootstrap');
});

describe('the hash that pins an authority', () => {
  test('is that of the file when it holds one certificate', async () => {
    const pem = selfSignAuthority('ca', await generateEcKey(), validity).toString();
    const expected = createHash('sha256').update(pem).digest('hex');
    expect(authorityHash(pem)).toBe(expected);
    expect(authorityHash(`${pem}\n`)).not.toBe(expected);
  });

  test("is that of the root's DER form when it holds a chain, whatever lies between", async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const rootKeys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const root = selfSignAuthority('root', KeyObject.from(rootKeys.privateKey), validity);
    const lower = await X509CertificateGenerator.create({
      subject: 'CN=lower',
      issuer: 'CN=root',
      publicKey: (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])).publicKey,
      signingKey: rootKeys.privateKey,
      signingAlgorithm: algorithm,
      ...validity,
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    });
    // The issuer's name has to be the same to the byte, so let the oracle's own encoding be checked first.
    expect(new X509Certificate(lower.toString('pem')).verify(root.publicKey)).toBe(true);
    const expected = createHash('sha256').update(root.raw).digest('hex');
    expect(authorityHash(`${lower.toString('pem')}\n${root.toString()}`)).toBe(expected);
  });
});

test('secrets are equal only when every character is', () => {
  expect(secretsEqual('secret', 'secret')).toBe(true);
  expect(secretsEqual('secret', 'secreT')).toBe(false);
  expect(secretsEqual('secret', 'secret1')).toBe(false);
});
