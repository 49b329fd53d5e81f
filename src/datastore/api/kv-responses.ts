import type { Change } from '../mvcc/key-history.ts';
import type { RangeResult } from '../mvcc/range.ts';
import type { Store } from '../mvcc/store.ts';
import type { DeleteResult, OperationResult, PutResult, TxnResult } from '../mvcc/transaction.ts';
import { encodeKeyValue } from '../wire/codec/key-value.ts';
import { Writer } from '../wire/codec/writer.ts';
import { ResponseHeader } from '../wire/messages/header.ts';

const NOTHING = new Uint8Array();

type Header = Partial<ResponseHeader> & Pick<ResponseHeader, 'revision'>;

/**
 * Encodes the replies of the KV service. Pairs are copied from their encoded form. Fields are written last to first, as `Writer`
 * wants; the numbers are those of etcdserverpb.
 */
export class KvResponses {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  rangeFrame(header: Header, result: RangeResult): Buffer {
    // Made before the buffer, so that the buffer is allocated once and in full.
    const pairs = this.#pairs(result);
    const writer = new Writer(pairs.reduce((sum, pair) => sum + pair.length + 8, 80));
    this.#writeRange(writer, header, result, pairs);
    return writer.finishFrame();
  }

  putFrame(header: Header, result: PutResult): Buffer {
    const writer = new Writer();
    this.#writePut(writer, header, result);
    return writer.finishFrame();
  }

  deleteFrame(header: Header, result: DeleteResult): Buffer {
    const writer = new Writer();
    this.#writeDelete(writer, header, result);
    return writer.finishFrame();
  }

  txnFrame(header: Header, result: TxnResult): Buffer {
    const writer = new Writer();
    this.#writeTxn(writer, header, result);
    return writer.finishFrame();
  }

  #pairs(result: RangeResult): Buffer[] {
    return result.changes.map((change) =>
      result.keysOnly ? encodeKeyValue(change, NOTHING) : this.#store.cache.encoded(change),
    );
  }

  #writeRange(writer: Writer, header: Header, result: RangeResult, pairs: readonly Buffer[]): void {
    writeNumber(writer, 4, result.count);
    writeNumber(writer, 3, result.more ? 1 : 0);
    writePairs(writer, 2, pairs);
    writeHeader(writer, header);
  }

  #writePut(writer: Writer, header: Header, { previous }: PutResult): void {
    if (previous !== undefined) writePairs(writer, 2, this.#encoded([previous]));
    writeHeader(writer, header);
  }

  #writeDelete(writer: Writer, header: Header, result: DeleteResult): void {
    writePairs(writer, 3, this.#encoded(result.previous));
    writeNumber(writer, 2, result.deleted);
    writeHeader(writer, header);
  }

  #writeTxn(writer: Writer, header: Header, result: TxnResult): void {
    for (const response of result.responses.toReversed()) {
      nest(writer, 3, () => this.#writeOperation(writer, response));
    }
    writeNumber(writer, 2, result.succeeded ? 1 : 0);
    writeHeader(writer, header);
  }

  /** A ResponseOp. Replies inside a transaction have a header with a revision only. */
  #writeOperation(writer: Writer, { kind, result }: OperationResult): void {
    const header = { revision: result.revision };
    switch (kind) {
      case 'range':
        nest(writer, 1, () => this.#writeRange(writer, header, result, this.#pairs(result)));
        break;
      case 'put':
        nest(writer, 2, () => this.#writePut(writer, header, result));
        break;
      case 'delete':
        nest(writer, 3, () => this.#writeDelete(writer, header, result));
        break;
      case 'txn':
        nest(writer, 4, () => this.#writeTxn(writer, header, result));
        break;
    }
  }

  #encoded(changes: readonly Change[]): Buffer[] {
    return changes.map((change) => this.#store.cache.encoded(change));
  }
}

function writePairs(writer: Writer, field: number, pairs: readonly Buffer[]): void {
  for (let index = pairs.length - 1; index >= 0; index--) {
    writer.bytes(pairs[index] as Buffer);
    writer.tag(field, 2);
  }
}

function writeNumber(writer: Writer, field: number, value: number): void {
  if (value === 0) return;
  writer.varint(value);
  writer.tag(field, 0);
}

function writeHeader(writer: Writer, header: Header): void {
  nest(writer, 1, () => ResponseHeader.write(writer, header));
}

function nest(writer: Writer, field: number, write: () => void): void {
  const before = writer.length;
  write();
  writer.varint(writer.length - before);
  writer.tag(field, 2);
}
