import type { Change } from '../mvcc/key-history.ts';
import type { Store } from '../mvcc/store.ts';
import { encodeKeyValue } from '../wire/codec/key-value.ts';
import { Writer } from '../wire/codec/writer.ts';
import { EventType } from '../wire/messages/watch.ts';

const NOTHING = new Uint8Array();

/**
 * A change on its way to watchers. The mvccpb.Event is encoded once, with and without the previous pair, however many watchers
 * receive it; responses copy its bytes.
 */
export class WatchedEvent {
  readonly change: Change;
  readonly #store: Store;
  #plain: Buffer | undefined;
  #withPrevious: Buffer | undefined;

  constructor(store: Store, change: Change) {
    this.#store = store;
    this.change = change;
  }

  /** The event as an element of WatchResponse.events, tag and length included. */
  encoded(withPrevious: boolean): Buffer {
    if (!withPrevious) return (this.#plain ??= this.#encode(undefined));
    return (this.#withPrevious ??= this.#encodeWithPrevious());
  }

  #encodeWithPrevious(): Buffer {
    const previous = this.change.history.before(this.change);
    if (previous === undefined || previous.isDeletion) return this.encoded(false);
    return this.#encode(this.#store.cache.encoded(previous));
  }

  #encode(previous: Buffer | undefined): Buffer {
    const { change } = this;
    const pair = change.isDeletion ? deletedPair(change) : this.#store.cache.encoded(change);
    const writer = new Writer(pair.length + (previous?.length ?? 0) + 32);
    if (previous !== undefined) {
      writer.bytes(previous);
      writer.tag(3, 2);
    }
    writer.bytes(pair);
    writer.tag(2, 2);
    if (change.isDeletion) {
      writer.varint(EventType.DELETE);
      writer.tag(1, 0);
    }
    writer.varint(writer.length);
    writer.tag(11, 2);
    return writer.finish();
  }
}

/** Of a deleted pair an event carries the key and the revision of the deletion. */
function deletedPair(change: Change): Buffer {
  return encodeKeyValue(
    { key: change.key, createRevision: 0, modRevision: change.revision, version: 0, lease: 0n },
    NOTHING,
  );
}
