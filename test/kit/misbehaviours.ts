/**
 * Endpoints that misbehave, one kind each: what a gateway meets in a long enough life.
 */
import { once } from "node:events";
import { headText, sendAnswer, type Answer } from "./behaviours.ts";
import type { Behaviour } from "./exchange.ts";

/** Reads the whole request and never answers; ends when the client goes. */
export function hang(): Behaviour {
  return async (exchange) => {
    await exchange.readBody();
    await untilGone(exchange.gone);
  };
}

/** Reads the head and not one byte of the body, and never answers. */
export function neverReadBody(): Behaviour {
  return (exchange) => untilGone(exchange.gone);
}

/** Reads the whole request, then FIN (or RST) without a byte. */
export function closeBeforeAnswer(how: "fin" | "rst" = "fin"): Behaviour {
  return async (exchange) => {
    await exchange.readBody();
    if (how === "rst") exchange.reset();
    else exchange.end();
  };
}

/**
 * Serves the first request of every connection; closes upon the second without a byte. What the gateway sees is
 * the keep-alive race: it sent on a connection that the endpoint was about to close.
 */
export function closeOnReuse(behaviour: Behaviour, how: "fin" | "rst" = "fin"): Behaviour {
  return (exchange) => {
    if (exchange.request.nth === 1) return behaviour(exchange);
    if (how === "rst") exchange.reset();
    else exchange.end();
  };
}

/** Answers properly and closes right after it without having said so. */
export function closeAfterAnswer(behaviour: Behaviour): Behaviour {
  return async (exchange) => {
    await behaviour(exchange);
    exchange.end();
  };
}

/** Declares `declaredBytes` of body (or chunks, which never finish), sends `sentBytes`, then RST or FIN. */
export function breakMidBody(options: {
  readonly declaredBytes: number;
  readonly sentBytes: number;
  readonly framing?: "length" | "chunked";
  readonly how?: "fin" | "rst";
}): Behaviour {
  const { declaredBytes, sentBytes, framing = "length", how = "rst" } = options;
  return async (exchange) => {
    await exchange.readBody();
    const size = framing === "chunked" ? `${declaredBytes.toString(16)}\r\n` : "";
    await exchange.write(`${headText({ framing }, declaredBytes)}${size}${"x".repeat(sentBytes)}`);
    // A reset discards what the kernel still holds; the peer shall see these bytes first.
    await exchange.sleep(30);
    if (how === "rst") exchange.reset();
    else exchange.end();
  };
}

/** Sends whatever `behaviour` sends one byte at a time, each in its own segment as far as the kernel allows. */
export function inSingleBytes(behaviour: Behaviour, pauseMs = 0): Behaviour {
  return (exchange) =>
    behaviour({
      ...exchange,
      write: async (bytes) => {
        const all = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
        for (let at = 0; at < all.length && !exchange.gone.aborted; at++) {
          await exchange.write(all.subarray(at, at + 1));
          await exchange.sleep(pauseMs);
        }
      },
    });
}

/** Answers with exactly these bytes: for responses that no server should send. */
export function raw(bytes: string | Buffer, then: "keep" | "fin" | "rst" = "keep"): Behaviour {
  return async (exchange) => {
    await exchange.readBody();
    await exchange.write(bytes);
    if (then === "fin") exchange.end();
    if (then === "rst") {
      await exchange.sleep(30);
      exchange.reset();
    }
  };
}

/**
 * Answers as soon as the head is there. Then reads the body politely (`read`), closes with bytes of it
 * unread, upon which the kernel sends RST after the FIN (`close`), or leaves it where it is for ever (`ignore`).
 */
export function answerEarly(plan: Answer, then: "read" | "close" | "ignore" = "read"): Behaviour {
  return async (exchange) => {
    await sendAnswer(exchange, plan);
    if (then === "read") await exchange.readBody();
    if (then === "close") exchange.socket.destroySoon();
    if (then === "ignore") await untilGone(exchange.gone);
  };
}

/** Answers, and then says more than it declared: a second response nobody asked for. */
export function answerTwice(plan: Answer): Behaviour {
  return async (exchange) => {
    await exchange.readBody();
    await sendAnswer(exchange, plan);
    await sendAnswer(exchange, plan);
  };
}

async function untilGone(gone: AbortSignal): Promise<void> {
  if (!gone.aborted) await once(gone, "abort");
}
