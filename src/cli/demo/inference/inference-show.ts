/**
 * The show: plays the story on both fleets, holds the conversations with each, watches what comes of it, and sums up at the end.
 */
import { fetchPools, type PoolReport } from "../pool-report.ts";
import { screenOn } from "../screen.ts";
import { paint } from "../spans.ts";
import { aborted } from "../stop-signal.ts";
import { ChatLoad } from "./chat-load.ts";
import { EngineWatch } from "./engine-watch.ts";
import type { FleetProcess } from "./fleet-process.ts";
import { ADMIN_PORT, engineName, type Fleet } from "./fleets.ts";
import {
  captionLine,
  drawPicture,
  plainPicture,
  type EngineView,
  type InferencePicture,
  type StoryCaption,
} from "./picture.ts";
import { conditionOf, CYCLE_MS, momentAt, SCENES, type Moment } from "./story.ts";
import { sceneLine, summaryLines } from "./summary.ts";
import { Tally } from "./tally.ts";

const SEED = 1;
/** Long enough for some hundred answers per fleet. */
const WINDOW_MS = 10_000;
const FRAME_MS = 500;
const PLAIN_LINE_MS = 2000;
const CAPTIONS_KEPT = 20;

export interface ShowOptions {
  readonly out: NodeJS.WritableStream;
  readonly plain: boolean;
  /** The story fits into it. */
  readonly seconds: number | undefined;
}

interface Side {
  readonly title: string;
  readonly fleet: Fleet;
  readonly process: FleetProcess;
  readonly tally: Tally;
  readonly load: ChatLoad;
  failures: number;
  report: PoolReport | undefined;
  isPolling: boolean;
}

export async function playInference(
  processes: readonly FleetProcess[],
  { out, plain, seconds }: ShowOptions,
  signal: AbortSignal,
): Promise<void> {
  const screen = screenOn(out, plain);
  const cycleMs = Math.min(CYCLE_MS, seconds === undefined ? CYCLE_MS : 1000 * seconds);
  const startedMs = performance.now();
  const captions: StoryCaption[] = [];
  let moment = momentAt(0, cycleMs);
  let sceneNumber = -1;
  let sceneBeganMs = startedMs;
  let plainDueMs = PLAIN_LINE_MS;
  const sides = processes.map((process): Side => {
    const tally = new Tally();
    const { policy, gatewayPort } = process.fleet;
    const side: Side = {
      title: policy,
      fleet: process.fleet,
      process,
      tally,
      failures: 0,
      report: undefined,
      isPolling: false,
      load: new ChatLoad(gatewayPort, SEED, {
        due: () => {
          const { title } = moment.scene;
          return {
            first: (ttftMs) => tally.first(ttftMs, title, performance.now()),
            seen: (seen) => {
              tally.add(seen, moment.scene.title, performance.now());
              if (!seen.ok) side.failures++;
            },
          };
        },
      }),
    };
    return side;
  });
  const watch = new EngineWatch(sides.flatMap(({ fleet }) => fleet.enginePorts));

  const caption = (by: StoryCaption["by"], text: string, atMs: number): void => {
    const told = { by, text, atMs };
    captions.push(told);
    if (captions.length > CAPTIONS_KEPT) captions.shift();
    if (screen === undefined) out.write(`${paint(captionLine(told), false)}\n`);
  };

  const look = (nowMs: number): InferencePicture => ({
    elapsedMs: nowMs - startedMs,
    windowMs: WINDOW_MS,
    captions,
    sides: sides.map((side) => ({
      title: side.title,
      figures: side.tally.since(nowMs - WINDOW_MS),
      failuresTotal: side.failures,
      engines: enginesOf(side, moment, watch),
    })),
  });

  const tick = (): void => {
    const nowMs = performance.now();
    moment = momentAt(nowMs - startedMs, cycleMs);
    if (moment.sceneNumber !== sceneNumber) {
      if (sceneNumber >= 0) caption("measured", sceneLine(sides, sceneBeganMs), nowMs - startedMs);
      caption("story", moment.scene.caption, nowMs - startedMs);
      sceneNumber = moment.sceneNumber;
      sceneBeganMs = nowMs;
    }
    for (const side of sides) {
      for (const index of side.fleet.enginePorts.keys())
        side.process.become(index, conditionOf(index, moment));
      void poll(side);
    }
    if (screen !== undefined) screen.draw(drawPicture(look(nowMs), screen.width));
    else if (nowMs - startedMs >= plainDueMs) {
      plainDueMs += PLAIN_LINE_MS;
      out.write(`${plainPicture(look(nowMs))}\n`);
    }
  };

  for (const { load } of sides) load.start();
  tick();
  const ticking = setInterval(tick, FRAME_MS);
  await aborted(signal);
  clearInterval(ticking);
  watch.close();
  for (const { load } of sides) load.stop();
  screen?.end();
  const titles = [...new Set(SCENES.map(({ title }) => title))];
  const lines = summaryLines(sides, titles, performance.now() - startedMs);
  out.write(`\n${lines.join("\n")}\n`);
}

async function poll(side: Side): Promise<void> {
  if (side.isPolling) return;
  side.isPolling = true;
  side.report = await fetchPools("127.0.0.1", ADMIN_PORT, `default/${side.fleet.pool}`);
  side.isPolling = false;
}

function enginesOf(
  { fleet, report }: Side,
  moment: Moment,
  watch: EngineWatch,
): ReadonlyMap<string, EngineView> {
  return new Map(
    fleet.enginePorts.map((port, index) => {
      const said = watch.report(port);
      return [
        engineName(index),
        {
          condition: conditionOf(index, moment),
          running: said?.running,
          waiting: said?.waiting,
          state: report?.get(port)?.state,
        },
      ];
    }),
  );
}
