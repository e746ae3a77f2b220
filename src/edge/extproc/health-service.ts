/**
 * grpc.health.v1.Health, by which gateways and kubelets ask whether the picker lives and whether it is ready.
 *
 * | service | serving |
 * |---|---|
 * | `liveness` | while the process answers |
 * | `readiness`, `envoy.service.ext_proc.v3.ExternalProcessor`, `inference-extension`, the empty name | while a configuration is in force and nothing drains |
 *
 * Any other name is unknown: NOT_FOUND to Check, SERVICE_UNKNOWN to Watch, as the protocol has it.
 */
import {
  RPC_INVALID_ARGUMENT,
  RPC_NOT_FOUND,
  RPC_OK,
  type RpcCall,
  type RpcHandler,
  type RpcMethods,
} from "./rpc/rpc.ts";
import { FIELDS, PICKER_SERVICE } from "./wire/fields.ts";
import { ProtoFault, ProtoReader } from "./wire/proto-reader.ts";
import { finishFrame, putNumber } from "./wire/proto-writer.ts";

const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

const READINESS: ReadonlySet<string> = new Set(["", "readiness", PICKER_SERVICE, "inference-extension"]);

export class HealthService {
  readonly #isReady: () => boolean;
  readonly #watchers = new Set<Watcher>();

  constructor(isReady: () => boolean) {
    this.#isReady = isReady;
  }

  get methods(): RpcMethods {
    return new Map([
      [
        "/grpc.health.v1.Health/Check",
        (call: RpcCall): RpcHandler => new Asked(call, (name) => this.#check(call, name)),
      ],
      ["/grpc.health.v1.Health/Watch", (call: RpcCall): RpcHandler => this.#watch(call)],
    ]);
  }

  statusOf(name: string): number {
    if (name === "liveness") return SERVING;
    if (!READINESS.has(name)) return SERVICE_UNKNOWN;
    return this.#isReady() ? SERVING : NOT_SERVING;
  }

  /** Tells those who watch what has changed; to be called when readiness may have. */
  changed(): void {
    for (const watcher of this.#watchers) watcher.tell(this.statusOf(watcher.name));
  }

  #check(call: RpcCall, name: string): void {
    const status = this.statusOf(name);
    if (status === SERVICE_UNKNOWN) return call.end(RPC_NOT_FOUND, "unknown service");
    call.send([statusFrame(status)]);
    call.end(RPC_OK, "");
  }

  #watch(call: RpcCall): RpcHandler {
    let watcher: Watcher | undefined;
    const begin = (name: string): void => {
      watcher = new Watcher(call, name);
      this.#watchers.add(watcher);
      watcher.tell(this.statusOf(name));
    };
    const end = (): void => {
      if (watcher !== undefined) this.#watchers.delete(watcher);
    };
    return new Asked(call, begin, end);
  }
}

class Watcher {
  readonly name: string;
  readonly #call: RpcCall;
  #told = -1;

  constructor(call: RpcCall, name: string) {
    this.#call = call;
    this.name = name;
  }

  tell(status: number): void {
    if (status === this.#told) return;
    this.#told = status;
    this.#call.send([statusFrame(status)]);
  }
}

/** A call with one HealthCheckRequest. */
class Asked implements RpcHandler {
  readonly #call: RpcCall;
  readonly #answer: (service: string) => void;
  readonly #gone: () => void;
  #isAsked = false;

  constructor(call: RpcCall, answer: (service: string) => void, gone: () => void = () => {}) {
    this.#call = call;
    this.#answer = answer;
    this.#gone = gone;
  }

  onMessage(bytes: Buffer): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    let service = "";
    try {
      const reader = new ProtoReader(bytes);
      while (reader.next()) if (reader.isBytes(FIELDS.HealthCheckRequest.service)) service = reader.utf8();
    } catch (error) {
      if (!(error instanceof ProtoFault)) throw error;
      return this.#call.end(RPC_INVALID_ARGUMENT, error.message);
    }
    this.#answer(service);
  }

  onHalfClose(): void {
    if (!this.#isAsked) this.#call.end(RPC_INVALID_ARGUMENT, "a request is missing");
  }

  onDrain(): void {}

  onCancel(): void {
    this.#gone();
  }
}

function statusFrame(status: number): Buffer {
  putNumber(FIELDS.HealthCheckResponse.status, status);
  return finishFrame();
}
