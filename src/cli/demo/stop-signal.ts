/**
 * When a demo ends: on Ctrl-C, SIGTERM, SIGHUP, a reader that has gone away, the given signal, or after its time.
 */
export interface StopSignal {
  readonly signal: AbortSignal;
  stop(): void;
  /** Takes the time from now on. */
  endAfter(seconds: number | undefined): void;
  /** Gives everything back; the demo is over. */
  release(): void;
}

const NAMES = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export function stopSignal(out: NodeJS.WritableStream, given: AbortSignal | undefined): StopSignal {
  const end = new AbortController();
  const stop = (): void => end.abort();
  let timer: NodeJS.Timeout | undefined;
  for (const name of NAMES) process.on(name, stop);
  // A reader that has gone away (`| head`) ends the demo as Ctrl-C does.
  out.on("error", stop);
  given?.addEventListener("abort", stop);
  if (given?.aborted === true) stop();
  return {
    signal: end.signal,
    stop,
    endAfter: (seconds) => {
      if (seconds !== undefined) timer = setTimeout(stop, seconds * 1000);
    },
    release: () => {
      clearTimeout(timer);
      for (const name of NAMES) process.off(name, stop);
      given?.removeEventListener("abort", stop);
      out.off("error", stop);
    },
  };
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
