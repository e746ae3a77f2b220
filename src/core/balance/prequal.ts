/**
 * Prequal (Google, NSDI 2024): of the endpoints in a small pool of fresh probes, the fastest that is not hot; if all are
 * hot, the one with the fewest requests in flight. Requests in flight (RIF) guard, latency decides: every weighted sum
 * of the two does worse (paper, section 5.4).
 *
 *     hot  = RIF > the 84 % quantile of recently probed RIFs, or error ratio > 20 %
 *     cold: least latency + errorRatio * 100 * typical          [ms], as of the probe
 *     all hot: least (RIF + 1) * (1 + errorRatio * 100)         [requests]
 *
 * The error terms are the guard against sinkholes, which the paper leaves open: an endpoint that fails fast is always
 * cold and always quick. RIF counts per unit of weight.
 *
 * Where probes come from:
 * - Reports. Once endpoints tell their RIF (on answers, ORCA; or to probes asked for by `probesWanted`), their reports are
 *   the probes. A pick adds 1 to the chosen probe's RIF, for the report cannot know of it. Where reports come
 *   on answers alone, one pick in EXPLORE_ONE_IN goes to the cheaper of two at random, else the pool would
 *   hear only from those it holds.
 * - Own knowledge, if none has reported its RIF in the last 10 s. Own counts are always at hand, so a probe costs
 *   nothing: each pick draws three endpoints at random, as the paper's probes do, and RIF is read live, not stored.
 *
 * Fewer than two probes: chosen by chance.
 */
import type { Factor } from "../../model/explanation.ts";
import { errorRatioNow } from "../signals/error-ratio.ts";
import { cheaperOfTwo } from "./cheaper-of-two.ts";
import { ERROR_COST, latencyFactors, writeEffectiveLatency } from "./latency-cost.ts";
import { steadyShare } from "./peak-ewma.ts";
import type { PickFacts } from "./pick-facts.ts";
import { PickerBase, type PickerWorld } from "./picker.ts";
import { HOT_QUANTILE, PROBES_PER_REQUEST, removalsOf, reuseOf } from "./prequal-parameters.ts";
import { ProbePool } from "./probe-pool.ts";
import { RifDistribution, rifBucket } from "./rif-distribution.ts";
import { BY_ALL_HOT, BY_COLD, BY_EXPLORING, BY_FEW_PROBES, BY_ONLY } from "./trace.ts";
import { NONE, TwoChoices } from "./two-choices.ts";
import { nominalWeight } from "./weight.ts";

/** At one failure in five of the last twenty, nothing speaks for sending another while others are cold. */
const SINKHOLE_RATIO = 0.2;

const EXPLORE_ONE_IN = 10;

/** Without a reported RIF for so long, own knowledge it is. */
const REPORTS_LAST_MS = 10_000;

/** Asked for at a time, and owed at most: a burst of picks is no reason for a burst of probes. */
const PROBES_WANTED_MAX = 32;

const NOWHERE = -1;

export class Prequal extends PickerBase {
  readonly #world: PickerWorld;
  readonly #choices: TwoChoices;
  readonly #pool: ProbePool;
  readonly #distribution: RifDistribution;
  /** [reports trusted until, removals owed, probes owed, reuse]: fractions in plain fields would be boxed. */
  readonly #cells = new Float64Array([Number.NEGATIVE_INFINITY, 0, 0, 1]);
  /** The number of endpoints that the reuse was reckoned for. */
  #reuseFor = 0;
  #fromReports = false;
  /** What the scan of the pool found: indices, or NOWHERE. */
  #coldest = NOWHERE;
  #leastHot = NOWHERE;
  #usable = 0;
  #removeWorst = false;

  constructor(
    world: PickerWorld,
    pool: ProbePool = new ProbePool(),
    distribution: RifDistribution = new RifDistribution(HOT_QUANTILE),
  ) {
    super();
    this.#world = world;
    this.#choices = new TwoChoices(world.columns, world.candidates, world.prng);
    this.#pool = pool;
    this.#distribution = distribution;
  }

  choose(facts: PickFacts, nowMs: number): number {
    const { candidates, prng, options } = this.#world;
    const { probesPerRequest } = options.prequal;
    this.#setSource(nowMs > this.#cells[0]!);
    const cells = this.#cells;
    cells[2] = Math.min(PROBES_WANTED_MAX, cells[2]! + probesPerRequest);
    if (!this.#fromReports) this.#probeLocally(nowMs);
    else if (probesPerRequest === 0 && prng.below(EXPLORE_ONE_IN) === 0) {
      return cheaperOfTwo(this.#world, this.#choices, facts.tried, nowMs, BY_EXPLORING);
    }
    this.#scan(facts.tried, nowMs);
    if (this.#usable < 2) return this.#byChance(facts.tried);
    const at = this.#coldest === NOWHERE ? this.#leastHot : this.#coldest;
    const slot = this.#pool.slots[at]!;
    this.#world.trace.pair(slot, NONE, this.#coldest === NOWHERE ? BY_ALL_HOT : BY_COLD);
    this.#spend(at, candidates.size);
    return slot;
  }

  /** Before the slot can change hands. */
  override left(slot: number): void {
    this.#pool.forget(slot);
  }

  /** Own knowledge: the endpoint's latency is fresh now. */
  override ended(slot: number, _outcome: unknown, nowMs: number): void {
    if (this.#fromReports) return;
    const at = this.#pool.indexOf(slot);
    if (at >= 0 && this.#pool.isLive(at, this.#world.columns, nowMs)) this.#measure(at, slot, nowMs);
  }

  override reported(slot: number, nowMs: number): void {
    const { columns, candidates } = this.#world;
    const { load } = columns;
    if (load.inFlightStampMs[slot] !== nowMs) return;
    this.#cells[0] = nowMs + REPORTS_LAST_MS;
    this.#setSource(false);
    if (!candidates.has(slot)) return;
    const at = this.#place(slot, nowMs);
    this.#pool.rif[at] = load.inFlight[slot]! * this.#pool.perWeight[at]!;
    this.#distribution.add(this.#pool.rif, at);
    this.#measure(at, slot, nowMs);
  }

  override probesWanted(): readonly number[] {
    const { candidates, prng } = this.#world;
    const count = Math.min(Math.floor(this.#cells[2]!), candidates.size);
    this.#cells[2] = this.#cells[2]! - Math.floor(this.#cells[2]!);
    const slots = new Set<number>();
    // Draws that repeat are wasted; three times as many find nearly all even of a small pool.
    for (let draws = 0; slots.size < count && draws < count * 3; draws++) {
      slots.add(candidates.at(prng.below(candidates.size)));
    }
    return [...slots];
  }

  factors(slot: number, nowMs: number): readonly Factor[] {
    const { columns, candidates } = this.#world;
    const at = this.#pool.indexOf(slot);
    return [
      { name: "hotAbove", value: this.#distribution.threshold, unit: "requests" },
      ...(at < 0 ? [] : [{ name: "probedRif", value: this.#pool.rif[at]!, unit: "requests" }]),
      ...(at < 0 ? [] : [{ name: "probedLatency", value: this.#pool.latencyMs[at]!, unit: "ms" }]),
      ...latencyFactors(columns, slot, candidates.size, nowMs),
    ];
  }

  copy(world: PickerWorld): Prequal {
    const copied = new Prequal(world, this.#pool.copy(), this.#distribution.copy());
    copied.#cells.set(this.#cells);
    copied.#fromReports = this.#fromReports;
    copied.#removeWorst = this.#removeWorst;
    return copied;
  }

  shareOf(slot: number, nowMs: number): number {
    return steadyShare(this.#world, slot, nowMs);
  }

  /** Counts of one kind say nothing of the other: at a change all begins anew. */
  #setSource(isOwn: boolean): void {
    if (this.#fromReports !== isOwn) return;
    this.#fromReports = !isOwn;
    this.#pool.size = 0;
    this.#reuseFor = 0;
    this.#distribution.clear();
  }

  #probeLocally(nowMs: number): void {
    const { candidates, columns, prng } = this.#world;
    const count = Math.min(PROBES_PER_REQUEST, candidates.size);
    for (let i = 0; i < count; i++) {
      const slot = candidates.at(prng.below(candidates.size));
      const weight = nominalWeight(columns, slot);
      const max = columns.traits.weightMax[0]!;
      // Probed as often as its weight says.
      if (weight < max && prng.float() * max >= weight) continue;
      const at = this.#place(slot, nowMs);
      this.#pool.rif[at] = columns.inFlight[slot]! * this.#pool.perWeight[at]!;
      this.#distribution.add(this.#pool.rif, at);
      this.#measure(at, slot, nowMs);
    }
  }

  /** Probes a request brings, on average. */
  get #probes(): number {
    return this.#fromReports ? 1 + this.#world.options.prequal.probesPerRequest : PROBES_PER_REQUEST;
  }

  #place(slot: number, nowMs: number): number {
    const { candidates, columns, prng } = this.#world;
    if (this.#reuseFor !== candidates.size) {
      this.#reuseFor = candidates.size;
      this.#cells[3] = reuseOf(this.#probes, candidates.size);
    }
    const reuse = this.#cells[3]!;
    // A fraction is kept by chance: 1.3 is 1 in seven cases of ten, else 2.
    const uses = Math.floor(reuse) + (prng.float() < reuse - Math.floor(reuse) ? 1 : 0);
    return this.#pool.place(columns, slot, uses, nowMs);
  }

  /** Takes the endpoint's word for its latency, or own knowledge where it gave none. */
  #measure(at: number, slot: number, nowMs: number): void {
    const { columns } = this.#world;
    const { latencyMs } = this.#pool;
    const told = this.#fromReports ? columns.load.latencyMs[slot]! : -1;
    if (told < 0) writeEffectiveLatency(columns, slot, columns.inFlight[slot]!, nowMs, latencyMs, at);
    else latencyMs[at] = told + errorRatioNow(columns, slot, nowMs) * ERROR_COST * columns.typicalMs[0]!;
  }

  /** Finds the best of the cold and of the hot. */
  #scan(tried: readonly number[], nowMs: number): void {
    const pool = this.#pool;
    const { columns, trace } = this.#world;
    const { threshold } = this.#distribution;
    const own = !this.#fromReports;
    let leastLatencyMs = Number.POSITIVE_INFINITY;
    let leastCost = Number.POSITIVE_INFINITY;
    this.#coldest = NOWHERE;
    this.#leastHot = NOWHERE;
    this.#usable = 0;
    pool.prune(columns, nowMs);
    // From anywhere, so that ties do not all go to the same one.
    let at = pool.size === 0 ? 0 : this.#world.prng.below(pool.size);
    for (let i = 0; i < pool.size; i++) {
      at = at + 1 >= pool.size ? 0 : at + 1;
      const slot = pool.slots[at]!;
      if (tried.length > 0 && tried.includes(slot)) continue;
      this.#usable++;
      const ratio = errorRatioNow(columns, slot, nowMs);
      if (own) pool.rif[at] = columns.inFlight[slot]! * pool.perWeight[at]!;
      const rif = pool.rif[at]!;
      if (rifBucket(rif) > threshold || ratio > SINKHOLE_RATIO) {
        const cost = (rif + 1) * (1 + ratio * ERROR_COST);
        if (cost >= leastCost) continue;
        leastCost = cost;
        this.#leastHot = at;
      } else {
        const latencyMs = pool.latencyMs[at]!;
        if (latencyMs >= leastLatencyMs) continue;
        leastLatencyMs = latencyMs;
        this.#coldest = at;
      }
    }
    trace.scores[0] = this.#coldest === NOWHERE ? leastCost : leastLatencyMs;
    trace.scores[1] = Number.NaN;
  }

  /** The chosen probe has been used once; the pool gives up what it owes. */
  #spend(at: number, endpoints: number): void {
    const pool = this.#pool;
    const cells = this.#cells;
    pool.rif[at] = pool.rif[at]! + pool.perWeight[at]!;
    pool.uses[at] = pool.uses[at]! - 1;
    if (pool.uses[at] === 0) pool.remove(at);
    // A pool that can hold all endpoints has nothing to make room for.
    if (endpoints <= pool.slots.length) return;
    for (cells[1] = cells[1]! + removalsOf(this.#probes); cells[1] >= 1; cells[1]--) {
      if (pool.size === 0) continue;
      pool.remove(this.#removeWorst ? this.#worst() : pool.oldest());
      this.#removeWorst = !this.#removeWorst;
    }
  }

  /** The rule upside down: of the hot the one with the highest RIF; if there is none, the slowest. */
  #worst(): number {
    const pool = this.#pool;
    const { threshold } = this.#distribution;
    let hottest = NOWHERE;
    let slowest = 0;
    for (let i = 0; i < pool.size; i++) {
      const rif = pool.rif[i]!;
      if (rifBucket(rif) > threshold && (hottest === NOWHERE || rif > pool.rif[hottest]!)) hottest = i;
      if (pool.latencyMs[i]! > pool.latencyMs[slowest]!) slowest = i;
    }
    return hottest === NOWHERE ? slowest : hottest;
  }

  #byChance(tried: readonly number[]): number {
    const { candidates, prng, trace } = this.#world;
    const n = tried.length === 0 ? candidates.size : candidates.untried(tried);
    const slot = candidates.at(prng.below(n));
    trace.single(slot, n === 1 ? BY_ONLY : BY_FEW_PROBES);
    return slot;
  }
}
