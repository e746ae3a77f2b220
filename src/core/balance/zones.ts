/**
 * How the traffic of one level is split over zones: the local zone as long as it has headroom, and of what does not fit
 * to each other zone what it can bear. After Envoy's load-aware locality (docs load_aware_locality.rst).
 *
 *     tolerated = max(0.7, mean utilisation elsewhere + 0.1)
 *     local    += tolerated - utilisation(local), times a gain, once a second; in [0.03, 0.97]
 *     elsewhere: the rest, by headroom(Z) = endpoints(Z) * max(0, 1 - utilisation(Z)), or by endpoints if nobody has any
 *
 * Different from Envoy:
 * - It spills as soon as the local zone is 0.1 fuller than the others, however empty both are. Crossing zones costs money
 *   and time, so here the local zone keeps its traffic up to 70 % (the source text's range is 70-80 %).
 * - Its rule jumps between all local and a split by headroom, and swings where the split itself empties the local zone.
 *   Here the local share is moved until the local zone stands at what is tolerated: only the excess leaves.
 * - Traffic leaves by the lesser of the smoothed and the latest utilisation and returns by the greater: once a queue
 *   drains, no more leaves, and before it has drained, none returns.
 *
 * A local zone that is lost, while another is not, keeps 3 % until it is not: most of its requests have failed, and ejection, a
 * tenth of the pool at most, cannot see to that.
 *
 * At least 3 % go elsewhere, and 3 % stay: else nothing would be known of a zone when it is needed. A local zone of a
 * single endpoint has nobody to stand in for it; then, and without a local zone, all is split by headroom.
 */
export interface Zone {
  /** Endpoints that may serve. */
  readonly endpoints: number;
  /** In [0, 1], may exceed 1; undefined: not known, counted as idle, as Envoy does. */
  readonly utilisation: number | undefined;
  /** The same before smoothing, where it is known apart. */
  readonly latest?: number | undefined;
  /** More than half of its requests fail. */
  readonly isLost?: boolean;
  readonly isLocal: boolean;
}

const LOCAL_TARGET = 0.7;
const LOCAL_MARGIN = 0.1;
const LOCAL_MIN = 2;
const PROBE_SHARE = 0.03;

/**
 * Per second and unit of utilisation. Traffic leaves three times as fast as it returns, and both are slow against the 2 s
 * by which utilisation lags (zone-utilisation.ts): gain * lag stays below one for a zone at twice its capacity.
 */
const GAIN_LEAVING = 0.3;
const GAIN_RETURNING = 0.1;
const LEAVING_MAX = 0.1;
const RETURNING_MAX = 0.02;

/**
 * The shares for the next second, in the order of the zones; they sum to 1 unless there are no endpoints. `before`: the
 * local zone's share until now; undefined at first.
 */
export function zoneShares(zones: readonly Zone[], before: number | undefined): readonly number[] {
  const local = zones.find((zone) => zone.isLocal);
  const others = zones.filter((zone) => zone !== local);
  const elsewhere = sum(others.map((zone) => zone.endpoints));
  if (local === undefined || local.endpoints < LOCAL_MIN) return byHeadroom(zones);
  if (elsewhere === 0) return zones.map((zone) => (zone === local ? 1 : 0));
  const isLost = local.isLost === true && others.some((zone) => zone.endpoints > 0 && zone.isLost !== true);
  const share = isLost ? PROBE_SHARE : localShare(local, others, before ?? 1);
  const split = byHeadroom(others);
  return zones.map((zone) => (zone === local ? share : (1 - share) * split[others.indexOf(zone)]!));
}

function localShare(local: Zone, others: readonly Zone[], before: number): number {
  const elsewhere = sum(others.map((zone) => zone.endpoints));
  const busy = sum(others.map((zone) => zone.endpoints * (zone.utilisation ?? 0))) / elsewhere;
  const tolerated = Math.max(LOCAL_TARGET, busy + LOCAL_MARGIN);
  const smoothed = local.utilisation ?? 0;
  const latest = local.latest ?? smoothed;
  const excess = Math.max(0, Math.min(smoothed, latest) - tolerated);
  const slack = Math.max(0, tolerated - Math.max(smoothed, latest));
  const step = Math.min(RETURNING_MAX, GAIN_RETURNING * slack) - Math.min(LEAVING_MAX, GAIN_LEAVING * excess);
  return Math.min(1 - PROBE_SHARE, Math.max(PROBE_SHARE, before + step));
}

function byHeadroom(zones: readonly Zone[]): readonly number[] {
  const headroom = zones.map((zone) => zone.endpoints * Math.max(0, 1 - (zone.utilisation ?? 0)));
  const total = sum(headroom);
  if (total > 0) return headroom.map((each) => each / total);
  const endpoints = sum(zones.map((zone) => zone.endpoints));
  return zones.map((zone) => (endpoints === 0 ? 0 : zone.endpoints / endpoints));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
