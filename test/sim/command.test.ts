/**
 * The command itself: output, exit codes, files.
 */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const TEXT = `name: small
duration: 2s
policies: [RoundRobin]
arrivals: { process: recorded, recording: { file: times.csv, time: t } }
work: { distribution: constant, meanMs: 10 }
endpoints: [{ name: web, count: 2 }]
`;

describe("plimsoll simulate", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "plimsoll-simulate-"));
    writeFileSync(join(folder, "small.yaml"), TEXT);
    writeFileSync(join(folder, "times.csv"), "t\n0\n1\n1.5\n");
    writeFileSync(join(folder, "broken.yaml"), TEXT.replace("count", "cuont"));
  });
  after(() => rmSync(folder, { recursive: true }));

  interface Ran {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
  }

  function simulate(...args: readonly string[]): Promise<Ran> {
    return new Promise((resolve) => {
      execFile(process.execPath, [MAIN, "simulate", ...args], { cwd: folder }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  }

  test("a table for people, the speed beside it; recordings are found beside the scenario", async () => {
    const { code, stdout, stderr } = await simulate(join(folder, "small.yaml"));
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^small, seed 1: 3 requests of seconds 0 to 2\n\n +RoundRobin\nlatency mean \[ms\] +10\.0\n/,
    );
    assert.match(stderr, /^3 requests in /);
  });

  test("JSON for programs, other policies, another seed, a plot", async () => {
    const args = ["--policy", "Random, Auto", "--seed", "7", "-o", "json", "--svg", "plot.svg"];
    const { code, stdout, stderr } = await simulate("small.yaml", ...args);
    assert.equal(code, 0, stderr);
    const parsed = JSON.parse(stdout) as {
      readonly seed: number;
      readonly policies: readonly { policy: string }[];
    };
    assert.equal(parsed.seed, 7);
    assert.deepEqual(
      parsed.policies.map(({ policy }) => policy),
      ["Random", "Auto"],
    );
    assert.match(
      readFileSync(join(folder, "plot.svg"), "utf8"),
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/,
    );
  });

  test("problems go to standard error with their places, and the exit code is 1", async () => {
    const broken = await simulate("broken.yaml");
    assert.deepEqual([broken.code, broken.stdout], [1, ""]);
    assert.match(
      broken.stderr,
      /^broken\.yaml:6:\d+: error: endpoints\[0\]\.cuont: unknown field; did you mean count\?/m,
    );
    const unknown = await simulate("small.yaml", "--policy", "Rondom");
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /error: --policy: not a known balancing policy; did you mean Random\?/);
    const absent = await simulate("absent.yaml");
    assert.equal(absent.code, 1);
    assert.match(absent.stderr, /^absent\.yaml: cannot be read/);
    const unwritable = await simulate("small.yaml", "--svg", "no/such/folder.svg");
    assert.equal(unwritable.code, 1);
  });

  const full = existsSync("/dev/full") ? false : "this system has no /dev/full";
  test("output that cannot be written is told in one line", { skip: full }, () => {
    const output = openSync("/dev/full", "w");
    try {
      const { status, stderr } = spawnSync(process.execPath, [MAIN, "simulate", "small.yaml"], {
        cwd: folder,
        stdio: ["ignore", output, "pipe"],
      });
      assert.equal(status, 1);
      assert.match(String(stderr), /^error: standard output cannot be written: ENOSPC.*\n$/m);
      assert.doesNotMatch(String(stderr), / at /);
    } finally {
      closeSync(output);
    }
  });

  test("wrong usage is 2", async () => {
    assert.equal((await simulate()).code, 2);
    assert.equal((await simulate("small.yaml", "--output", "xml")).code, 2);
  });
});
