/**
 * Whether an endpoint would receive the body that the client sent.
 */
import { Fault, type RuleNumber } from "./fault.ts";

/** Byte for byte, except that a picker may give the model another name. */
export function sameBody(sent: Buffer, received: Buffer, rule?: RuleNumber): string | void {
  if (received.equals(sent)) return;
  if (jsonWithoutModel(received) === jsonWithoutModel(sent)) return "the picker gives the model another name";
  const at = sent.findIndex((byte, index) => byte !== received[index]);
  throw new Fault(
    `the endpoint would receive another body: ${received.length} bytes instead of ${sent.length}` +
      (at < 0 ? "" : `, different from byte ${at} on`),
    rule,
  );
}

function jsonWithoutModel(body: Buffer): string | undefined {
  try {
    const value = JSON.parse(body.toString("utf8")) as object;
    return JSON.stringify({ ...value, model: "" });
  } catch {
    return undefined;
  }
}
