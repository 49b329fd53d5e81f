import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** How one field's value is read and written; `initial` is its value where the field is absent. */
export interface Field<T> {
  readonly number: number;
  readonly wireType: 0 | 2;
  readonly repeated: boolean;
  readonly initial: T;
  /** For a repeated field, of one element. */
  read(reader: Reader): unknown;
  write(writer: Writer, value: unknown): void;
  /** Whether a single value equals the absent one and is left out. */
  isDefault(value: unknown): boolean;
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type ValueOf<F> = F extends Field<infer T> ? T : never;

/** The TypeScript type of a message made by `defineMessage`. */
export type MessageOf<M> = M extends Message<infer T> ? T : never;

/** What a message is encoded from: what is missing has its default value. */
export type Encodable<T extends object> = { readonly [K in keyof T]?: EncodableField<T[K]> | undefined };

type EncodableField<V> = V extends Buffer
  ? V
  : V extends readonly (infer E)[]
    ? readonly EncodableField<E>[]
    : V extends object
      ? Encodable<V>
      : V;

/** A protobuf message type as a table of fields. Unknown fields are skipped, as protobuf demands. */
export class Message<T extends object> {
  readonly #names: readonly string[];
  readonly #fields: readonly Field<unknown>[];
  readonly #byNumber: (number | undefined)[] = [];
  readonly #initial: Readonly<Record<string, unknown>>;

  constructor(fields: Fields) {
    const entries = Object.entries(fields).sort(([, a], [, b]) => b.number - a.number);
    this.#names = entries.map(([name]) => name);
    this.#fields = entries.map(([, field]) => field);
    this.#initial = Object.fromEntries(entries.map(([name, field]) => [name, field.initial]));
    this.#fields.forEach((field, index) => {
      this.#byNumber[field.number] = index;
    });
  }

  /** `buffer` must stay unchanged while the result is used: bytes fields are views of it. */
  decode(buffer: Buffer): T {
    return this.read(new Reader(buffer));
  }

  encode(value: Encodable<T>): Buffer {
    const writer = new Writer();
    this.write(writer, value);
    return writer.finish();
  }

  /** The message behind gRPC's length prefix. */
  encodeFrame(value: Encodable<T>): Buffer {
    const writer = new Writer();
    this.write(writer, value);
    return writer.finishFrame();
  }

  read(reader: Reader): T {
    const target: Record<string, unknown> = { ...this.#initial };
    while (!reader.done) {
      const tag = reader.varint();
      const index = this.#byNumber[tag >>> 3];
      const field = index === undefined ? undefined : this.#fields[index];
      if (index === undefined || field === undefined || field.wireType !== (tag & 7)) {
        reader.skip(tag & 7);
        continue;
      }
      const name = this.#names[index] as string;
      const value = field.read(reader);
      if (!field.repeated) target[name] = value;
      else if (target[name] === field.initial) target[name] = [value];
      else (target[name] as unknown[]).push(value);
    }
    return target as T;
  }

  write(writer: Writer, value: Encodable<T>): void {
    const source = value as Readonly<Record<string, unknown>>;
    for (let index = 0; index < this.#fields.length; index++) {
      const field = this.#fields[index] as Field<unknown>;
      const content = source[this.#names[index] as string];
      if (content === undefined) continue;
      if (field.repeated) {
        const elements = content as readonly unknown[];
        for (let at = elements.length - 1; at >= 0; at--) this.#writeField(writer, field, elements[at]);
      } else if (!field.isDefault(content)) this.#writeField(writer, field, content);
    }
  }

  #writeField(writer: Writer, field: Field<unknown>, value: unknown): void {
    field.write(writer, value);
    writer.tag(field.number, field.wireType);
  }
}

export function defineMessage<F extends Fields>(fields: F): Message<{ [K in keyof F]: ValueOf<F[K]> }> {
  return new Message(fields);
}

const NOTHING = Buffer.alloc(0);

function scalar<T>(
  number: number,
  wireType: 0 | 2,
  initial: T,
  read: (reader: Reader) => T,
  write: (writer: Writer, value: T) => void,
): Field<T> {
  return {
    number,
    wireType,
    repeated: false,
    initial,
    read,
    write: (writer, value) => write(writer, value as T),
    isDefault: (value) => value === initial,
  };
}

/** int64, uint64, int32 and enumerations whose values matter only up to 2^53. */
export const int64 = (number: number): Field<number> =>
  scalar(
    number,
    0,
    0,
    (reader) => reader.varint(),
    (writer, value) => writer.varint(value),
  );

/** An int64 that must survive unchanged: identifiers chosen by clients. */
export const int64Exact = (number: number): Field<bigint> =>
  scalar(
    number,
    0,
    0n,
    (reader) => reader.varintExact(),
    (writer, value) => writer.varintExact(value),
  );

export const bool = (number: number): Field<boolean> =>
  scalar(
    number,
    0,
    false,
    (reader) => reader.varint() !== 0,
    (writer, value) => writer.varint(value ? 1 : 0),
  );

export const text = (number: number): Field<string> =>
  scalar(
    number,
    2,
    '',
    (reader) => reader.utf8(),
    (writer, value) => writer.utf8(value),
  );

/** Bytes that are an etcd key: a string with one character per byte, so that `<` on strings is the order of keys. */
export const key = (number: number): Field<string> =>
  scalar(
    number,
    2,
    '',
    (reader) => reader.latin1(),
    (writer, value) => writer.latin1(value),
  );

export const bytes = (number: number): Field<Buffer> => ({
  ...scalar(
    number,
    2,
    NOTHING,
    (reader) => reader.bytes(),
    (writer, value) => writer.bytes(value),
  ),
  isDefault: (value) => (value as Buffer).length === 0,
});

/** A nested message; undefined where absent, which protobuf tells apart from empty. */
export const message = <T extends object>(
  number: number,
  type: Message<T> | (() => Message<T>),
): Field<T | undefined> => ({
  number,
  wireType: 2,
  repeated: false,
  initial: undefined,
  read: (reader) => (typeof type === 'function' ? type() : type).read(reader.nested()),
  write: (writer, value) => {
    const before = writer.length;
    (typeof type === 'function' ? type() : type).write(writer, value as Encodable<T>);
    writer.varint(writer.length - before);
  },
  isDefault: (value) => value === undefined,
});

export const repeated = <T>(field: Field<T>): Field<readonly NonNullable<T>[]> => ({
  ...field,
  repeated: true,
  initial: [],
});

/** A repeated number in the packed form, which is the only one that proto3 encoders produce. */
export const packedInt64 = (number: number): Field<readonly number[]> => ({
  ...scalar<readonly number[]>(
    number,
    2,
    [],
    (reader) => {
      const values: number[] = [];
      for (const list = reader.nested(); !list.done; ) values.push(list.varint());
      return values;
    },
    (writer, values) => {
      const before = writer.length;
      for (const value of values.toReversed()) writer.varint(value);
      writer.varint(writer.length - before);
    },
  ),
  isDefault: (value) => (value as readonly number[]).length === 0,
});
