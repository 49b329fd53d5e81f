/**
 * Bounds how many are kept waiting at the same time: a newcomer is always let in, and who has waited longest has to go for it.
 * So strangers who only wait cost a limited amount of memory and cannot keep others out.
 */
export class WaitingRoom<Member> {
  readonly #members = new Set<Member>();
  readonly #capacity: number;
  readonly #dismiss: (member: Member) => void;

  constructor(capacity: number, dismiss: (member: Member) => void) {
    this.#capacity = capacity;
    this.#dismiss = dismiss;
  }

  enter(member: Member): void {
    this.#members.add(member);
    if (this.#members.size <= this.#capacity) return;
    for (const longest of this.#members.values().take(1)) {
      this.#members.delete(longest);
      this.#dismiss(longest);
    }
  }

  /** Without effect on who is not in. */
  leave(member: Member): void {
    this.#members.delete(member);
  }
}
