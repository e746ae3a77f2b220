/**
 * The conversations of the plan, held with one fleet: each begins when it is due, whatever becomes of the others.
 *
 * A turn comes after the answer to the one before and the time the user thinks, so a slow fleet is asked a little less: that is
 * how people are, and it favours the slower side. A turn that fails ends its conversation. Bounded: at most IN_FLIGHT_MAX at
 * once; what is due beyond that counts as failed.
 */
import { Agent } from "node:http";
import { chat, type ChatMessage, type ChatSeen } from "./chat-request.ts";
import { ConversationPlan, type PlannedConversation } from "./conversation-plan.ts";
import { MODEL } from "./fleets.ts";

const IN_FLIGHT_MAX = 300;
const TICK_MS = 10;

const NOT_SENT: ChatSeen = {
  ok: false,
  endpoint: undefined,
  tpotMs: undefined,
  promptTokens: 0,
  cachedTokens: 0,
  answer: "",
};

export interface LoadUser {
  /** A request is due: who is told what becomes of it. */
  due(): TurnUser;
}

export interface TurnUser {
  first(ttftMs: number): void;
  /** Last, and once. */
  seen(seen: ChatSeen): void;
}

export class ChatLoad {
  readonly #port: number;
  readonly #plan: ConversationPlan;
  readonly #user: LoadUser;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT_MAX, scheduling: "lifo" });
  readonly #thinking = new Set<NodeJS.Timeout>();
  #startedMs = 0;
  #next: PlannedConversation;
  #timer: NodeJS.Timeout | undefined;
  #inFlight = 0;

  /** Same seed, same conversations. */
  constructor(port: number, seed: number, user: LoadUser) {
    this.#port = port;
    this.#plan = new ConversationPlan(seed);
    this.#next = this.#plan.next();
    this.#user = user;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  start(): void {
    this.#startedMs = performance.now();
    this.#timer = setInterval(() => {
      while (this.#startedMs + this.#next.beginMs <= performance.now()) {
        const dueMs = this.#startedMs + this.#next.beginMs;
        void this.#turn(this.#next, 0, [{ role: "system", content: this.#next.system }], dueMs);
        this.#next = this.#plan.next();
      }
    }, TICK_MS);
  }

  /** Ends at once; what is under way is given up and counts for nothing. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const timer of this.#thinking) clearTimeout(timer);
    this.#agent.destroy();
  }

  async #turn(
    conversation: PlannedConversation,
    index: number,
    said: readonly ChatMessage[],
    dueMs: number,
  ): Promise<void> {
    const turn = conversation.turns[index]!;
    const messages: readonly ChatMessage[] = [...said, { role: "user", content: turn.text }];
    const user = this.#user.due();
    let seen = NOT_SENT;
    if (this.#inFlight < IN_FLIGHT_MAX) {
      this.#inFlight++;
      seen = await chat({
        port: this.#port,
        agent: this.#agent,
        model: MODEL,
        messages,
        tokensMax: turn.answerTokens,
        dueMs,
        first: (ttftMs) => user.first(ttftMs),
      });
      this.#inFlight--;
    }
    if (this.#timer === undefined) return;
    user.seen(seen);
    const next = conversation.turns[index + 1];
    if (!seen.ok || next === undefined) return;
    const nextDueMs = performance.now() + next.thinkMs;
    const timer = setTimeout(() => {
      this.#thinking.delete(timer);
      void this.#turn(
        conversation,
        index + 1,
        [...messages, { role: "assistant", content: seen.answer }],
        nextDueMs,
      );
    }, next.thinkMs);
    this.#thinking.add(timer);
  }
}
