/**
 * The show: plays the story on the endpoints, sends the load, watches what comes of it and draws it, until it is
 * told to end. On a terminal a picture redrawn in place; otherwise plain lines.
 */
import { type EndpointServer, LOOPBACK } from "./endpoint-server.ts";
import { captionLine, drawFrame, type Picture, plainLine, type TimedCaption } from "./frame.ts";
import { Narrator } from "./narrator.ts";
import { fetchPools, type PoolReport } from "./pool-report.ts";
import { screenOn } from "./screen.ts";
import { paint } from "./spans.ts";
import { SteadyLoad } from "./steady-load.ts";
import { aborted } from "./stop-signal.ts";
import { conditionOf, type Moment, momentAt, PATIENT } from "./story.ts";
import { TrafficWindow } from "./traffic-window.ts";

/** The Service of examples/quickstart. */
const POOL_KEY = "default/quickstart:80";
const RATE_PER_SEC = 150;
/** Short enough to show a change soon, long enough for some ninety requests per endpoint. */
const WINDOW_MS = 3000;
const FRAME_MS = 250;
const PLAIN_LINE_MS = 1000;
/** More than a screen shows; a demo left running for days must not grow. */
const CAPTIONS_KEPT = 20;

export interface ShowPorts {
  readonly gateway: number;
  readonly admin: number;
}

export async function playShow(
  servers: readonly EndpointServer[],
  ports: ShowPorts,
  out: NodeJS.WritableStream,
  plain: boolean,
  signal: AbortSignal,
): Promise<void> {
  const screen = screenOn(out, plain);
  const window = new TrafficWindow(WINDOW_MS);
  const load = new SteadyLoad(ports.gateway, RATE_PER_SEC, (sample) => window.add(sample));
  const narrator = new Narrator();
  const patient = servers.find(({ plan }) => plan.name === PATIENT);
  const captions: TimedCaption[] = [];
  const startedMs = performance.now();
  let report: PoolReport | undefined;
  let polling = false;
  let plainDueMs = PLAIN_LINE_MS;

  const poll = async (): Promise<void> => {
    if (polling) return;
    polling = true;
    report = await fetchPools(LOOPBACK, ports.admin, POOL_KEY);
    polling = false;
  };

  const look = (nowMs: number): Picture => ({
    elapsedMs: nowMs - startedMs,
    windowMs: WINDOW_MS,
    endpoints: servers.map(({ plan, condition }) => ({
      name: plan.name,
      condition,
      reported: report?.get(plan.port),
    })),
    traffic: window.read(nowMs),
    requestsTotal: load.requests,
    failuresTotal: load.failures,
    captions,
  });

  const narrate = (moment: Moment, { traffic, failuresTotal, elapsedMs }: Picture): void => {
    const state = patient === undefined ? undefined : report?.get(patient.plan.port)?.state;
    for (const caption of narrator.observe({ moment, traffic, state, failuresTotal })) {
      const timed = { ...caption, atMs: elapsedMs };
      captions.push(timed);
      if (captions.length > CAPTIONS_KEPT) captions.shift();
      if (screen === undefined) out.write(`${paint(captionLine(timed), false)}\n`);
    }
  };

  const tick = (): void => {
    const nowMs = performance.now();
    const moment = momentAt(nowMs - startedMs);
    for (const server of servers) void server.become(conditionOf(server.plan.name, moment));
    void poll();
    const picture = look(nowMs);
    narrate(moment, picture);
    if (screen !== undefined) screen.draw(drawFrame(picture, screen.width));
    else if (picture.elapsedMs >= plainDueMs) {
      plainDueMs += PLAIN_LINE_MS;
      out.write(`${plainLine(picture)}\n`);
    }
  };

  load.start();
  tick();
  const ticking = setInterval(tick, FRAME_MS);
  await aborted(signal);
  clearInterval(ticking);
  load.stop();
  screen?.end();
}
