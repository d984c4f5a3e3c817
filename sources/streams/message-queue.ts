/** Messages that were received and not taken yet, and what they weigh: a bound on their number alone bounds no memory. */
export class MessageQueue<M> {
  readonly #bytesOf: (message: M) => number;
  #messages: M[] = [];
  #bytes = 0;

  constructor(bytesOf: (message: M) => number) {
    this.#bytesOf = bytesOf;
  }

  get length(): number {
    return this.#messages.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(message: M): void {
    this.#messages.push(message);
    this.#bytes += this.#bytesOf(message);
  }

  /** The oldest ones, up to so many and so many bytes; at least one, where there is one. */
  take(most: number, mostBytes: number): M[] {
    let n = 0;
    let bytes = 0;
    for (const message of this.#messages) {
      const more = this.#bytesOf(message);
      if (n === most || (n > 0 && bytes + more > mostBytes)) break;
      n += 1;
      bytes += more;
    }
    this.#bytes -= bytes;
    return this.#messages.splice(0, n);
  }
}
