/**
 * Every check, in the order in which they run: the fifteen tests, the one that costs most last.
 */
import type { Check } from "./check.ts";
import { buffered, bufferedResponse, streamed } from "./checks/body-modes.ts";
import { forgedDestination, oneEndpoint, poolMembers } from "./checks/destinations.ts";
import { noContentLength, readsRawValue, readsValue, writesRawValue } from "./checks/encoding.ts";
import {
  emptyLastChunk,
  hundredChunks,
  largeBody,
  noProtocolConfig,
  oneChunk,
  oneLargeMessage,
  requestTrailers,
  twoChunks,
} from "./checks/full-duplex.ts";
import { bothPlaces, headersOnly } from "./checks/headers.ts";
import { manyStreams } from "./checks/many-streams.ts";
import { invalidJson, oversize, shed } from "./checks/refusals.ts";
import { jsonResponse, responseTrailers, servedEndpoint, sseResponse } from "./checks/response.ts";
import { healthNames, healthUnknownName, tls, unknownMethod } from "./checks/service.ts";
import { garbage, halfClose, resetInEachPhase } from "./checks/stream-ends.ts";
import {
  subsetBareIp,
  subsetCommaItems,
  subsetEmpty,
  subsetList,
  subsetSpaces,
  subsetText,
  subsetUnknown,
} from "./checks/subset.ts";

export const SUITE: readonly Check[] = [
  tls,
  unknownMethod,
  healthNames,
  healthUnknownName,
  headersOnly,
  bothPlaces,
  oneChunk,
  twoChunks,
  hundredChunks,
  emptyLastChunk,
  largeBody,
  oneLargeMessage,
  requestTrailers,
  buffered,
  streamed,
  noProtocolConfig,
  bufferedResponse,
  subsetList,
  subsetText,
  subsetSpaces,
  subsetCommaItems,
  subsetBareIp,
  subsetEmpty,
  subsetUnknown,
  invalidJson,
  shed,
  oversize,
  readsRawValue,
  readsValue,
  writesRawValue,
  noContentLength,
  halfClose,
  resetInEachPhase,
  garbage,
  servedEndpoint,
  sseResponse,
  jsonResponse,
  responseTrailers,
  forgedDestination,
  oneEndpoint,
  poolMembers,
  manyStreams,
];

/** Names of checks or numbers of tests; the word that is neither comes back as an error. */
export function chosenChecks(words: readonly string[]): readonly Check[] | Error {
  const isNamed = (check: Check, word: string): boolean => check.name === word || String(check.test) === word;
  const unknown = words.find((word) => !SUITE.some((check) => isNamed(check, word)));
  if (unknown !== undefined) {
    return new Error(
      `no such check as "${unknown}"; known: 1 to 15, ${SUITE.map(({ name }) => name).join(", ")}`,
    );
  }
  return words.length === 0 ? SUITE : SUITE.filter((check) => words.some((word) => isNamed(check, word)));
}
