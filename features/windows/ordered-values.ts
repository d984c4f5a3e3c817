/**
 * Values in order, with the k-th smallest at hand: what a sliding median needs.
 *
 * A treap over typed arrays: a search tree by value whose nodes also form a heap by a pseudo-random priority, which keeps it
 * about 2 log₂ n deep whatever the order of the values. Each node counts what is below it, so that a rank is found on the way
 * down. Equal values share a node. Insert, remove and rank are O(log n); nothing is allocated once the arrays have grown.
 *
 * Source: Seidel & Aragon 1996 (doi:10.1007/BF01940876). The priorities are a fixed sequence: runs are alike.
 */
export class OrderedValues {
  #value = new Float64Array(FIRST_CAPACITY);
  #priority = new Uint32Array(FIRST_CAPACITY);
  #left = new Int32Array(FIRST_CAPACITY);
  #right = new Int32Array(FIRST_CAPACITY);
  /** How often the node's own value is there. */
  #times = new Int32Array(FIRST_CAPACITY);
  /** Values in the node and below. */
  #count = new Int32Array(FIRST_CAPACITY);
  /** Nodes that were removed, linked by `#left`. */
  #free = 0;
  /** Node 0 is nothing. */
  #nNodes = 1;
  #root = 0;
  #seed = 0x9e3779b9;

  get size(): number {
    return this.#count[this.#root] as number;
  }

  /** @param value not NaN */
  insert(value: number): void {
    this.#root = this.#inserted(this.#root, value);
  }

  /** @throws {RangeError} when the value is not there */
  remove(value: number): void {
    this.#root = this.#removed(this.#root, value);
  }

  /** The k-th smallest, from 0; NaN where there is none. */
  at(k: number): number {
    if (!(k >= 0 && k < this.size)) return Number.NaN;
    let node = this.#root;
    let rank = k;
    for (;;) {
      const left = this.#left[node] as number;
      const below = this.#count[left] as number;
      const times = this.#times[node] as number;
      if (rank < below) node = left;
      else if (rank < below + times) return this.#value[node] as number;
      else {
        rank -= below + times;
        node = this.#right[node] as number;
      }
    }
  }

  #inserted(node: number, value: number): number {
    if (node === 0) return this.#newNode(value);
    const own = this.#value[node] as number;
    if (value === own) {
      this.#times[node]!++;
      this.#count[node]!++;
      return node;
    }
    if (value < own) {
      // The call may grow the arrays: it is made before they are read again.
      const left = this.#inserted(this.#left[node] as number, value);
      this.#left[node] = left;
      return this.#isAbove(left, node) ? this.#rotateRight(node) : this.#recount(node);
    }
    const right = this.#inserted(this.#right[node] as number, value);
    this.#right[node] = right;
    return this.#isAbove(right, node) ? this.#rotateLeft(node) : this.#recount(node);
  }

  #removed(node: number, value: number): number {
    if (node === 0) throw new RangeError(`ordered values: expected ${value} among them, got none`);
    const own = this.#value[node] as number;
    if (value < own) this.#left[node] = this.#removed(this.#left[node] as number, value);
    else if (value > own) this.#right[node] = this.#removed(this.#right[node] as number, value);
    else if ((this.#times[node] as number) > 1) this.#times[node]!--;
    else return this.#dropped(node);
    return this.#recount(node);
  }

  /** The node's children without it. */
  #dropped(node: number): number {
    const merged = this.#merged(this.#left[node] as number, this.#right[node] as number);
    this.#left[node] = this.#free;
    this.#free = node;
    return merged;
  }

  /** Two trees, all of the first below all of the second, as one. */
  #merged(low: number, high: number): number {
    if (low === 0) return high;
    if (high === 0) return low;
    if (this.#isAbove(low, high)) {
      this.#right[low] = this.#merged(this.#right[low] as number, high);
      return this.#recount(low);
    }
    this.#left[high] = this.#merged(low, this.#left[high] as number);
    return this.#recount(high);
  }

  #isAbove(a: number, b: number): boolean {
    return (this.#priority[a] as number) > (this.#priority[b] as number);
  }

  #rotateRight(node: number): number {
    const left = this.#left[node] as number;
    this.#left[node] = this.#right[left] as number;
    this.#right[left] = node;
    this.#recount(node);
    return this.#recount(left);
  }

  #rotateLeft(node: number): number {
    const right = this.#right[node] as number;
    this.#right[node] = this.#left[right] as number;
    this.#left[right] = node;
    this.#recount(node);
    return this.#recount(right);
  }

  #recount(node: number): number {
    const left = this.#count[this.#left[node] as number] as number;
    const right = this.#count[this.#right[node] as number] as number;
    this.#count[node] = left + right + (this.#times[node] as number);
    return node;
  }

  #newNode(value: number): number {
    let node = this.#free;
    if (node !== 0) this.#free = this.#left[node] as number;
    else {
      node = this.#nNodes++;
      if (node === this.#value.length) this.#grow();
    }
    // xorshift32
    let seed = this.#seed;
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    this.#seed = seed;
    this.#value[node] = value;
    this.#priority[node] = seed >>> 0;
    this.#left[node] = 0;
    this.#right[node] = 0;
    this.#times[node] = 1;
    this.#count[node] = 1;
    return node;
  }

  #grow(): void {
    const capacity = this.#value.length * 2;
    const copied = <T extends Float64Array | Uint32Array | Int32Array>(into: T, from: T): T => {
      into.set(from);
      return into;
    };
    this.#value = copied(new Float64Array(capacity), this.#value);
    this.#priority = copied(new Uint32Array(capacity), this.#priority);
    this.#left = copied(new Int32Array(capacity), this.#left);
    this.#right = copied(new Int32Array(capacity), this.#right);
    this.#times = copied(new Int32Array(capacity), this.#times);
    this.#count = copied(new Int32Array(capacity), this.#count);
  }
}

const FIRST_CAPACITY = 16;
