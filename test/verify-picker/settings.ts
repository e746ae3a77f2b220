/**
 * Settings of the suite for tests: a picker on loopback, in the clear, with a limit that a busy machine keeps.
 */
import {
  DEFAULT_AUTHORITY,
  DEFAULT_MODEL,
  DEFAULT_PATH,
  LARGE_BODY_BYTES,
  type VerifySettings,
} from "../../src/cli/verify-picker/settings.ts";

export function verifySettings(port: number, more: Partial<VerifySettings> = {}): VerifySettings {
  return {
    target: { host: "127.0.0.1", port },
    tls: false,
    health: undefined,
    timeoutMs: 3000,
    model: DEFAULT_MODEL,
    path: DEFAULT_PATH,
    authority: DEFAULT_AUTHORITY,
    callHeaders: [],
    headers: [],
    subset: [],
    fallbacks: false,
    streams: 100,
    largeBodyBytes: LARGE_BODY_BYTES,
    bodyBytesMax: undefined,
    shed: [],
    ...more,
  };
}
