/** Something that is due at a time. `position` belongs to the heap; −1 while it is in none. */
export interface Due {
  due: number;
  position: number;
}

/** A binary heap in which an item knows its place, so that it can be moved or taken out without leaving anything behind. */
export class DueHeap<T extends Due> {
  readonly #items: T[] = [];

  /** The item that is due first. */
  get first(): T | undefined {
    return this.#items[0];
  }

  /** Puts `item` in, or moves it when it is in already. */
  set(item: T, due: number): void {
    item.due = due;
    if (item.position < 0) {
      item.position = this.#items.length;
      this.#items.push(item);
    }
    this.#up(item);
    this.#down(item);
  }

  remove(item: T): void {
    const { position } = item;
    if (position < 0) return;
    item.position = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#place(last, position);
    this.#up(last);
    this.#down(last);
  }

  #up(item: T): void {
    while (item.position > 0) {
      const parent = this.#items[(item.position - 1) >> 1];
      if (parent === undefined || parent.due <= item.due) return;
      this.#swap(item, parent);
    }
  }

  #down(item: T): void {
    for (;;) {
      const left = this.#items[2 * item.position + 1];
      const right = this.#items[2 * item.position + 2];
      const child = right !== undefined && left !== undefined && right.due < left.due ? right : left;
      if (child === undefined || item.due <= child.due) return;
      this.#swap(item, child);
    }
  }

  #swap(a: T, b: T): void {
    const position = a.position;
    this.#place(a, b.position);
    this.#place(b, position);
  }

  #place(item: T, position: number): void {
    this.#items[position] = item;
    item.position = position;
  }
}
