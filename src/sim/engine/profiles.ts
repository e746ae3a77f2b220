/**
 * Machines by name: a device, a model and a degree of tensor parallelism, as an engine would be configured on it.
 *
 * Kernel constants: see kernel-times.ts. Memory for keys and values: (0.9 of the device's memory - weights - activations) over
 * 2 * layers * heads * 128 * 2 bytes a token: 131,072 bytes for Llama-3.1-8B, 327,680 for 70B. Step budget and seats are vLLM's defaults
 * for a server: 8,192 tokens and 1,024 sequences on 80 GB devices, 2,048 and 256 below. Host time a step is what two
 * recorded runs needed on top of the kernels: 0 to 2 ms; 1 ms is used where none was recorded.
 */
import type { KernelTimes } from "./kernel-times.ts";

export interface EngineProfile {
  readonly name: string;
  readonly kernels: KernelTimes;
  /** CPU time per step that the device waits for. */
  readonly hostMs: number;
  /** Tokens whose keys and values fit. */
  readonly kvTokens: number;
  /** Tokens a step may compute (max_num_batched_tokens). */
  readonly stepTokensMax: number;
  /** Sequences that may run (max_num_seqs). */
  readonly sequencesMax: number;
}

type Row = readonly [
  w0: number,
  w1: number,
  g0: number,
  g1: number,
  k0: number,
  kd: number,
  kb: number,
  kp: number,
  kpl: number,
  head: number,
];

function kernels([w0, w1, g0, g1, k0, kd, kb, kp, kpl, head]: Row): KernelTimes {
  return {
    weightsMs: w0,
    weightsMsPerToken: w1,
    computeMs: g0,
    computeMsPerToken: g1,
    decodeMs: k0,
    decodeNsPerContextToken: kd,
    decodeUsPerSequence: kb,
    prefillPsPerTokenPair: kp,
    prefillNsPerToken: kpl,
    headMs: head,
    headMsPerSequence: 0,
    mix: 1,
  };
}

function server(name: string, row: Row, kvTokens: number): EngineProfile {
  return { name, kernels: kernels(row), hostMs: 1, kvTokens, stepTokensMax: 8192, sequencesMax: 1024 };
}

export const A100_8B = server(
  "a100-8b",
  [9.27, 0.033, 2.78, 0.05434, 0.822, 71.2, 6.8, 2671, 1602, 0.66],
  450_000,
);
export const H100_8B = server(
  "h100-8b",
  [5.63, 0.0051, -1.11, 0.02057, 0.185, 40.3, 4.9, 618, 546, 0.37],
  450_000,
);
export const H200_8B = server(
  "h200-8b",
  [4.17, 0.0062, 1.0, 0.01976, 0.267, 25.1, 6.2, 694, 482, 0.26],
  880_000,
);
export const A100_70B_TP4 = server(
  "a100-70b-tp4",
  [25.19, 0.1016, 24.9, 0.1457, 1.675, 53.1, 4.9, 3346, 2613, 0.33],
  480_000,
);
export const H100_70B_TP4 = server(
  "h100-70b-tp4",
  [14.2, 0.0274, 3.17, 0.06027, 0.671, 24.7, 2.5, 677, 1097, 0.19],
  480_000,
);
export const H100_70B_TP8 = server(
  "h100-70b-tp8",
  [8.61, 0.0241, 6.39, 0.03613, 0.735, 13.2, 0.1, 249, 1055, 0.09],
  1_350_000,
);
export const H200_70B_TP4 = server(
  "h200-70b-tp4",
  [10.57, 0.029, -0.47, 0.06458, 0.778, 16.6, 3.2, 748, 1039, 0.13],
  1_130_000,
);

/**
 * Fitted from LLMServingSim's profile tables of that machine (fit-kernels.ts), memory as vLLM 0.19 found it there (2,588 blocks of
 * 16). No host time: the recorded run is met within 2 % without any.
 */
export const RTX4090_8B: EngineProfile = {
  name: "rtx4090-8b",
  kernels: {
    weightsMs: 15.39,
    weightsMsPerToken: 0.03682,
    computeMs: 5.732,
    computeMsPerToken: 0.08767,
    decodeMs: 0.3665,
    decodeNsPerContextToken: 141.5,
    decodeUsPerSequence: 6.352,
    prefillPsPerTokenPair: 3719,
    prefillNsPerToken: 2295,
    headMs: 1.115,
    headMsPerSequence: 0.002777,
    mix: 2.33,
  },
  hostMs: 0,
  kvTokens: 41_408,
  stepTokensMax: 2048,
  sequencesMax: 256,
};

/** Everything on it takes `factor` times as long: a throttled or shared device. */
export function slowed(profile: EngineProfile, factor: number): EngineProfile {
  const { kernels: times } = profile;
  const scaled = Object.fromEntries(
    Object.entries(times).map(([key, value]) => [key, Number(value) * factor]),
  );
  return {
    ...profile,
    name: `${profile.name}-slowed-${factor}`,
    kernels: { ...times, ...scaled, mix: times.mix },
    hostMs: profile.hostMs * factor,
  };
}
