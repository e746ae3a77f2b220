/**
 * Ten thousand requests at a time, each a stream of its own: all opened, then all decided, then all held, then all ended.
 *
 * Streams are spread over as many connections as the picker's limit asks for. Nothing is waited for longer than the timeout without any
 * stream coming on.
 */
import type { GrpcConnection } from "../../../edge/extproc-client/grpc-connection.ts";
import { PickerStream, PROCESS_PATH } from "../../../edge/extproc-client/picker-stream.ts";
import type { Check } from "../check.ts";
import { Fault, mustHold } from "../fault.ts";
import { bodyMessage, FULL_DUPLEX, openingMessage, readVerdict } from "../dialogue.ts";
import { chatBody, requestHeaders } from "../requests.ts";
import type { Stand } from "../stand.ts";

const STREAMS_PER_CONNECTION = 2500;
const CONNECTIONS_MAX = 200;

export const manyStreams: Check = {
  name: "many-streams",
  test: 14,
  rule: 1,
  title: "thousands of requests held open at a time are all decided",
  run: async (stand) => {
    const { settings } = stand;
    const connections: GrpcConnection[] = [];
    const streams: PickerStream[] = [];
    try {
      await open(stand, connections, streams);
      for (const stream of streams) {
        const headers = requestHeaders(settings);
        void stream.send(openingMessage({ headers, endOfStream: false, modes: FULL_DUPLEX }));
      }
      const body = chatBody(settings);
      const startedMs = performance.now();
      for (const stream of streams) void stream.send(bodyMessage("request", body, true));
      const { sent, refused } = await decideAll(stand, streams);
      const tookMs = performance.now() - startedMs;
      const gone = streams.filter((stream) => stream.ended && !stream.endedWell).length;
      mustHold(
        gone <= refused,
        `${gone - refused} of ${streams.length} streams were ended while they were to be held`,
      );
      mustHold(sent > 0, `all ${refused} were refused, so nothing was held: ask for fewer streams`);
      return `${sent} sent, ${refused} refused in ${(tookMs / 1000).toFixed(1)} s`;
    } finally {
      for (const stream of streams) stream.reset();
      for (const connection of connections) connection.close();
    }
  },
};

async function open(stand: Stand, connections: GrpcConnection[], streams: PickerStream[]): Promise<void> {
  const { streams: count } = stand.settings;
  while (streams.length < count) {
    const connection = await stand.openConnection();
    connections.push(connection);
    mustHold(
      connections.length <= CONNECTIONS_MAX,
      `takes ${connection.streamsMax} streams a connection: ${count} do not fit into ${CONNECTIONS_MAX}`,
    );
    const places = Math.min(STREAMS_PER_CONNECTION, connection.streamsMax, count - streams.length);
    for (let place = 0; place < places; place += 1)
      streams.push(new PickerStream(connection.call(PROCESS_PATH)));
  }
}

async function decideAll(
  stand: Stand,
  streams: readonly PickerStream[],
): Promise<{ readonly sent: number; readonly refused: number }> {
  let sent = 0;
  let refused = 0;
  for (const stream of streams) {
    let verdict;
    try {
      verdict = await readVerdict(stream, stand.settings, false);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw new Fault(
        `with ${streams.length} streams open, ${sent + refused} decided: ${error.message}`,
        error.rule,
      );
    }
    if (verdict.kind === "sent") sent += 1;
    else refused += 1;
  }
  return { sent, refused };
}
