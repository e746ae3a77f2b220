/**
 * A binary heap of anything: the least first, by the order given at construction. O(log n) to push and pop.
 *
 * Not stable: an order that must decide between equals has to say how.
 */
export class Heap<T> {
  readonly #before: (a: T, b: T) => boolean;
  readonly #items: T[] = [];

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The least, or undefined where the heap is empty. */
  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let place = items.length;
    items.push(item);
    while (place > 0) {
      const parentPlace = (place - 1) >> 1;
      const parent = items[parentPlace]!;
      if (!this.#before(item, parent)) break;
      items[place] = parent;
      place = parentPlace;
    }
    items[place] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const least = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return least;
    let place = 0;
    for (;;) {
      let childPlace = 2 * place + 1;
      if (childPlace >= items.length) break;
      if (childPlace + 1 < items.length && this.#before(items[childPlace + 1]!, items[childPlace]!))
        childPlace++;
      const child = items[childPlace]!;
      if (!this.#before(child, last)) break;
      items[place] = child;
      place = childPlace;
    }
    items[place] = last;
    return least;
  }
}
