/**
 * The destination in a reply: where it stands, and whether it is an address.
 *
 * Checks that are about something else read it tolerantly: the first entry of a list, whichever field the value stands in. What is wrong
 * with it is for the checks whose question it is.
 */
import { isIP } from "node:net";
import {
  headerText,
  type HeaderMutation,
  type HeaderToSet,
  type ProcessingReply,
} from "../../edge/extproc-client/messages.ts";
import { Fault } from "./fault.ts";

export const DESTINATION = "x-gateway-destination-endpoint";
export const DESTINATION_NAMESPACE = "envoy.lb";

export interface Destination {
  readonly header: HeaderToSet;
  /** The whole value. */
  readonly text: string;
  readonly first: string;
}

/** Undefined where the mutation names none. */
export function findDestination({ set }: HeaderMutation): Destination | undefined {
  const header = set.find(({ name }) => name.toLowerCase() === DESTINATION);
  if (header === undefined) return undefined;
  const text = headerText(header);
  return { header, text, first: text.split(",")[0]!.trim() };
}

export function destinationOf(mutation: HeaderMutation): Destination {
  const destination = findDestination(mutation);
  if (destination === undefined) throw new Fault(`the reply does not set the header ${DESTINATION}`, 3);
  return destination;
}

/** The other place; undefined where it does not stand. */
export function destinationInMetadata({ dynamicMetadata }: ProcessingReply): string | undefined {
  const namespace = dynamicMetadata?.[DESTINATION_NAMESPACE];
  if (typeof namespace !== "object" || namespace === null || Array.isArray(namespace)) return undefined;
  const value = (namespace as Readonly<Record<string, unknown>>)[DESTINATION];
  return typeof value === "string" ? value : undefined;
}

/** `1.2.3.4:80` or `[2001:db8::1]:80`, and nothing beside it. */
export function isSocketAddress(text: string): boolean {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text);
  if (match === null) return false;
  const port = Number(match[3]);
  const isHost = match[1] === undefined ? isIP(match[2]!) === 4 : isIP(match[1]) === 6;
  return isHost && port > 0 && port < 65_536;
}

/** The host of a socket address, without brackets. */
export function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");
}
