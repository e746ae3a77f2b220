/**
 * The pages that say why: a request that is described, and decisions of the past.
 *
 * Asking changes nothing. Errors are JSON too: `error`, and what was `expected`.
 */
import type { ConfigState } from "../../app/config-state.ts";
import { findDecision, newestDecisions, type Moment } from "../../app/explain-decision.ts";
import { PROMPT_BYTES_MAX } from "../../app/inference/prompt-intake.ts";
import { explainRequest } from "../../app/explain-request.ts";
import { DECISIONS_KEPT } from "../../core/balance/recent.ts";
import type { Gateway } from "../http/gateway.ts";
import type { AdminAnswer, AdminAsk, AdminPage } from "./admin-server.ts";
import { describeRequest } from "./asked-request.ts";
import { JSON_TYPE, json } from "./json.ts";

const COUNT_DEFAULT = 20;

export function explainPages(gateway: Gateway, config: ConfigState): readonly AdminPage[] {
  return [
    {
      path: "/debug/explain",
      summary:
        "where a request would go and why: ?request=GET http://HOST/PATH&header=NAME: VALUE&port=N&client=ADDR; a prompt is POSTed to it",
      contentType: JSON_TYPE,
      bodyBytesMax: PROMPT_BYTES_MAX,
      render: (ask) => renderRequest(gateway, config, ask),
    },
    {
      path: "/debug/decisions",
      summary:
        "decisions of the past, newest first: ?pool=POOL&count=N; one of them: /debug/decisions/POOL/NUMBER",
      contentType: JSON_TYPE,
      hasParts: true,
      render: (ask) => renderDecisions(gateway, ask),
    },
  ];
}

function renderRequest(gateway: Gateway, config: ConfigState, { query, body }: AdminAsk): AdminAnswer {
  const request = query.get("request");
  if (request === null) return failure(400, "no request is described", "?request=GET http://HOST/PATH");
  const { accepted } = config;
  if (accepted === undefined) return failure(503, "no configuration is in force yet", "a moment's patience");
  const port = query.get("port");
  if (port !== null && !/^[0-9]{1,5}$/.test(port)) {
    return failure(400, `cannot read the port ${port}`, "a whole number from 1 to 65535");
  }
  const described = describeRequest(
    {
      request,
      headers: query.getAll("header"),
      port: port === null ? undefined : Number(port),
      client: query.get("client") ?? undefined,
    },
    [...gateway.view.ports.keys()],
  );
  if (described.kind === "malformed") return failure(400, described.error, described.expected);
  const { view, prng } = gateway;
  const asked = { ...described.asked, body };
  const explained = explainRequest(view, accepted.config, asked, prng, gateway.clock());
  return { status: 200, body: json(explained) };
}

function renderDecisions(gateway: Gateway, { query, rest }: AdminAsk): AdminAnswer {
  const { view } = gateway;
  const moment: Moment = { nowMs: gateway.clock(), dateMs: Date.now() };
  if (rest !== "") {
    const found = findDecision(view, rest, moment);
    if (found.kind === "found") return { status: 200, body: json(found.decision) };
    return failure(found.kind === "malformed" ? 400 : 404, found.error, found.expected);
  }
  const count = Number(query.get("count") ?? COUNT_DEFAULT);
  if (!Number.isInteger(count) || count < 1 || count > DECISIONS_KEPT) {
    return failure(400, `cannot read the count ${query.get("count")}`, `1 to ${DECISIONS_KEPT}`);
  }
  const key = query.get("pool");
  const pool = key === null ? undefined : view.pools.get(key);
  if (key !== null && pool === undefined) {
    return failure(404, `there is no pool ${key}`, `one of ${[...view.pools.keys()].join(", ")}`);
  }
  const pools = pool === undefined ? view.pools.values() : [pool];
  return { status: 200, body: json({ decisions: newestDecisions(pools, count, moment) }) };
}

function failure(status: number, error: string, expected: string): AdminAnswer {
  return { status, body: json({ error, expected }) };
}
