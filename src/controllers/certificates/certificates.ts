import type { SourceContext } from '../../framework/context.ts';
import { defineSourceController } from '../../framework/controller.ts';
import { done, type Outcome } from '../../framework/outcome.ts';
import type { Source } from '../../framework/source.ts';
import type { KubernetesObject } from '../../cluster/object.ts';
import { describeError } from '../../core/errors.ts';
import { readAuthority, type Authority } from '../../pki/authority.ts';
import type { LeafName } from '../../pki/certificate-places.ts';
import { ensureLeaf, type Leaf } from '../../pki/leaf.ts';
import type { CertificateState } from './certificate-source.ts';

export interface CertificateDependencies {
  readonly source: Source<CertificateState>;
  readonly nodeName: string;
  /** Milliseconds from issuing to expiry. */
  readonly lifetime: number;
  /**
   * Makes whoever shows the certificate show this one from now on. Called again with the same one, it does nothing; a rejection
   * counts as a failed run.
   */
  readonly use: (name: LeafName, leaf: Leaf, authority: Authority) => Promise<void>;
}

/**
 * Keeps every leaf certificate of this machine valid while the server runs: it is issued anew in time (see `renewalOf`), and at
 * once when it is missing, its authority is another one or it lacks a name.
 *
 * Expected flow: a due certificate is replaced in place with its key kept, then handed to its user.
 * Guarantees: a reader of the file finds the old certificate or the new one; one failed certificate holds up no other; what cannot
 * be replaced in time is reported on the Node, as k3s does (CertificateExpirationWarning, CACertificateExpirationWarning).
 * Assumptions: nobody else issues certificates into these files while the server runs.
 * Caveats: authorities are never replaced, only spoken of.
 */
export const certificates = defineSourceController<CertificateState, CertificateDependencies>({
  name: 'certificates',
  source: ({ source }) => source,
  concurrency: 4,
  resync: 3_600_000,
  retry: { first: 1_000, longest: 60_000 },
  async reconcile(ctx, state) {
    if (state.type === 'authority') return reportAuthority(ctx, state);
    const { lifetime, use } = ctx.deps;
    const { place, base, profile, validity } = state;
    const { clock } = ctx;
    let authority: Authority;
    let leaf: Leaf;
    try {
      authority = await readAuthority(state.authority, clock);
      leaf = await ensureLeaf({ base, authority, profile, clock, lifetime, certificateMode: place.certificateMode });
    } catch (error) {
      const ends = validity === undefined ? 'is missing or damaged' : describeEnd(validity.notAfter, clock.now());
      const message = `The certificate ${ctx.key} ${ends} and cannot be checked or replaced: ${describeError(error)}`;
      ctx.event('Warning', 'CertificateExpirationWarning', message, nodeOf(ctx));
      throw error;
    }
    if (leaf.issuedBecause !== undefined) ctx.log.info('issued a certificate', { because: leaf.issuedBecause });
    await use(place.name, leaf, authority);
    return done();
  },
});

function reportAuthority(
  ctx: SourceContext<CertificateDependencies>,
  { validity }: CertificateState & { type: 'authority' },
): Outcome {
  const now = ctx.clock.now();
  if (validity !== undefined && now > validity.renewal) {
    const message = `The certificate authority ${ctx.key} ${describeEnd(validity.notAfter, now)}; every certificate under it ends with it`;
    ctx.event('Warning', 'CACertificateExpirationWarning', message, nodeOf(ctx));
  }
  return done();
}

function describeEnd(notAfter: number, now: number): string {
  return `${notAfter < now ? 'has expired' : 'expires'} on ${new Date(notAfter).toISOString()}`;
}

/** Events of a Node carry its name as its uid, as kubelet's do: `kubectl describe node` finds them by it. */
function nodeOf({ deps: { nodeName } }: SourceContext<CertificateDependencies>): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, uid: nodeName } };
}
