/**
 * Subset hints: the picker must choose inside, in every form in which gateways write them, and refuse what nobody can serve.
 */
import type { MetadataValue, Struct } from "../../../edge/extproc-client/messages.ts";
import type { Check } from "../check.ts";
import { mustHold, Skip } from "../fault.ts";
import { DESTINATION, destinationOf, hostOf } from "../destination.ts";
import { ask, mustNotRefuse, nameOf } from "../dialogue.ts";
import { requestHeaders } from "../requests.ts";
import type { Stand } from "../stand.ts";

const NAMESPACE = "envoy.lb.subset_hint";
/** TEST-NET-3 (RFC 5737): in no pool. */
const NOBODY = "203.0.113.254:9";
/**
 * Each endpoint is asked for several times in a row: in a pool of two, taking turns is found out at once, and chance passes one time in a
 * thousand (2 endpoints, 5 times).
 */
const ASKS = 5;
const ENDPOINTS_ASKED_FOR = 4;

export const subsetList = within("subset-list", "a list", (inside) => [...inside]);
export const subsetText = within("subset-comma-text", "text with commas", (inside) =>
  [...inside, NOBODY].join(","),
);
export const subsetSpaces = within(
  "subset-with-spaces",
  "text with commas and spaces",
  (inside) => ` ${[...inside, NOBODY].join(" , ")} `,
);
export const subsetCommaItems = within(
  "subset-list-with-commas",
  "a list whose items hold commas",
  (inside) => [[...inside, NOBODY].join(",")],
);

export const subsetBareIp: Check = {
  name: "subset-bare-ip",
  test: 5,
  rule: 8,
  title: "a subset of IP addresses alone means any port of theirs",
  run: async (stand) => {
    const hosts = new Set((await known(stand)).map(hostOf));
    for (const host of [...hosts].slice(0, ENDPOINTS_ASKED_FOR)) {
      for (let count = 0; count < ASKS; count += 1) {
        const destination = await pick(stand, [host]);
        mustHold(hostOf(destination) === host, `chose ${destination} outside the subset ${host}`);
      }
    }
  },
};

export const subsetEmpty = refused("subset-empty", "an empty subset", []);
export const subsetUnknown = refused("subset-unknown", "a subset that nobody of the pool is in", [NOBODY]);

function within(name: string, form: string, write: (inside: readonly string[]) => MetadataValue): Check {
  return {
    name,
    test: 5,
    rule: 8,
    title: `a subset as ${form} is chosen from`,
    run: async (stand) => {
      const endpoints = await known(stand);
      for (const inside of endpoints.slice(0, ENDPOINTS_ASKED_FOR)) {
        for (let count = 0; count < ASKS; count += 1) {
          const destination = await pick(stand, write([inside]));
          mustHold(destination === inside, `chose ${destination} outside the subset ${inside}`);
        }
      }
      if (endpoints.length === 1)
        return `the pool has shown one endpoint only, ${endpoints[0]}: name more with --subset`;
    },
  };
}

function refused(name: string, what: string, subset: readonly string[]): Check {
  return {
    name,
    test: 5,
    rule: 8,
    title: `${what} is refused with 503`,
    run: async (stand) => {
      const { answer } = await askWithin(stand, subset);
      mustHold(answer.kind === "immediate", `replied ${nameOf(answer)} instead of an ImmediateResponse`);
      mustHold(answer.status === 503, `refused with ${answer.status} instead of 503`);
    },
  };
}

async function known(stand: Stand): Promise<readonly string[]> {
  const endpoints = await stand.endpoints();
  if (endpoints.length === 0) throw new Skip("no endpoint of the pool is known: name some with --subset");
  return endpoints;
}

async function pick(stand: Stand, subset: MetadataValue): Promise<string> {
  return destinationOf(mustNotRefuse(await askWithin(stand, subset)).common.headers).first;
}

async function askWithin(stand: Stand, subset: MetadataValue): ReturnType<typeof ask> {
  const hint: Struct = { [`${DESTINATION}-subset`]: subset };
  const stream = await stand.stream();
  const reply = await ask(stream, stand.settings, {
    headers: requestHeaders(stand.settings, { method: "GET" }),
    endOfStream: true,
    metadata: { [NAMESPACE]: hint },
  });
  stream.reset();
  return reply;
}
