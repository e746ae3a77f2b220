/**
 * What the destination says: one endpoint, of the pool, whatever the client wrote.
 */
import { APPEND_ACTIONS } from "../../../edge/extproc-client/messages.ts";
import type { Check } from "../check.ts";
import { mustHold, Skip } from "../fault.ts";
import { DESTINATION, destinationOf, isSocketAddress, type Destination } from "../destination.ts";
import { ask, mustNotRefuse } from "../dialogue.ts";
import { requestHeaders } from "../requests.ts";
import type { Stand } from "../stand.ts";

const FORGED = "203.0.113.254:9";
const ASKS = 20;
/** Unset, or 0 by default, means "overwrite" to ext_proc, unlike elsewhere. */
const ADD_IF_ABSENT = 1;
const OVERWRITE_IF_EXISTS = 3;

export const forgedDestination: Check = {
  name: "forged-destination",
  test: 11,
  rule: 3,
  title: "a destination that the client wrote is overruled",
  run: async (stand) => {
    const { header, text } = await pick(stand, [[DESTINATION, FORGED]]);
    mustHold(!text.includes(FORGED), "sends the request where the client's header says");
    mustHold(header.append !== true, "appends to the client's header: append is true");
    const action = APPEND_ACTIONS[header.appendAction] ?? header.appendAction;
    mustHold(header.appendAction !== ADD_IF_ABSENT, `leaves the client's header as it is: ${action}`);
    mustHold(
      header.appendAction !== OVERWRITE_IF_EXISTS,
      `names no endpoint where the client wrote none: ${action}`,
    );
    if (header.appendAction === 0 && header.append === undefined)
      return `does not say that it overwrites: ${action}`;
  },
};

export const oneEndpoint: Check = {
  name: "one-endpoint",
  test: 13,
  rule: 5,
  title:
    "a destination is one address with a port, IPv6 in brackets; a list only where the gateway takes one",
  run: async (stand) => {
    const { fallbacks } = stand.settings;
    for (let count = 0; count < ASKS; count += 1) {
      const { text } = await pick(stand);
      const entries = text.split(",");
      mustHold(fallbacks || entries.length === 1, `names ${entries.length} endpoints: ${text}`);
      for (const entry of entries)
        mustHold(isSocketAddress(entry.trim()), `${entry} is no address with a port`);
    }
  },
};

export const poolMembers: Check = {
  name: "pool-members",
  test: 15,
  rule: 5,
  title: "every destination is an endpoint of the pool, every port of its own",
  run: async (stand) => {
    const { subset } = stand.settings;
    if (subset.length === 0) throw new Skip("name the pool's endpoints with --subset");
    for (let count = 0; count < ASKS; count += 1) {
      for (const entry of (await pick(stand)).text.split(",")) {
        mustHold(subset.includes(entry.trim()), `${entry} is none of ${subset.join(", ")}`);
      }
    }
  },
};

async function pick(stand: Stand, more: readonly (readonly [string, string])[] = []): Promise<Destination> {
  const stream = await stand.stream();
  const reply = await ask(stream, stand.settings, {
    headers: requestHeaders(stand.settings, { method: "GET", more }),
    endOfStream: true,
  });
  stream.reset();
  return destinationOf(mustNotRefuse(reply).common.headers);
}
