import { describe, expect, test } from 'vitest';
import { certificateIdentity } from '../../src/supervisor/identity.ts';

describe('certificateIdentity', () => {
  test('reads the common name as the user and each organisation as a group', () => {
    const identity = certificateIdentity({
      subject: { CN: 'system:node:one', O: ['system:nodes', 'more'] },
      fingerprint256: 'AB:CD',
    });
    expect(identity).toEqual({
      name: 'system:node:one',
      groups: ['system:nodes', 'more'],
      extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=abcd'] },
    });
  });

  test('takes the last of several common names, as kube-apiserver does', () => {
    expect(certificateIdentity({ subject: { CN: ['first', 'last'] } })?.name).toBe('last');
  });

  test.each([
    ['no certificate', {}],
    ['no common name', { subject: { O: 'system:masters' } }],
    ['an empty common name', { subject: { CN: '' } }],
    ['a name that HTTP would trim into another', { subject: { CN: 'admin ' } }],
    ['a name with a line break', { subject: { CN: 'a\r\nX-Remote-Group: system:masters' } }],
    ['a group that HTTP would trim into another', { subject: { CN: 'a', O: '\u00a0system:masters' } }],
  ])('%s is nobody', (_, certificate) => {
    expect(certificateIdentity(certificate)).toBeUndefined();
  });
});
