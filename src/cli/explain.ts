/**
 * `plimsoll explain`: where a request would go and why, on manifests or on a running gateway; or why one went where it did.
 *
 * 0: it would be sent, or the decision was found; 1: it would be refused, or there is no answer.
 */
import type { PastDecision } from "../app/explain-decision.ts";
import type { RequestDescription } from "../edge/admin/asked-request.ts";
import { json } from "../edge/admin/json.ts";
import { cut, paint, type Line } from "./demo/spans.ts";
import { findRequest } from "./explain/access-log.ts";
import { ExplainError } from "./explain/explain-error.ts";
import { decisionFromAdmin, explainFromAdmin } from "./explain/from-admin.ts";
import { explainFromFiles, type FileOptions } from "./explain/from-files.ts";
import {
  ID_EXPECTED,
  isOf,
  renderDecision,
  renderTraced,
  type TracedAttempt,
} from "./explain/render-decision.ts";
import { renderRequest } from "./explain/render-request.ts";
import { readRequestBody } from "./explain/request-body.ts";

export type ExplainOptions = {
  readonly admin: string;
  readonly output: "text" | "json";
} & (
  | {
      readonly kind: "request";
      readonly description: RequestDescription;
      /** File of its body, or `-`; undefined: none is given. */
      readonly body: string | undefined;
      readonly files: FileOptions | undefined;
    }
  | { readonly kind: "decision"; readonly id: string; readonly accessLog: string | undefined }
);

/** As commander gives them. */
export interface ExplainFlags {
  readonly request?: string;
  readonly header: readonly string[];
  readonly body?: string;
  readonly port?: number;
  readonly client?: string;
  readonly file?: readonly string[];
  readonly seed?: number;
  readonly zone?: string;
  readonly id?: string;
  readonly accessLog?: string;
  readonly admin?: string;
  readonly output: "text" | "json";
}

const ADMIN_DEFAULT = "http://127.0.0.1:9900";

/** Or what does not go together, in words. */
export function explainOptions(flags: ExplainFlags): ExplainOptions | string {
  const { request, id, file, output, accessLog, seed, zone, port, client, header, body } = flags;
  const form = { output, admin: flags.admin ?? ADMIN_DEFAULT };
  if ((request === undefined) === (id === undefined)) {
    return "either --request (what would happen) or --id (what has happened) is expected";
  }
  if (id !== undefined) {
    if (file !== undefined) return "--id asks a running gateway; -f has none";
    if (header.length > 0 || port !== undefined || client !== undefined || body !== undefined) {
      return "-H, --body, --port and --client describe a --request; --id has none";
    }
    return { kind: "decision", id, accessLog, ...form };
  }
  if (accessLog !== undefined) return "--access-log goes with --id";
  if (file !== undefined && flags.admin !== undefined)
    return "-f and --admin are two sources; one is expected";
  if (file === undefined && (seed !== undefined || zone !== undefined)) {
    return "--seed and --zone go with -f; a running gateway has its own";
  }
  const files = file === undefined ? undefined : { paths: file, seed, zone };
  return {
    kind: "request",
    description: { request: request!, headers: header, port, client },
    body,
    files,
    ...form,
  };
}

export async function runExplain(options: ExplainOptions): Promise<number> {
  try {
    if (options.kind === "request") return await aboutRequest(options);
    return options.accessLog === undefined
      ? await aboutDecision(options.id, options)
      : await aboutLogged(options.id, options.accessLog, options);
  } catch (error) {
    if (!(error instanceof ExplainError)) throw error;
    const expected = error.expected === "" ? "" : `\nexpected ${error.expected}`;
    process.stderr.write(`plimsoll: ${error.message}${expected}\n`);
    return 1;
  }
}

type Form = Pick<ExplainOptions, "admin" | "output">;

async function aboutRequest(options: Extract<ExplainOptions, { readonly kind: "request" }>): Promise<number> {
  const { description, files, admin } = options;
  const body = options.body === undefined ? undefined : await readRequestBody(options.body);
  if (files === undefined) {
    const explained = await explainFromAdmin(admin, description, body);
    say(options, explained, renderRequest(explained, `the gateway at ${admin}, as it is now`));
    return explained.verdict.kind === "send" ? 0 : 1;
  }
  const explained = await explainFromFiles(description, files, body);
  const source = `${files.paths.join(", ")}, in a gateway just started with --seed ${explained.seed}`;
  say(options, explained, renderRequest(explained, source));
  return explained.verdict.kind === "send" ? 0 : 1;
}

async function aboutDecision(id: string, form: Form): Promise<number> {
  if (!/^.+\/[0-9]+$/.test(id)) throw new ExplainError(`${id} is not the id of a decision`, ID_EXPECTED);
  const decision = await decisionFromAdmin(form.admin, id);
  say(form, decision, renderDecision(decision));
  return 0;
}

async function aboutLogged(requestId: string, accessLog: string, form: Form): Promise<number> {
  const request = await findRequest(accessLog, requestId);
  const attempts: TracedAttempt[] = [];
  for (const logged of request.attempts) {
    const id = `${request.pool}/${logged.decision}`;
    attempts.push({ logged, decision: await decisionOrWhy(id, form.admin) });
  }
  const traced = attempts.map(({ logged, decision }) =>
    typeof decision === "string" || isOf(decision, logged, request)
      ? { logged, decision }
      : { logged, decision: `${decision.id} is now of another request: the gateway has started anew since` },
  );
  say(form, { request, attempts: traced }, renderTraced(request, traced));
  return traced.some(({ decision }) => typeof decision === "string") ? 1 : 0;
}

/** One that is lost does not keep the others from being told. */
async function decisionOrWhy(id: string, admin: string): Promise<PastDecision | string> {
  try {
    return await decisionFromAdmin(admin, id);
  } catch (error) {
    if (error instanceof ExplainError) return error.message;
    throw error;
  }
}

function say({ output }: Form, value: unknown, lines: readonly Line[]): void {
  if (output === "json") {
    process.stdout.write(json(value));
    return;
  }
  const { isTTY, columns } = process.stdout;
  const colour = isTTY && (process.env["NO_COLOR"] ?? "") === "";
  for (const line of lines) {
    const fitted = isTTY && line !== lines[0] ? cut(line, columns) : line;
    process.stdout.write(`${paint(fitted, colour)}\n`);
  }
}
