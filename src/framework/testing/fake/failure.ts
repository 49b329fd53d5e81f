import type { ApiStatus } from '../../../cluster/api-error.ts';
import type { Resource } from '../../../cluster/resource.ts';

type Named = Pick<Resource, 'group' | 'plural' | 'kind'>;

/** A refusal of the fake API server, before it becomes the ApiError of one request. Wording and reasons are the real server's. */
export class Failure extends Error {
  readonly status: number;
  readonly body: ApiStatus;
  readonly retryAfter: number | undefined;

  constructor(status: number, body: ApiStatus, retryAfter?: number) {
    super(body.message);
    this.status = status;
    this.body = { code: status, ...body };
    this.retryAfter = retryAfter;
  }
}

/** `deployments.apps`, as the real server names kinds in messages. */
export function groupResource(kind: Pick<Resource, 'group' | 'plural'>): string {
  return kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
}

export function notFound(kind: Pick<Resource, 'group' | 'plural'>, name: string): Failure {
  return new Failure(404, {
    reason: 'NotFound',
    message: `${groupResource(kind)} "${name}" not found`,
    details: { name, kind: kind.plural, group: kind.group },
  });
}

/** For a group or version that nobody serves. The front of the real server answers it, and it has no Status to give. */
export function unknownPath(): Failure {
  return new Failure(404, { message: '404 page not found' });
}

export function alreadyExists(kind: Named, name: string): Failure {
  return new Failure(409, {
    reason: 'AlreadyExists',
    message: `${groupResource(kind)} "${name}" already exists`,
    details: { name, kind: kind.plural, group: kind.group },
  });
}

export function conflict(kind: Named, name: string, why: string): Failure {
  return new Failure(409, {
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${groupResource(kind)} "${name}": ${why}`,
    details: { name, kind: kind.plural, group: kind.group },
  });
}

export function modified(kind: Named, name: string): Failure {
  return conflict(
    kind,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );
}

export interface InvalidField {
  field: string;
  message: string;
  reason?: string;
}

export function invalid(kind: Named, name: string, problems: readonly InvalidField[]): Failure {
  const kindName = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const texts = problems.map((problem) => `${problem.field}: ${problem.message}`);
  return new Failure(422, {
    reason: 'Invalid',
    message: `${kindName} "${name}" is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`,
    details: {
      name,
      kind: kind.kind,
      group: kind.group,
      causes: problems.map(({ field, message, reason }) => ({ reason: reason ?? 'FieldValueInvalid', message, field })),
    },
  });
}

export function forbidden(kind: Named, name: string, why: string): Failure {
  return new Failure(403, {
    reason: 'Forbidden',
    message: `${groupResource(kind)} "${name}" is forbidden: ${why}`,
    details: { name, kind: kind.plural, group: kind.group },
  });
}

export function badRequest(message: string): Failure {
  return new Failure(400, { reason: 'BadRequest', message });
}

export function expired(message: string): Failure {
  return new Failure(410, { reason: 'Expired', message });
}
