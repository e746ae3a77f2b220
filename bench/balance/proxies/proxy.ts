/**
 * A proxy under a policy: what takes part in the comparison.
 *
 * All follow the same rules where rules are not what is compared. One process with one thread of work. Connections to
 * endpoints are kept. At most three attempts: a connection that fails and a 503 are tried again at another endpoint, at
 * once. Passive health as an operator would turn it on: nginx marks failed servers (max_fails 1 in 10 s, its
 * default), HAProxy observes answers beside its checks (ten errors take a server down until two checks pass),
 * Envoy has outlier detection (its defaults, but up to half of the fleet may be out), and Plimsoll ejects as it does
 * where nobody says anything. No proxy is told which endpoint is bad or how fast any is.
 */
import type { RunningPeer } from "../../gateway/peers/peer.ts";

export const ATTEMPTS = 3;
export const CONNECTIONS = 256;
/** What every endpoint answers in every scenario, and is neither counted nor worked on. */
export const HEALTH_PATH = "/health";

export interface Proxy {
  /** As in `--proxy` and the tables: program and policy. */
  readonly name: string;
  readonly program: "plimsoll" | "nginx" | "haproxy" | "envoy";
  readonly version: string;
  start(endpoints: readonly number[], folder: string): Promise<RunningPeer>;
}
