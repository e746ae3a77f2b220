/**
 * The pages of the admin port.
 */
import type { ConfigState } from "../../app/config-state.ts";
import type { Registry } from "../../app/metrics/registry.ts";
import type { Gateway } from "../http/gateway.ts";
import type { AdminPage } from "./admin-server.ts";
import type { EngineSource } from "./engine-metrics.ts";
import { explainPages } from "./explain-pages.ts";
import { JSON_TYPE, json } from "./json.ts";
import { poolsReport } from "./pools-report.ts";

export interface PagesOptions {
  readonly gateway: Gateway;
  readonly config: ConfigState;
  readonly registry: Registry;
  readonly engines: EngineSource;
}

const TEXT = "text/plain; charset=utf-8";

export function adminPages({ gateway, config, registry, engines }: PagesOptions): readonly AdminPage[] {
  return [
    {
      path: "/healthz",
      summary: "200 while the process works",
      contentType: TEXT,
      render: () => ({ status: 200, body: "ok\n" }),
    },
    {
      path: "/readyz",
      summary: "200 while a configuration is in force and new connections are welcome",
      contentType: TEXT,
      render: () => {
        if (gateway.draining) return { status: 503, body: "draining\n" };
        if (config.accepted === undefined) return { status: 503, body: "no configuration accepted yet\n" };
        return { status: 200, body: "ok\n" };
      },
    },
    {
      path: "/metrics",
      summary: "Prometheus text",
      contentType: "text/plain; version=0.0.4; charset=utf-8",
      render: () => ({ status: 200, body: registry.text() }),
    },
    {
      path: "/debug/config",
      summary: "the configuration in force, its status conditions, and the latest rejected one",
      contentType: JSON_TYPE,
      render: () => ({ status: 200, body: json({ accepted: config.accepted, rejected: config.rejected }) }),
    },
    {
      path: "/debug/pools",
      summary: "each endpoint's state, load, latency, share and connections, and what its engine says",
      contentType: JSON_TYPE,
      render: () => ({ status: 200, body: json(poolsReport(gateway, engines)) }),
    },
    ...explainPages(gateway, config),
  ];
}
