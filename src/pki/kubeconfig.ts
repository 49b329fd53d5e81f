import { dump } from 'js-yaml';

/** Whom to trust and what to prove one's identity with: where the files are, or their contents. */
export type KubeconfigCredentials =
  | { readonly kind: 'files'; readonly authority: string; readonly certificate: string; readonly key: string }
  | { readonly kind: 'inline'; readonly authority: string; readonly certificate: string; readonly key: string };

/** Where a kubeconfig points. */
export interface ApiEndpoint {
  /** For example `https://127.0.0.1:6444`. */
  readonly server: string;
  /** The name to ask for and to expect in the server's certificate, where it is not that of `server`. */
  readonly tlsServerName?: string;
}

export interface KubeconfigOptions extends ApiEndpoint {
  readonly credentials: KubeconfigCredentials;
  readonly names: KubeconfigNames;
}

export interface KubeconfigNames {
  readonly cluster: string;
  readonly user: string;
  readonly context: string;
}

/** The text of a kubeconfig with one cluster, one user and one context, which is the current one. */
export function renderKubeconfig(options: KubeconfigOptions): string {
  const { names, credentials } = options;
  const inline = credentials.kind === 'inline';
  const suffix = inline ? '-data' : '';
  const value = inline
    ? (text: string): string => Buffer.from(text).toString('base64')
    : (path: string): string => path;
  return dump({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: names.cluster,
        cluster: {
          [`certificate-authority${suffix}`]: value(credentials.authority),
          server: options.server,
          ...(options.tlsServerName === undefined ? {} : { 'tls-server-name': options.tlsServerName }),
        },
      },
    ],
    users: [
      {
        name: names.user,
        user: {
          [`client-certificate${suffix}`]: value(credentials.certificate),
          [`client-key${suffix}`]: value(credentials.key),
        },
      },
    ],
    contexts: [{ name: names.context, context: { cluster: names.cluster, namespace: 'default', user: names.user } }],
    'current-context': names.context,
  });
}
