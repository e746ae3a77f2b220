/**
 * Why a described request would go where it would go: the request line's decisions, told and not made.
 *
 * Runs on any view: that of a gateway at work or one built from manifests for the purpose. It asks what the request line
 * asks, in its order and with a copy of its generator (a rule's backend is drawn before the endpoint), so a request that came
 * at this moment would go where it says, unless one of the few things befalls it that are not foreseen: it waits or is throttled,
 * an ejection comes due, or it is sent to try an endpoint that is out. Nothing is picked, counted or drawn.
 */
import type { RouteFacts } from "../core/route/facts.ts";
import type { GatewayConfig } from "../model/config.ts";
import { REFUSALS, type Refusal } from "../model/refusal.ts";
import { copyPrng, type Prng } from "../std/prng.ts";
import { explainClass, isFull, type ClassExplanation } from "./explain-class.ts";
import { explainPrompt, type PromptExplanation } from "./explain-prompt.ts";
import { explainPool, type PoolExplanation } from "./explain-pool.ts";
import { becauseOf } from "./explain-reason.ts";
import { explainRoute, type RouteExplanation } from "./explain-route.ts";
import type { LivePool } from "./live-pool.ts";
import { hashAt, routeRequest, type Arrival } from "./route-request.ts";
import type { LiveBackend, LiveRule, View } from "./view.ts";

/** A request as somebody describes it. */
export interface AskedRequest extends RouteFacts, Arrival {
  /** Path and query. */
  readonly target: string;
  /** Whole; undefined: not described. It counts where it is read before an endpoint is chosen. */
  readonly body?: Uint8Array | undefined;
}

export interface RequestExplanation {
  readonly request: {
    readonly method: string;
    readonly host: string;
    readonly target: string;
    readonly port: number;
    readonly client: string;
  };
  readonly verdict: ExplainedVerdict;
  readonly route: RouteExplanation;
  /** Of the matched rule, in its order. */
  readonly backends: readonly BackendExplanation[];
  /** Undefined where no pool is found. */
  readonly limits: ExplainedLimits | undefined;
}

export type ExplainedVerdict =
  | {
      readonly kind: "send";
      readonly endpoint: string;
      readonly displayName: string | undefined;
      readonly pool: string;
      /** The pool is at its limit: it would wait for its turn first, and things may have changed by then. */
      readonly waits: boolean;
      readonly because: string;
    }
  | {
      readonly kind: "refuse";
      readonly refusal: Refusal;
      readonly status: number;
      readonly because: string;
    };

export interface BackendExplanation {
  /** `namespace/service:port`; undefined: the reference does not resolve. */
  readonly pool: string | undefined;
  /** Why it does not; undefined where it does. */
  readonly invalid: string | undefined;
  readonly weight: number;
  /** Of the rule's requests, in [0, 1]. */
  readonly share: number;
  /** The draw fell on it. The others tell what they would do had it fallen on them. */
  readonly drawn: boolean;
  /** What the pool makes of the request's body; undefined: nothing, it is no prompt there. */
  readonly prompt: PromptExplanation | undefined;
  readonly class: ClassExplanation | undefined;
  readonly explained: PoolExplanation | undefined;
}

export interface ExplainedLimits {
  /** For the whole exchange; 0 = none. */
  readonly requestMs: number;
  /** For one attempt, to the response's head; 0 = none. */
  readonly tryMs: number;
  readonly attempts: number;
}

/** `config` is what the view was made of. `prng` is the gateway's; copied, not moved. */
export function explainRequest(
  view: View,
  config: GatewayConfig,
  asked: AskedRequest,
  prng: Prng,
  nowMs: number,
): RequestExplanation {
  const chance = copyPrng(prng);
  const routed = routeRequest(view, asked, asked, chance);
  const listeners = config.listeners.filter(({ port }) => port === asked.port);
  const route = explainRoute(listeners, asked, routed.rule?.rule.id);
  const drawn = routed.kind === "pool" ? routed.pool : undefined;
  const backends =
    routed.rule === undefined
      ? []
      : explainBackends(routed.rule, drawn, (pool, rule) => askPool(pool, rule, asked, chance, nowMs));
  const { method, host, target, port, address } = asked;
  return {
    request: { method, host, target, port, client: address },
    verdict: routed.kind === "refuse" ? refused(routed.reason, route) : verdictOf(backends),
    route,
    backends,
    limits:
      routed.kind === "refuse"
        ? undefined
        : {
            requestMs: routed.requestMs,
            tryMs: routed.tryMs,
            attempts: routed.pool.spec.policy.retries.attempts,
          },
  };
}

type AskedPool = Pick<BackendExplanation, "prompt" | "class" | "explained">;

function askPool(
  pool: LivePool,
  { rule, habits }: LiveRule,
  asked: AskedRequest,
  chance: Prng,
  nowMs: number,
): AskedPool {
  const own = copyPrng(chance);
  const prompt = explainPrompt(pool, asked, own);
  const explained = prompt?.explained;
  // What is no request is refused before it has a class.
  if (explained?.kind === "fault") return { prompt: explained, class: undefined, explained: undefined };
  const request = prompt?.request;
  const declared = pool.classify(rule, asked, habits);
  const work = request === undefined ? declared : pool.classOfPrompt(declared, request.priority);
  const hash = hashAt(pool, asked, asked.address);
  return {
    prompt: explained,
    class: explainClass(pool, work),
    explained: explainPool(pool, { tried: [], hash, lane: work.lane, prompt: request }, own, nowMs),
  };
}

function explainBackends(
  live: LiveRule,
  drawn: LivePool | undefined,
  ask: (pool: LivePool, rule: LiveRule) => AskedPool,
): readonly BackendExplanation[] {
  const total = live.backends.reduce((sum, { weight }) => sum + weight, 0);
  // The same Service may stand there twice; the draw is told once.
  const at = live.backends.findIndex(({ pool, weight }) => pool === drawn && weight > 0);
  return live.backends.map(({ pool, weight }: LiveBackend, index): BackendExplanation => {
    const spec = live.rule.backends[index];
    return {
      pool: pool?.key ?? (spec?.kind === "pool" ? spec.poolKey : undefined),
      invalid: pool === undefined ? (spec?.kind === "invalid" ? spec.reason : "no such pool") : undefined,
      weight,
      share: total === 0 ? 0 : weight / total,
      drawn: drawn !== undefined && index === at,
      ...(pool === undefined
        ? { prompt: undefined, class: undefined, explained: undefined }
        : ask(pool, live)),
    };
  });
}

/** Of the backend that was drawn. */
function verdictOf(backends: readonly BackendExplanation[]): ExplainedVerdict {
  const { pool, explained, class: work, prompt } = backends.find((backend) => backend.drawn)!;
  if (prompt?.kind === "fault") return refusalOf(prompt.refusal, `its body is no prompt: ${prompt.detail}`);
  const { decision, endpoints } = explained!;
  const { chosen, eligible, refused: refusal } = decision;
  if (chosen === undefined) return refusalOf(refusal ?? "no-endpoint", `${pool} has ${counted(endpoints)}`);
  const alone = decision.reason === "only-candidate" && eligible === 1;
  const because = alone
    ? "nobody else may serve"
    : becauseOf({ ...decision, compared: decision.compared.length });
  return {
    kind: "send",
    endpoint: chosen,
    displayName: endpoints[0]!.displayName,
    pool: pool!,
    waits: isFull(work!.room),
    because:
      prompt?.kind === "not-given"
        ? `${because}; as a prompt it would go by its body, which is not given`
        : because,
  };
}

function counted(endpoints: PoolExplanation["endpoints"]): string {
  if (endpoints.length === 0) return "no endpoints";
  const byStanding = Map.groupBy(endpoints, ({ standing }) => standing);
  return [...byStanding].map(([standing, list]) => `${list.length} ${standing}`).join(", ");
}

function refused(refusal: Refusal, { listeners, hostnames, rule }: RouteExplanation): ExplainedVerdict {
  if (rule !== undefined)
    return refusalOf(refusal, `the rule's draw fell on a backend that does not resolve`);
  if (hostnames.length === 0) return refusalOf(refusal, "nothing listens on the port");
  if (listeners.length === 0)
    return refusalOf(refusal, `no listener is for the host; the port listens for ${hostnames.join(", ")}`);
  return refusalOf(refusal, `no rule of ${listeners.join(", ")} takes it`);
}

export function refusalOf(refusal: Refusal, because: string): ExplainedVerdict {
  return { kind: "refuse", refusal, status: REFUSALS[refusal].status, because };
}
