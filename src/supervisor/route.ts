import type { Identity } from './identity.ts';

/** What a route of the supervisor's own is given. */
export interface RouteRequest {
  /** Undefined on public routes. */
  readonly identity: Identity | undefined;
}

export type RouteReply =
  | { readonly status: 200; readonly contentType: string; readonly body: string }
  | { readonly status: 503; readonly message: string };

/** One path that is answered here and not by kube-apiserver. */
export interface Route {
  /** Compared with the raw path, byte for byte: anything else that may be meant by it goes to kube-apiserver, authenticated. */
  readonly path: string;
  readonly method: 'GET';
  /** Who may use it: anyone, or members of any of these groups. */
  readonly access: 'public' | readonly string[];
  readonly handle: (request: RouteRequest) => RouteReply;
}

/** Groups that an agent may have: by its token, by its certificate, or by a bootstrap token. */
export const AGENT_ROLES: readonly string[] = ['k3s:agent', 'system:nodes', 'system:bootstrappers'];
