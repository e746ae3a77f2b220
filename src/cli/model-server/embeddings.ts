/**
 * Answers of OpenAI's Embeddings API: a prefill per input, then a made-up direction that depends on the input's tokens alone.
 */
import { embeddingOf } from "./answers.ts";
import type { ReplyFormat, ReplyHead, ReplyUsage } from "./reply.ts";
import type { RequestPlan } from "./request-plan.ts";

const DIMENSIONS_DEFAULT = 256;
const DIMENSIONS_MAX = 8192;

/** There is no stream of embeddings: never asked for. */
const NOTHING = (): string => "";

export function embeddingsReply(head: ReplyHead, plan: RequestPlan): ReplyFormat {
  const { dimensions, encoding_format: encoding } = plan.json;
  const isCount = typeof dimensions === "number" && Number.isInteger(dimensions) && dimensions > 0;
  const size = isCount ? Math.min(DIMENSIONS_MAX, dimensions) : DIMENSIONS_DEFAULT;
  return {
    begin: NOTHING,
    piece: NOTHING,
    endChoice: NOTHING,
    end: NOTHING,
    whole: (_choices, { promptTokens, cachedTokens }: ReplyUsage) =>
      JSON.stringify({
        id: `embd-${head.id}`,
        object: "list",
        created: head.createdSec,
        model: head.model,
        data: plan.prompts.map((tokens, index) => {
          const vector = embeddingOf(tokens, size);
          return {
            object: "embedding",
            index,
            embedding:
              encoding === "base64" ? Buffer.from(vector.buffer).toString("base64") : Array.from(vector),
          };
        }),
        usage: {
          prompt_tokens: promptTokens,
          total_tokens: promptTokens,
          completion_tokens: 0,
          prompt_tokens_details: { cached_tokens: cachedTokens },
        },
      }),
  };
}
