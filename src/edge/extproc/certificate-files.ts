/**
 * The picker's certificate and key as files, read again when they change: cert-manager renews them in place, and a mounted
 * Secret is swapped as a whole.
 *
 * Their times are looked at once a second rather than watched: a swapped symlink is a change that watchers miss. A pair that
 * does not fit (one file is new, the other not yet) changes nothing and is tried again.
 */
import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { TlsMaterial } from "./rpc/http2-server.ts";

const LOOK_INTERVAL_MS = 1_000;

export interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
}

/** Throws if a file cannot be read, or the two do not fit. */
export function readCertificate({ cert, key }: CertificatePaths): TlsMaterial {
  const material = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  createSecureContext(material);
  return material;
}

export interface CertificateListener {
  renewed(material: TlsMaterial): void;
  /** There is something new that cannot be used. Told once per change. */
  unusable(error: Error): void;
}

/** Returns how to stop. */
export function followCertificate(paths: CertificatePaths, listener: CertificateListener): () => void {
  let seen = stampOf(paths);
  let told = "";
  const look = (): void => {
    const stamp = stampOf(paths);
    if (stamp === seen) return;
    try {
      const material = readCertificate(paths);
      seen = stamp;
      listener.renewed(material);
    } catch (error) {
      if (told !== stamp) listener.unusable(error as Error);
      told = stamp;
    }
  };
  const timer = setInterval(look, LOOK_INTERVAL_MS).unref();
  return () => clearInterval(timer);
}

function stampOf({ cert, key }: CertificatePaths): string {
  return [cert, key]
    .map((path) => {
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat === undefined ? "-" : `${stat.mtimeMs}:${stat.ino}:${stat.size}`;
    })
    .join(" ");
}
