/**
 * ConsistentHash: a request's key decides its endpoint, as long as that one may serve and is not overloaded.
 *
 * The key's hash is looked up in a table of the members (maglev.ts or ring.ts). Should the endpoint found not be a
 * candidate, be tried already, or stand above the bound, the key's hash is hashed again and looked up again: the random
 * jump of arXiv 1908.08762. The classic rule, the next neighbour, pours a hot endpoint's overflow onto the one next
 * to it, and then both onto the third. Bounded loads after Mirrokni et al. (arXiv 1608.01350):
 *
 *     bound = max(4, ceil(percent / 100 * (inFlight of the pool + 1) * weight / weights of all))
 *
 * A request without a key, or one whose JUMPS_MAX places are all taken, goes to the cheaper of two by latency cost.
 *
 * Tables are built outside of picks: at the first membership and in the tick (`rebalance`), at most one a second, so that
 * a rolling update makes one table and not hundreds. A table of at most AT_ONCE entries is built in one go, a larger
 * one in slices by ticks and, a few entries each, by picks; meanwhile the old one serves and only the keys of members
 * that are gone jump. Only if ticks stay out for 2 s does a pick begin a build.
 */
import { MAGLEV_SIZE, type HashPolicy } from "../../model/balancing.ts";
import type { Factor } from "../../model/explanation.ts";
import { mixed } from "../../std/murmur3.ts";
import { cheaperOfTwo } from "./cheaper-of-two.ts";
import { fingerprint, inTableOrder, type HashTable } from "./hash-table.ts";
import { Maglev } from "./maglev.ts";
import { NO_HASH, type PickFacts } from "./pick-facts.ts";
import { PickerBase, type PickerWorld } from "./picker.ts";
import { Ring } from "./ring.ts";
import { BY_COST, BY_KEY, BY_KEY_MOVED } from "./trace.ts";
import { NONE, TwoChoices } from "./two-choices.ts";
import { commonFactors, nominalWeight } from "./weight.ts";

/** At 80 % of all endpoints full, 32 jumps miss with 0.8^32 = 0.1 %. */
const JUMPS_MAX = 32;

/** Fewer in flight than this is no overload, whatever the mean: in a quiet pool the bound would break affinity for nothing. */
const BOUND_MIN = 4;

/** About 5 ms. */
const AT_ONCE = 131_072;
/** About 0.3 ms at the sizes that are built in slices, and about 1 µs. */
const TICK_WORK = 65_536;
const PICK_WORK = 32;

const COALESCE_MS = 1_000;
const OVERDUE_MS = 2 * COALESCE_MS;

/** Golden ratio, for jumps that start far apart. */
const JUMP = 0x9e3779b9;

export class ConsistentHash extends PickerBase {
  readonly #world: PickerWorld;
  readonly #boundRatio: number;
  readonly #choices: TwoChoices;
  readonly #table: HashTable;
  /** Of the membership the newest table stands for, built or being built; NaN: none. */
  #fingerprint = Number.NaN;
  #builtMs = Number.NEGATIVE_INFINITY;
  #dirty = false;
  #building = false;
  /** One cell: sum of the candidates' weights. */
  readonly #weights = new Float64Array(1);

  constructor(world: PickerWorld, table: HashTable = createTable(world.options.hash)) {
    super();
    this.#world = world;
    this.#boundRatio = (world.options.hash?.boundedLoadPercent ?? 0) / 100;
    this.#choices = new TwoChoices(world.columns, world.candidates, world.prng);
    this.#table = table;
  }

  choose(facts: PickFacts, nowMs: number): number {
    if (this.#building) this.#build(PICK_WORK, nowMs);
    else if (this.#dirty && nowMs - this.#builtMs >= OVERDUE_MS) this.rebalance(nowMs);
    const hash = facts.hash ?? NO_HASH;
    const slot = hash === NO_HASH ? NONE : this.#lookup(hash, facts.tried);
    return slot === NONE ? cheaperOfTwo(this.#world, this.#choices, facts.tried, nowMs, BY_COST) : slot;
  }

  override entered(slot: number): void {
    this.#weights[0] = this.#weights[0]! + this.#world.columns.traits.weight[slot]!;
  }

  override left(slot: number): void {
    this.#weights[0] = this.#weights[0]! - this.#world.columns.traits.weight[slot]!;
  }

  override rebalance(nowMs: number): void {
    const { candidates, columns, members } = this.#world;
    let weights = 0;
    for (let index = 0; index < candidates.size; index++)
      weights += columns.traits.weight[candidates.at(index)]!;
    this.#weights[0] = weights;
    const slots = members();
    const found = fingerprint(slots, columns.traits);
    if (found !== this.#fingerprint) this.#dirty = true;
    if (this.#dirty && nowMs - this.#builtMs >= COALESCE_MS) {
      this.#table.begin(inTableOrder(slots, columns.traits), columns.traits);
      this.#fingerprint = found;
      this.#dirty = false;
      this.#building = true;
    }
    if (this.#building) {
      const first = this.#builtMs === Number.NEGATIVE_INFINITY;
      this.#build(first || this.#table.size <= AT_ONCE ? Number.POSITIVE_INFINITY : TICK_WORK, nowMs);
    }
  }

  shareOf(slot: number): number {
    return nominalWeight(this.#world.columns, slot);
  }

  factors(slot: number): readonly Factor[] {
    const { columns } = this.#world;
    const bound = this.#boundOf(slot);
    return [
      ...(Number.isFinite(bound) ? [{ name: "bound", value: bound, unit: "requests" }] : []),
      ...commonFactors(columns, slot),
    ];
  }

  /** The table is shared: a copy is asked, never built. */
  copy(world: PickerWorld): ConsistentHash {
    const copied = new ConsistentHash(world, this.#table);
    copied.#fingerprint = this.#fingerprint;
    copied.#builtMs = Number.POSITIVE_INFINITY;
    copied.#weights[0] = this.#weights[0]!;
    return copied;
  }

  #lookup(hash: number, tried: readonly number[]): number {
    const { candidates, columns, trace } = this.#world;
    let place = hash;
    for (let jumps = 0; jumps <= JUMPS_MAX; jumps++) {
      const slot = this.#table.lookup(place);
      if (slot === NONE) return NONE;
      if (candidates.has(slot) && !tried.includes(slot) && columns.inFlight[slot]! < this.#boundOf(slot)) {
        trace.single(slot, jumps === 0 ? BY_KEY : BY_KEY_MOVED);
        return slot;
      }
      place = mixed(hash + Math.imul(jumps + 1, JUMP)) >>> 1;
    }
    return NONE;
  }

  /** Requests in flight at which the slot takes no more keys. */
  #boundOf(slot: number): number {
    if (this.#boundRatio === 0) return Number.POSITIVE_INFINITY;
    const { columns } = this.#world;
    const share = nominalWeight(columns, slot) / this.#weights[0]!;
    return Math.max(BOUND_MIN, Math.ceil(this.#boundRatio * (columns.inFlightTotal + 1) * share));
  }

  #build(work: number, nowMs: number): void {
    if (!this.#table.step(work)) return;
    this.#building = false;
    this.#builtMs = nowMs;
  }
}

function createTable(policy: HashPolicy | undefined): HashTable {
  const table = policy?.table;
  if (table === undefined) return new Maglev(MAGLEV_SIZE);
  return table.kind === "maglev" ? new Maglev(table.size) : new Ring(table.sizeMin, table.sizeMax);
}
