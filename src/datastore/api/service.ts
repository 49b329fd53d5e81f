import type { Method, UnaryMethod } from '../wire/transport.ts';

/** Methods by their path. */
export type ServiceMethods = readonly (readonly [path: string, method: Method])[];

export function unary(handle: (message: Buffer) => Buffer | Promise<Buffer>): UnaryMethod {
  return { kind: 'unary', handle };
}
