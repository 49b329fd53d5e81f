import type { CommitQueue } from '../mvcc/commit-queue.ts';
import type { Store } from '../mvcc/store.ts';
import type { ResponseHeader, ServerIdentity } from '../wire/messages/header.ts';

/** What the services work on. */
export interface ServiceContext {
  readonly store: Store;
  readonly queue: CommitQueue;
  readonly identity: ServerIdentity;
}

/** The header of a reply; `revision` is the newest one except for a write, which reports its own. */
export function header(context: ServiceContext, revision = context.store.revision): ResponseHeader {
  return { ...context.identity, revision };
}
