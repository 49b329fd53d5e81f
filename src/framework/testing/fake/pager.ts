import { badRequest, expired } from './failure.ts';
import type { StoredRecord } from './object-table.ts';
import type { Matcher } from './selectors.ts';

/** A list request after its selectors are parsed. */
export interface Selected {
  namespace: string | undefined;
  matches: Matcher;
  limit: number | undefined;
  continue: string | undefined;
}

export interface Page {
  records: readonly StoredRecord[];
  revision: number;
  continue: string | undefined;
}

/** Lists in pages of one consistent state, which the first page fixes. */
export class Pager {
  readonly #open = new Map<string, { rest: readonly StoredRecord[]; revision: number }>();
  #count = 0;

  page(selected: Selected, revision: number, all: () => readonly StoredRecord[]): Page {
    if (selected.continue === undefined || selected.continue === '') {
      const records = all().filter((record) => selected.matches(record.object));
      return this.#cut(records, revision, selected.limit);
    }
    if (!/^page-\d+$/.test(selected.continue)) throw badRequest('continue key is not valid');
    const open = this.#open.get(selected.continue);
    if (open === undefined) {
      throw expired('The provided continue parameter is too old to display a consistent list result.');
    }
    return this.#cut(open.rest, open.revision, selected.limit);
  }

  /** From here on, continuing any list is a 410. */
  forget(): void {
    this.#open.clear();
  }

  #cut(records: readonly StoredRecord[], revision: number, limit: number | undefined): Page {
    if (limit === undefined || limit === 0 || records.length <= limit)
      return { records, revision, continue: undefined };
    const token = `page-${++this.#count}`;
    this.#open.set(token, { rest: records.slice(limit), revision });
    return { records: records.slice(0, limit), revision, continue: token };
  }
}
