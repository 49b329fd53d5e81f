import { K3sError } from '../core/errors.ts';
import { LEAF_PLACES, type LeafPlace } from '../pki/certificate-places.ts';
import { AUTHORITY_SERVICE, CERTIFICATE_SERVICES, leavesOfServices } from '../pki/certificate-services.ts';

/** The leaf certificates of the services that `--service` names; of all, if it names none. */
export function leavesNamed(services: readonly string[]): LeafPlace[] {
  const leaves = leavesOfServices(services);
  if (leaves !== undefined) return LEAF_PLACES.filter(({ name }) => leaves.has(name));
  const unknown = services.find((service) => leavesOfServices([service]) === undefined) ?? '';
  throw new K3sError('K3S_CONFIG_VALUE', `flag --service: there is no service ${JSON.stringify(unknown)}`, {
    hint:
      unknown === AUTHORITY_SERVICE
        ? 'Authorities are not rotated by this command.'
        : `Services are: ${Object.keys(CERTIFICATE_SERVICES).join(', ')}.`,
  });
}
