/**
 * What is known of the configuration: the one in force, and what became of the latest try to replace it.
 */
import type { ConfigStatus } from "../config/translate/status.ts";
import type { GatewayConfig } from "../model/config.ts";
import type { Problem } from "../model/problem.ts";

export interface AcceptedConfig {
  readonly epoch: number;
  /** ISO 8601. */
  readonly acceptedAt: string;
  readonly config: GatewayConfig;
  readonly status: ConfigStatus;
  /** Warnings it was accepted with. */
  readonly problems: readonly Problem[];
}

export interface RejectedConfig {
  readonly rejectedAt: string;
  readonly problems: readonly Problem[];
}

export class ConfigState {
  accepted: AcceptedConfig | undefined;
  /** Undefined once a later one was accepted. */
  rejected: RejectedConfig | undefined;
  acceptedCount = 0;
  rejectedCount = 0;

  accept(accepted: AcceptedConfig): void {
    this.accepted = accepted;
    this.rejected = undefined;
    this.acceptedCount++;
  }

  reject(rejected: RejectedConfig): void {
    this.rejected = rejected;
    this.rejectedCount++;
  }
}
