/**
 * How long one step of a model server takes: a sum of straight lines, fitted to measured kernels.
 *
 *     step = max(w0 + w1 N, g0 + g1 N)                     all matrix products: bound by reading weights, or by arithmetic
 *          + k0 + kd SUM context + kb decodes              attention of sequences that decode, if there are any
 *          + kp SUM chunk (past + chunk / 2) + kpl SUM chunk    attention of chunks of prompts
 *          + head + headPerSequence S + host
 *
 * N tokens in the step, S sequences that get a token at its end. In a step with both kinds of attention their sum is
 * multiplied by `mix`. Units are in the names; constants in nano- and picoseconds keep their usual magnitudes.
 *
 * Source: AIConfigurator's measured vLLM 0.19 kernels in bf16 (0.14 for the A100), fitted within 5 % for most prefills and
 * 2 to 4 % for the median decode, worst 15 % and 41 %; elementwise work estimated at 80 % of memory bandwidth. The RTX 4090 is
 * fitted here, from LLMServingSim's profile tables (`fit-kernels.ts`), and checked against a recorded run.
 */
export interface KernelTimes {
  readonly weightsMs: number;
  readonly weightsMsPerToken: number;
  readonly computeMs: number;
  readonly computeMsPerToken: number;
  readonly decodeMs: number;
  readonly decodeNsPerContextToken: number;
  readonly decodeUsPerSequence: number;
  readonly prefillPsPerTokenPair: number;
  readonly prefillNsPerToken: number;
  readonly headMs: number;
  readonly headMsPerSequence: number;
  /** Factor on attention in steps with decodes and prompts. */
  readonly mix: number;
}

/** What a step does. Filled anew for each step; one object per engine, so that no step allocates. */
export interface StepLoad {
  /** N: tokens computed. */
  tokens: number;
  /** S: sequences that get a token. */
  samples: number;
  decodes: number;
  /** Sum of context tokens over decodes. */
  decodeContext: number;
  prefillTokens: number;
  /** Sum over chunks of chunk * (past + chunk / 2). */
  prefillPairs: number;
}

export function emptyLoad(): StepLoad {
  return { tokens: 0, samples: 0, decodes: 0, decodeContext: 0, prefillTokens: 0, prefillPairs: 0 };
}

/** Milliseconds of the device, without the host's time. */
export function kernelMs(times: KernelTimes, load: StepLoad): number {
  const linear = Math.max(
    times.weightsMs + times.weightsMsPerToken * load.tokens,
    times.computeMs + times.computeMsPerToken * load.tokens,
  );
  let attention = 0;
  if (load.decodes > 0) {
    attention +=
      times.decodeMs +
      times.decodeNsPerContextToken * 1e-6 * load.decodeContext +
      times.decodeUsPerSequence * 1e-3 * load.decodes;
  }
  if (load.prefillTokens > 0) {
    attention +=
      times.prefillPsPerTokenPair * 1e-9 * load.prefillPairs +
      times.prefillNsPerToken * 1e-6 * load.prefillTokens;
    if (load.decodes > 0) attention *= times.mix;
  }
  return linear + attention + times.headMs + times.headMsPerSequence * load.samples;
}

/** Milliseconds to compute a prompt alone on an idle engine, in chunks of at most `chunkTokens`, host time included. */
export function prefillMs(
  times: KernelTimes,
  hostMs: number,
  promptTokens: number,
  chunkTokens: number,
): number {
  const load = emptyLoad();
  let total = 0;
  for (let past = 0; past < promptTokens; past += chunkTokens) {
    const chunk = Math.min(chunkTokens, promptTokens - past);
    load.tokens = chunk;
    load.prefillTokens = chunk;
    load.prefillPairs = chunk * (past + chunk / 2);
    load.samples = past + chunk === promptTokens ? 1 : 0;
    total += kernelMs(times, load) + hostMs;
  }
  return total;
}
