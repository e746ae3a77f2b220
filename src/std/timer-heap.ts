/**
 * Timers by number: an indexed binary heap that knows which of a fixed set of timers is due first.
 *
 * Each timer is a small number, handed out once by `add`, and is either set to one time or idle. Setting a timer
 * that is set moves it, so there are no stale entries to skip, and the heap is as large as the set of timers, not as the number
 * of things that wait on them. O(log n) to set and clear, O(1) to look at the first; no allocation.
 *
 * Times are any finite numbers in one unit. Of timers set to the same time the lower number comes first, so the order never
 * depends on the heap's history.
 */
export const NO_TIMER = -1;

const IDLE = -1;

export class TimerHeap {
  /** By timer. */
  #times = new Float64Array(16);
  /** By timer: its index in #heap, or IDLE. */
  #places = new Int32Array(16).fill(IDLE);
  #heap = new Int32Array(16);
  #size = 0;
  #timers = 0;

  /** A new timer, idle. */
  add(): number {
    if (this.#timers === this.#times.length) this.#grow();
    return this.#timers++;
  }

  /** The timer due first, or NO_TIMER. */
  get first(): number {
    return this.#size === 0 ? NO_TIMER : this.#heap[0]!;
  }

  /** When it is due; Infinity if none is set. */
  get firstTime(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#times[this.#heap[0]!]!;
  }

  set(timer: number, time: number): void {
    const place = this.#places[timer]!;
    const before = this.#times[timer]!;
    this.#times[timer] = time;
    if (place === IDLE) this.#siftUp(this.#size++, timer);
    else if (time < before) this.#siftUp(place, timer);
    else this.#siftDown(place, timer);
  }

  clear(timer: number): void {
    const place = this.#places[timer]!;
    if (place === IDLE) return;
    this.#places[timer] = IDLE;
    const last = this.#heap[--this.#size]!;
    if (last === timer) return;
    if (place > 0 && this.#before(last, this.#heap[(place - 1) >> 1]!)) this.#siftUp(place, last);
    else this.#siftDown(place, last);
  }

  #siftUp(from: number, timer: number): void {
    const heap = this.#heap;
    const places = this.#places;
    let place = from;
    while (place > 0) {
      const parentPlace = (place - 1) >> 1;
      const parent = heap[parentPlace]!;
      if (!this.#before(timer, parent)) break;
      heap[place] = parent;
      places[parent] = place;
      place = parentPlace;
    }
    heap[place] = timer;
    places[timer] = place;
  }

  #siftDown(from: number, timer: number): void {
    const heap = this.#heap;
    const places = this.#places;
    const size = this.#size;
    let place = from;
    for (;;) {
      let childPlace = 2 * place + 1;
      if (childPlace >= size) break;
      if (childPlace + 1 < size && this.#before(heap[childPlace + 1]!, heap[childPlace]!)) childPlace++;
      const child = heap[childPlace]!;
      if (!this.#before(child, timer)) break;
      heap[place] = child;
      places[child] = place;
      place = childPlace;
    }
    heap[place] = timer;
    places[timer] = place;
  }

  #before(a: number, b: number): boolean {
    const timeA = this.#times[a]!;
    const timeB = this.#times[b]!;
    return timeA < timeB || (timeA === timeB && a < b);
  }

  #grow(): void {
    const capacity = this.#times.length * 2;
    const times = new Float64Array(capacity);
    times.set(this.#times);
    const places = new Int32Array(capacity).fill(IDLE);
    places.set(this.#places);
    const heap = new Int32Array(capacity);
    heap.set(this.#heap);
    this.#times = times;
    this.#places = places;
    this.#heap = heap;
  }
}
