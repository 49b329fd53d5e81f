import { generateKeyPairSync, type X509Certificate } from 'node:crypto';
import { issueLeaf, selfSignAuthority, type KeyUsage } from '../../src/pki/certificate.ts';

/** A certificate and its key, as TLS options take them (PEM). */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface TestAuthority {
  readonly ca: string;
  issue(
    commonName: string,
    options: { usage: KeyUsage; organizations?: readonly string[]; names?: readonly string[]; expired?: boolean },
  ): Pair;
}

const DAY = 86_400_000;

/** A certificate authority of its own, made in memory. */
export function createAuthority(name: string): TestAuthority {
  // Handshakes read the machine's clock, whatever clock the tested code has.
  const now = new Date().getTime();
  const newKey = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const pem = (certificate: X509Certificate): string => certificate.toString();
  const validity = { notBefore: new Date(now - 3 * DAY), notAfter: new Date(now + DAY) };
  const { privateKey } = newKey();
  const certificate = selfSignAuthority(name, privateKey, validity);
  return {
    ca: pem(certificate),
    issue(commonName, { usage, organizations = [], names = [], expired = false }) {
      const keys = newKey();
      const leaf = issueLeaf(
        { certificate, key: privateKey },
        {
          subject: { commonName, organizations },
          publicKey: keys.publicKey,
          usages: [usage],
          names,
          notBefore: validity.notBefore,
          notAfter: expired ? new Date(now - DAY) : validity.notAfter,
        },
      );
      return { cert: pem(leaf), key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    },
  };
}

/** The certificates of a whole server: what kube-apiserver and the supervisor show, and those of a few clients. */
export function createServerCertificates() {
  const serverCa = createAuthority('k3s-server-ca');
  const clientCa = createAuthority('k3s-client-ca');
  const requestHeaderCa = createAuthority('k3s-request-header-ca');
  const names = ['kubernetes', 'localhost', '127.0.0.1'];
  return {
    serverCa,
    clientCa,
    requestHeaderCa,
    supervisor: serverCa.issue('k3s', { usage: 'server', names }),
    apiServer: serverCa.issue('kube-apiserver', { usage: 'server', names }),
    frontProxy: requestHeaderCa.issue('system:auth-proxy', { usage: 'client' }),
    admin: clientCa.issue('system:admin', { usage: 'client', organizations: ['system:masters'] }),
    node: clientCa.issue('system:node:one', { usage: 'client', organizations: ['system:nodes'] }),
  };
}

export type ServerCertificates = ReturnType<typeof createServerCertificates>;
