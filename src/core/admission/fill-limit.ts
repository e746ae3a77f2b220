/**
 * How far work of lower priority may fill a pool whose capacity nobody has told: found from whether the most urgent work gets slower by
 * it.
 *
 * The adaptive limit lets answers take half as long again as unloaded, which is right among equals and too much to ask of a
 * person for the sake of a batch job. So work that has a class above it starts only while less than `value` is under way,
 * the number at which the answers of the most urgent class ("protected") begin as soon as without that work.
 *
 * In windows of at least WINDOW_MS and SAMPLES_MIN answers of the protected class, by their mean time to the first byte
 * (single times count for at most OUTLIER calm means):
 *
 *     slowness = mean / calm mean
 *     congested, if slowness > 1 + max(5 %, two standard errors):  value = under way on average / slowness
 *     else, if work of lower priority was held back by it:          value = value + step, step growing by a quarter from 1 % to 5 %
 *
 * Where all slots are taken answers take longer in proportion to what is under way (Little's law), so the first congested
 * window already says how many slots there are. A window counts only requests that started after what was under way had
 * come down to `value` (or SETTLE_MS had passed), so each shows what the one before decided.
 *
 * The calm mean is taken while at most half of `value` is under way, and otherwise by probing: every PROBE_MS in which lower work has been
 * held back, `value` is halved for one window, which costs a few percent of the work that fills. If that makes
 * answers faster by a tenth, they were not calm before, and the next probe follows in PROBE_AGAIN_MS: so a flood at first sight is not taken for
 * normal. If a cut does not undo at least half of the slowness, the work that fills was not the cause: the calm mean is learnt anew and
 * the value restored, rather than filling work ground down for endpoints that became slower.
 *
 * Times in ms, slots in requests. Invariants: value >= 1; answers of other classes and without a calm mean change nothing but by probes.
 */
const WINDOW_MS = 500;
const SAMPLES_MIN = 20;
/** Times vary: a window lasts until two standard errors of its mean are within ERROR_MAX of it, but no longer than this. */
const WINDOW_MS_MAX = 2_000;
const ERROR_MAX = 0.1;
const MARGIN = 0.05;
const OUTLIER = 4;
const STEP_FIRST = 0.01;
const STEP_MAX = 0.03;
const STEP_GROWTH = 1.25;
const SETTLE_MS = 5_000;
const PROBE_MS = 60_000;
const PROBE_AGAIN_MS = 2_000;
const PROBE_RATIO = 0.5;
const PROBE_GAIN = 0.9;
const CALM_SHARE = 0.25;
/** Lower work that is less than an eighth of all is not what makes answers slow. */
const LOWER_MIN = 1 / 8;
const PROVEN_MIN = 0.8;
const KNOWN_RATIO = 0.9;
/** What a cut should have undone at least half of, if it was right; less drowns in chance. */
const PLAIN = 1.5;
const STEP_KNOWN = 0.05;
const STEP_LEAST = 0.1;
const DROPS_MAX = 0.05;
const DROP_FACTOR = 0.9;

export class FillLimit {
  /** What work of lower priority may fill up to. */
  #value: number;
  #proven = 0;
  /** Up to here it may grow quickly: it has been well there. */
  #known = 0;
  /** How much slower than MARGIN allows the last windows were, all together. */
  #suspicion = 0;
  /** The protected class: its priority. */
  #priority = Number.POSITIVE_INFINITY;
  #heardMs = Number.NEGATIVE_INFINITY;
  /** Below 0: not known yet. */
  #calmMs = -1;
  #step = STEP_FIRST;
  /** Work of lower priority has been held back in this window. */
  #heldBack = false;
  /** Since when it has been, on the whole; probes are counted from here. */
  #probedMs = Number.NEGATIVE_INFINITY;
  #probing = false;
  /** What to return to from a probe, or from a cut that does not help. */
  #before = 0;
  #cutFrom = 0;
  #changedMs = Number.NEGATIVE_INFINITY;
  /** When what was decided last came to hold; Infinity: it does not yet. */
  #settledMs = Number.NEGATIVE_INFINITY;
  #windowMs = Number.NaN;
  #count = 0;
  #sum = 0;
  #squares = 0;
  #underWay = 0;
  #lower = 0;
  #drops = 0;
  #peak = 0;

  constructor(first: number) {
    this.#value = first;
  }

  get value(): number {
    return this.#value;
  }

  /** Requests of which it is known that they may be under way at once without being in the way of the most urgent; 0: not known. */
  get proven(): number {
    return this.#proven;
  }

  /** A request was refused by its endpoint for load, or got no answer in time. */
  dropped(): void {
    this.#drops++;
  }

  /** Work of lower priority would have started if `value` were greater. */
  heldBack(): void {
    this.#heldBack = true;
  }

  /** An answer of a class of that priority began `firstByteMs` after its request started. `underWay`: of all classes, with this one; `lower`: of those of lower priority. */
  answered(priority: number, firstByteMs: number, underWay: number, lower: number, nowMs: number): void {
    if (priority < this.#priority || nowMs - this.#heardMs > PROBE_MS) this.#protect(priority, nowMs);
    if (priority !== this.#priority) return;
    this.#heardMs = nowMs;
    if (this.#settledMs === Number.POSITIVE_INFINITY) {
      if (underWay > this.#value && nowMs - this.#changedMs < SETTLE_MS) return;
      this.#settledMs = nowMs;
    }
    if (nowMs - firstByteMs < this.#settledMs) return;
    if (this.#count === 0) this.#windowMs = nowMs;
    const most = this.#calmMs < 0 ? Number.POSITIVE_INFINITY : OUTLIER * this.#calmMs;
    const countedMs = Math.min(firstByteMs, most);
    this.#count++;
    this.#sum += countedMs;
    this.#squares += countedMs * countedMs;
    this.#underWay += underWay;
    this.#lower += lower;
    this.#peak = Math.max(this.#peak, underWay);
    const passedMs = nowMs - this.#windowMs;
    if (passedMs < WINDOW_MS || this.#count < SAMPLES_MIN) return;
    if (passedMs >= WINDOW_MS_MAX || 2 * this.#error() <= ERROR_MAX) this.#conclude(nowMs);
  }

  #protect(priority: number, nowMs: number): void {
    if (priority === this.#priority) return;
    this.#priority = priority;
    this.#proven = 0;
    this.#calmMs = -1;
    this.#cutFrom = 0;
    this.#suspicion = 0;
    if (this.#probing) this.#value = this.#before;
    this.#probing = false;
    this.#probedMs = Number.NEGATIVE_INFINITY;
    this.#begin(nowMs, false);
  }

  #conclude(nowMs: number): void {
    const meanMs = this.#sum / this.#count;
    const underWay = this.#underWay / this.#count;
    if (this.#drops > this.#count * DROPS_MAX) {
      // What endpoints refuse is too much whatever the answers say.
      this.#proven = 0;
      if (!this.#probing) this.#value = Math.max(1, this.#value * DROP_FACTOR);
    }
    if (this.#probing) this.#endProbe(meanMs, nowMs);
    else if (this.#peak * 2 <= this.#value) {
      if (this.#calmMs < 0) this.#calmMs = meanMs;
      else this.#calmMs += (meanMs - this.#calmMs) * CALM_SHARE;
      this.#cutFrom = 0;
      this.#probedMs = Math.max(this.#probedMs, nowMs - PROBE_MS / 2);
      this.#begin(nowMs, false);
    } else if (this.#calmMs < 0 || (this.#heldBack && nowMs - this.#probedMs >= PROBE_MS)) {
      this.#probing = true;
      this.#before = this.#value;
      this.#value = Math.max(1, Math.min(this.#value, underWay) * PROBE_RATIO);
      this.#begin(nowMs, true);
    } else this.#judge(meanMs / Math.max(this.#calmMs, Number.MIN_VALUE), underWay, nowMs);
  }

  #judge(slowness: number, underWay: number, nowMs: number): void {
    const error = this.#error();
    const isCause = this.#lower >= this.#underWay * LOWER_MIN;
    // Without lower work it is calm by definition; and it is not calmer than with it.
    if (!isCause || slowness < 1 - 2 * error) this.#calmMs *= 1 + (slowness - 1) * CALM_SHARE;
    this.#suspicion = isCause ? Math.max(0, this.#suspicion + slowness - 1 - MARGIN) : 0;
    if (this.#suspicion <= Math.max(MARGIN, 2 * error)) {
      if (this.#suspicion === 0) {
        this.#cutFrom = 0;
        if (isCause && this.#drops === 0 && underWay >= this.#value * PROVEN_MIN) this.#proven = this.#value;
        if (this.#heldBack) this.#grow();
      }
      this.#begin(nowMs, false);
      return;
    }
    this.#suspicion = 0;
    if (this.#cutFrom >= PLAIN && slowness - 1 > (this.#cutFrom - 1) / 2) {
      // The cut did not help.
      this.#calmMs *= slowness;
      this.#value = this.#before;
      this.#cutFrom = 0;
      this.#begin(nowMs, false);
      return;
    }
    this.#step = STEP_FIRST;
    this.#before = this.#value;
    this.#cutFrom = slowness;
    this.#value = Math.max(1, Math.min(this.#value, underWay / Math.max(1 + MARGIN, slowness - error)));
    this.#known = Math.max(this.#known, this.#proven) * KNOWN_RATIO;
    this.#proven = Math.min(this.#proven, this.#value);
    this.#begin(nowMs, true);
  }

  #grow(): void {
    const step = this.#value < this.#known ? STEP_KNOWN : this.#step;
    this.#value += Math.max(this.#value * step, STEP_LEAST);
    this.#step = Math.min(STEP_MAX, this.#step * STEP_GROWTH);
  }

  /** Standard error of the window's mean, as a share of it. */
  #error(): number {
    const mean = this.#sum / this.#count;
    const variance = Math.max(0, this.#squares / this.#count - mean * mean);
    return Math.sqrt(variance / this.#count) / Math.max(mean, Number.MIN_VALUE);
  }

  #endProbe(meanMs: number, nowMs: number): void {
    const wasCalm = this.#calmMs >= 0 && meanMs > this.#calmMs * PROBE_GAIN;
    this.#calmMs = wasCalm ? (this.#calmMs + meanMs) / 2 : meanMs;
    this.#probing = false;
    this.#value = this.#before;
    this.#cutFrom = 0;
    this.#probedMs = wasCalm ? nowMs : nowMs - PROBE_MS + PROBE_AGAIN_MS;
    this.#begin(nowMs, false);
  }

  /** A new window; `isLess`: less may be under way from now on, which takes its time. */
  #begin(nowMs: number, isLess: boolean): void {
    this.#changedMs = nowMs;
    this.#settledMs = isLess ? Number.POSITIVE_INFINITY : nowMs;
    this.#count = 0;
    this.#sum = 0;
    this.#squares = 0;
    this.#underWay = 0;
    this.#lower = 0;
    this.#drops = 0;
    this.#peak = 0;
    this.#heldBack = false;
  }
}
