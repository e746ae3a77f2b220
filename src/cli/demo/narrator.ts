/**
 * The demo's captions: what was done to the endpoints (from the story), and what the gateway did about it (from
 * measurement only: shares counted from responses, states and failures as observed).
 *
 * A line about the gateway appears only when its condition is seen to hold; if the gateway does not do its work, the
 * line does not appear. Times are seconds since the endpoint's condition last changed.
 */
import { type Moment, PATIENT } from "./story.ts";
import { NO_TRAFFIC, type Traffic } from "./traffic-window.ts";

export interface Observation {
  readonly moment: Moment;
  readonly traffic: Traffic;
  /** The gateway's word on the story's endpoint; undefined where the admin did not answer. */
  readonly state: string | undefined;
  /** Failed requests since the demo began. */
  readonly failuresTotal: number;
}

export interface Caption {
  readonly by: "story" | "measured";
  readonly text: string;
}

/**
 * "Left" is a share below a quarter of what it was before, "back" above a half: far enough apart that the noise of a
 * window of some hundred requests does not cross both.
 */
const LEFT_RATIO = 0.25;
const BACK_RATIO = 0.5;
/** Below this share before the trouble there was nothing to leave or to come back. */
const NOTICEABLE_SHARE = 0.02;

export class Narrator {
  #moment: Moment | undefined;
  /** How long earlier scenes have had the endpoint in its present condition. */
  #beforeSceneMs = 0;
  /** Share of the story's endpoint when it was last well and had its traffic. */
  #usualShare = 0;
  #trafficLeft = false;
  #unhealthy = false;
  #failuresAtScene = 0;

  observe({ moment, traffic, state, failuresTotal }: Observation): readonly Caption[] {
    const captions: Caption[] = [];
    const measured = (text: string): void => void captions.push({ by: "measured", text });
    if (this.#moment !== undefined && moment.sceneNumber !== this.#moment.sceneNumber) {
      const same = moment.scene.condition === this.#moment.scene.condition;
      this.#beforeSceneMs = same ? this.#beforeSceneMs + this.#moment.scene.durationMs : 0;
    }
    const after = `after ${((this.#beforeSceneMs + moment.sinceMs) / 1000).toFixed(1)} s`;

    if (moment.sceneNumber !== this.#moment?.sceneNumber) {
      const cost = this.#costOfScene(failuresTotal);
      if (cost !== undefined) measured(cost);
      captions.push({ by: "story", text: moment.scene.caption });
      this.#moment = moment;
      this.#failuresAtScene = failuresTotal;
    }

    const { share } = traffic.endpoints.get(PATIENT) ?? NO_TRAFFIC;
    const well = moment.scene.condition === "well";
    if (!this.#trafficLeft) {
      if (!well && this.#usualShare > NOTICEABLE_SHARE && share < this.#usualShare * LEFT_RATIO) {
        this.#trafficLeft = true;
        measured(`traffic has left ${PATIENT} ${after}: ${percent(share)}, was ${percent(this.#usualShare)}`);
      }
    } else if (well && share > this.#usualShare * BACK_RATIO) {
      this.#trafficLeft = false;
      measured(`traffic has come back to ${PATIENT} ${after}: ${percent(share)}`);
    }
    if (well && !this.#trafficLeft) this.#usualShare = share;

    if (!this.#unhealthy && state === "unhealthy") {
      this.#unhealthy = true;
      measured(`the gateway calls ${PATIENT} unhealthy ${after}`);
    } else if (this.#unhealthy && state === "healthy") {
      this.#unhealthy = false;
      measured(`the gateway calls ${PATIENT} healthy again ${after}`);
    }
    return captions;
  }

  /** What the scene that has just ended cost the clients. */
  #costOfScene(failuresTotal: number): string | undefined {
    if (this.#moment === undefined) return undefined;
    const failed = failuresTotal - this.#failuresAtScene;
    if (failed > 0) return `${failed} ${failed === 1 ? "request" : "requests"} failed meanwhile`;
    return this.#moment.scene.condition === "well" ? undefined : "no request failed meanwhile";
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
