import type { Encodable } from '../wire/codec/message.ts';
import { Writer } from '../wire/codec/writer.ts';
import { ResponseHeader, type ServerIdentity } from '../wire/messages/header.ts';
import { WatchResponse } from '../wire/messages/watch.ts';
import type { WatchedEvent } from './watched-event.ts';
import type { WatcherOptions } from './watcher.ts';

export type ControlResponse = Encodable<Omit<WatchResponse, 'header' | 'events'>>;

/** Encodes WatchResponses; the bytes of events are copied, not encoded again. */
export class ResponseEncoder {
  readonly #identity: ServerIdentity;
  readonly #fragmentBytes: number;

  /** Responses to watches that allow it are split at `fragmentBytes`. */
  constructor(identity: ServerIdentity, fragmentBytes: number) {
    this.#identity = identity;
    this.#fragmentBytes = fragmentBytes;
  }

  /** A response without events. */
  control(response: ControlResponse, revision: number): Buffer {
    return WatchResponse.encodeFrame({ ...response, header: { ...this.#identity, revision } });
  }

  /** One frame, or several if the watch allows it and there is much to send. */
  *events(watch: WatcherOptions, events: readonly WatchedEvent[], revision: number): Generator<Buffer> {
    const encoded = events.map((event) => event.encoded(watch.withPrevious));
    let start = 0;
    while (watch.fragment && start < encoded.length) {
      let end = start;
      let bytes = 0;
      while (end < encoded.length && (end === start || bytes < this.#fragmentBytes))
        bytes += encoded[end++]?.length ?? 0;
      if (end === encoded.length) break;
      yield this.#frame(watch.id, encoded.slice(start, end), revision, true);
      start = end;
    }
    yield this.#frame(watch.id, encoded.slice(start), revision, false);
  }

  #frame(watchId: number, encoded: readonly Buffer[], revision: number, fragment: boolean): Buffer {
    const writer = new Writer(encoded.reduce((sum, event) => sum + event.length, 64));
    for (let index = encoded.length - 1; index >= 0; index--) writer.raw(encoded[index] as Buffer);
    if (fragment) {
      writer.varint(1);
      writer.tag(7, 0);
    }
    if (watchId !== 0) {
      writer.varint(watchId);
      writer.tag(2, 0);
    }
    const before = writer.length;
    ResponseHeader.write(writer, { ...this.#identity, revision });
    writer.varint(writer.length - before);
    writer.tag(1, 2);
    return writer.finishFrame();
  }
}
