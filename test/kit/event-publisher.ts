/**
 * The publisher of cache events for tests: the model server's, which is written against ZeroMQ's specification and not with the
 * subscriber's code.
 */
export { EventPublisher, type PublisherOptions } from "../../src/cli/model-server/event-publisher.ts";
