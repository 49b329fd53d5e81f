import { readCommitted } from '../mvcc/range.ts';
import { deleteRange, isReadOnly, put, readTransaction, runTransaction } from '../mvcc/transaction.ts';
import { requestTooLarge } from '../wire/etcd-errors.ts';
import {
  CompactionRequest,
  CompactionResponse,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from '../wire/messages/kv.ts';
import type { Compactor } from '../compaction.ts';
import { header, type ServiceContext } from './context.ts';
import { KvResponses } from './kv-responses.ts';
import { unary, type ServiceMethods } from './service.ts';
import { checkDeleteRange, checkPut, checkRange, checkTransaction } from './validate.ts';

/** etcd's --max-request-bytes: writes beyond it are refused. */
const MAX_WRITE_BYTES = 1.5 * 1024 * 1024;

/** etcdserverpb.KV */
export function kvService(context: ServiceContext, compactor: Compactor): ServiceMethods {
  const { queue, store } = context;
  const responses = new KvResponses(store);

  const range = (message: Buffer): Buffer => {
    const request = RangeRequest.decode(message);
    checkRange(request);
    const result = readCommitted(store, request);
    return responses.rangeFrame(header(context, result.revision), result);
  };

  const putPair = (message: Buffer): Promise<Buffer> => {
    checkSize(message);
    const request = PutRequest.decode(message);
    checkPut(request);
    return queue.submit((draft) => {
      const result = put(draft, request);
      return responses.putFrame(header(context, result.revision), result);
    });
  };

  const remove = (message: Buffer): Promise<Buffer> => {
    checkSize(message);
    const request = DeleteRangeRequest.decode(message);
    checkDeleteRange(request);
    return queue.submit((draft) => {
      const result = deleteRange(draft, request);
      return responses.deleteFrame(header(context, result.revision), result);
    });
  };

  const transact = (message: Buffer): Buffer | Promise<Buffer> => {
    checkSize(message);
    const request = TxnRequest.decode(message);
    checkTransaction(request);
    if (isReadOnly(request)) {
      const result = readTransaction(store, request);
      return responses.txnFrame(header(context, result.revision), result);
    }
    return queue.submit((draft) => {
      const result = runTransaction(draft, request);
      return responses.txnFrame(header(context, result.revision), result);
    });
  };

  const compact = async (message: Buffer): Promise<Buffer> => {
    const { revision, physical } = CompactionRequest.decode(message);
    await queue.submit((draft) => draft.compact(revision));
    if (physical) {
      const finished = compactor.finished();
      queue.schedule();
      await finished;
    }
    return CompactionResponse.encodeFrame({ header: header(context) });
  };

  return [
    ['/etcdserverpb.KV/Range', unary(range)],
    ['/etcdserverpb.KV/Put', unary(putPair)],
    ['/etcdserverpb.KV/DeleteRange', unary(remove)],
    ['/etcdserverpb.KV/Txn', unary(transact)],
    ['/etcdserverpb.KV/Compact', unary(compact)],
  ];
}

function checkSize(message: Buffer): void {
  if (message.length > MAX_WRITE_BYTES) throw requestTooLarge();
}
