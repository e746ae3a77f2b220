/**
 * Which hostnames a listener and a route share.
 *
 * Gateway API, HTTPRouteSpec.hostnames: a wildcard stands for one or more whole labels; of two names that meet, the
 * more specific is what both admit; a route that names none takes the listener's. Here `*` means any host.
 */

/** Empty where they share nothing: the route then does not attach. */
export function sharedHostnames(listener: string, route: readonly string[]): readonly string[] {
  if (route.length === 0) return [listener];
  const shared = route
    .map((hostname) => sharedHostname(listener, hostname))
    .filter((name) => name !== undefined);
  return [...new Set(shared)];
}

function sharedHostname(a: string, b: string): string | undefined {
  if (covers(a, b)) return b;
  if (covers(b, a)) return a;
  return undefined;
}

/** Whether every host that `narrow` admits is admitted by `wide` too. */
export function covers(wide: string, narrow: string): boolean {
  if (wide === "*" || wide === narrow) return true;
  if (!wide.startsWith("*.")) return false;
  const suffix = wide.slice(1);
  // The star of a narrower wildcard stands for at least one label, so its own suffix must be longer.
  return narrow.endsWith(suffix) && narrow.length > suffix.length && narrow !== "*";
}
