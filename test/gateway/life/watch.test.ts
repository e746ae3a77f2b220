/**
 * The real process watches its manifests: every way in which files change on disk takes effect, or is rejected aloud.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { answer } from "../../kit/behaviours.ts";
import { startEndpoint, type TestEndpoint } from "../../kit/endpoint.ts";
import { manifestText, startGateway } from "../../kit/gateway.ts";
import { startLoad } from "../../kit/load.ts";
import { exchangeOnce } from "../../kit/raw-client.ts";
import { waitUntil } from "../../kit/wait.ts";
import { configPage, metric } from "./admin-pages.ts";
import { quietPort, startProcess, type PlimsollProcess } from "./process.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const REJECTED = "configuration rejected; the previous one stays in force";

function newFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "plimsoll-watch-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function serves({ port }: PlimsollProcess, text: string): Promise<void> {
  await waitUntil(async () => (await exchangeOnce(port, GET)).text === text, `answers from ${text}`, 8_000);
}

const rejections = (plimsoll: PlimsollProcess): number =>
  plimsoll.log().filter(({ msg }) => msg === REJECTED).length;

describe("changes on disk", { concurrency: true }, () => {
  test("a folder: an edit, an atomic rename, a bad edit, a new file, an emptied folder, and back", async (t) => {
    await using one = await startEndpoint(answer("one"));
    await using two = await startEndpoint(answer("two"));
    const folder = newFolder(t);
    const port = await quietPort();
    const text = (endpoint: TestEndpoint): string => manifestText({ pools: { web: [endpoint] } }, port);
    const file = join(folder, "web.yaml");
    writeFileSync(file, text(one));
    await using plimsoll = await startProcess({ pools: { web: [one] } }, { paths: [folder], port });
    await serves(plimsoll, "one");

    writeFileSync(file, text(two));
    await serves(plimsoll, "two");
    writeFileSync(join(folder, ".web.yaml.tmp"), text(one));
    renameSync(join(folder, ".web.yaml.tmp"), file);
    await serves(plimsoll, "one");

    writeFileSync(file, `${text(two)}\n---\nkind: HTTPRoute\napiVersion: gateway.networking.k8s.io/v1\n`);
    await waitUntil(() => rejections(plimsoll) === 1, "the rejection");
    assert.equal(await metric(plimsoll.adminPort, "plimsoll_config_last_reload_successful"), 0);
    assert.equal((await exchangeOnce(port, GET)).text, "one");
    const complaint = plimsoll.log().find(({ level, msg }) => level === "error" && msg.includes("web.yaml:"));
    assert.ok(complaint !== undefined, "the log says where");

    writeFileSync(file, text(two));
    await serves(plimsoll, "two");
    rmSync(file);
    await waitUntil(() => rejections(plimsoll) === 2, "an emptied folder to be rejected");
    assert.equal(
      (await exchangeOnce(port, GET)).text,
      "two",
      "no route is dropped because a folder is empty",
    );
    assert.match(JSON.stringify((await configPage(plimsoll.adminPort)).rejected), /no \*\.yaml/);
    writeFileSync(join(folder, "other.yaml"), text(one));
    await serves(plimsoll, "one");
    assert.equal(await metric(plimsoll.adminPort, "plimsoll_config_last_reload_successful"), 1);
  });

  test("a named file that is deleted or emptied is rejected, and taken up when it is back", async () => {
    await using one = await startEndpoint(answer("one"));
    await using two = await startEndpoint(answer("two"));
    await using gateway = await startGateway({ pools: { web: [one] } });
    unlinkSync(join(gateway.folder, "manifests.yaml"));
    assert.equal(await gateway.running.reload(), false);
    assert.match(JSON.stringify((await configPage(gateway.adminPort)).rejected), /ENOENT/);
    for (const text of ["", "# nothing left\n"]) {
      assert.equal(await gateway.rewriteText(text), false);
      assert.match(JSON.stringify((await configPage(gateway.adminPort)).rejected), /no listener is left/);
    }
    assert.equal((await exchangeOnce(gateway.port, GET)).text, "one");
    assert.equal(await gateway.rewrite({ pools: { web: [two] } }), true);
    assert.equal((await exchangeOnce(gateway.port, GET)).text, "two");
  });

  test("the swap of a ConfigMap's link, under load", async (t) => {
    await using one = await startEndpoint(answer("one"));
    await using two = await startEndpoint(answer("two"));
    const folder = newFolder(t);
    const port = await quietPort();
    for (const [version, endpoint] of [["..v1", one] as const, ["..v2", two] as const]) {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, "web.yaml"), manifestText({ pools: { web: [endpoint] } }, port));
    }
    symlinkSync("..v1", join(folder, "..data"));
    symlinkSync("..data/web.yaml", join(folder, "web.yaml"));
    await using plimsoll = await startProcess({ pools: { web: [one] } }, { paths: [folder], port });
    await using load = startLoad({ port, connections: 4, pauseMs: 5 });
    await serves(plimsoll, "one");
    symlinkSync("..v2", join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    rmSync(join(folder, "..v1"), { recursive: true });
    await serves(plimsoll, "two");
    const { refused, lost } = await load.stop();
    assert.deepEqual([refused, lost], [[], []]);
    assert.equal(rejections(plimsoll), 0);
  });
});
