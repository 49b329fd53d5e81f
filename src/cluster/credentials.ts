/** Which API server to speak to, and as whom. Certificates and keys are PEM. */
export interface Credentials {
  /** `https://host:port`, with a path where the API does not begin at the root. */
  server: string;
  /** Who may have signed the server's certificate; absent: the public authorities. */
  ca?: string;
  cert?: string;
  key?: string;
  /** A bearer token, or where to get the present one before each request. */
  token?: string | (() => Promise<string | undefined>);
  /** The name that the server's certificate must carry, where it is not the host of `server`. */
  serverName?: string;
  /** Accept any certificate of the server. */
  insecure?: boolean;
}

/** What a client proves its identity with. PEM. */
export interface ClientCertificate {
  cert: string;
  key: string;
}
