/**
 * The law of one reading: of whatever our codec accepts, Node must read the same messages, with the same ends.
 *
 * What Node accepts and we refuse is our strictness. What we accept and Node refuses breaks the law, but for the few
 * things that Node merely does not know; they are listed here, each with its reason.
 */
import assert from "node:assert/strict";
import http from "node:http";
import type { OurReading, OurRequest } from "./our-reading.ts";
import type { MessageReading, Reading, RequestReading } from "./reading.ts";

/** `narrower`: Node refuses something that is allowed and that it does not know. */
export type Agreement = "same" | "narrower";

export function assertSameRequests(ours: OurReading<OurRequest>, node: Reading<RequestReading>): Agreement {
  for (const [i, mine] of ours.messages.entries()) {
    const theirs = node.messages[i];
    if (theirs === undefined) {
      if (isUnknownToNode(mine, node)) return "narrower";
      assert.fail(
        `Node has ${node.messages.length} of ${ours.messages.length}: ${JSON.stringify(node.stop)}`,
      );
    }
    assert.equal(theirs.method, mine.method, `method of ${i}`);
    const { target, authority } = originForm(theirs);
    assert.equal(target, mine.target, `target of ${i}`);
    if (authority !== undefined) assert.equal(authority, mine.authority, `authority of ${i}`);
    assertSameMessage(mine, theirs, `request ${i}`);
    // Node stops reading behind any upgrade that it might have made.
    if (asksForUpgrade(mine)) return "same";
  }
  const last = ours.messages.at(-1);
  if (ours.stop.kind === "starved" || (ours.stop.kind === "closing" && !wantsBoth(last!))) {
    assert.equal(node.messages.length, ours.messages.length, "Node reads on where we stop");
  }
  return "same";
}

export function assertSameMessage(mine: MessageReading, theirs: MessageReading, which: string): void {
  assert.deepEqual(theirs.fields, mine.fields, `fields of ${which}`);
  if (mine.whole) {
    assert.equal(theirs.whole, true, `${which} is not whole to Node`);
    assert.equal(theirs.body, mine.body, `body of ${which}`);
    assert.deepEqual(theirs.trailers, mine.trailers, `trailers of ${which}`);
  } else {
    // Each may hand out a little more or less of an unfinished body.
    const [short, long] = [mine.body, theirs.body].toSorted((a, b) => a.length - b.length) as [
      string,
      string,
    ];
    assert.ok(long.startsWith(short), `bodies of ${which} part ways`);
  }
}

/** Node knows a list of methods; to us any token is one. */
function isUnknownToNode(request: RequestReading, node: Reading<RequestReading>): boolean {
  return (
    node.stop.kind === "refused" &&
    node.stop.refusal === "HPE_INVALID_METHOD" &&
    !http.METHODS.includes(request.method)
  );
}

/** Told both to close and to keep alive, an HTTP/1.0 connection closes here, and lives on to Node. */
function wantsBoth({ fields, minorVersion }: RequestReading): boolean {
  const options = fields.filter(([name]) => name.toLowerCase() === "connection").map(([, value]) => value);
  return minorVersion === 0 && /keep-alive/i.test(options.join()) && /close/i.test(options.join());
}

function asksForUpgrade({ fields }: RequestReading): boolean {
  const has = (wanted: string) => fields.some(([name]) => name.toLowerCase() === wanted);
  return has("upgrade") && has("connection");
}

/** A second, slow account of how absolute form is reduced. */
function originForm({ method, target }: RequestReading): { target: string; authority: string | undefined } {
  if (target.startsWith("/") || target === "*") return { target, authority: undefined };
  const rest = target.slice("http://".length);
  const end = rest.search(/[/?]/);
  if (end === -1) return { target: method === "OPTIONS" ? "*" : "/", authority: rest };
  const authority = rest.slice(0, end);
  return { target: rest[end] === "?" ? `/${rest.slice(end)}` : rest.slice(end), authority };
}
