// One process per folder: a second one is refused, a killed one is replaced, and of those that start at once one wins.
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readdirSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { AtelierError } from "../../src/request/errors.ts"
import { keysAdd, keysList } from "../../src/server/admin.ts"
import { answerBusy, askHolder, lockDirectory, socketPath } from "../../src/server/lock.ts"
import { dataFolder } from "../support/folder.ts"
import { startService, until } from "../support/service.ts"

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "atelier-lock-"))
})
after(() => rm(directory, { recursive: true, force: true }))

const lock = (name = "me") =>
  lockDirectory(directory, (_, answer) => answer.end(JSON.stringify({ result: name })))

/** A process that took the folder and was killed: its socket's name stays. */
async function leaveStale(): Promise<void> {
  const code = `import { lockDirectory } from ${JSON.stringify(new URL("../../src/server/lock.ts", import.meta.url).href)}
    await lockDirectory(process.argv[1], () => {})
    setInterval(() => {}, 1000)
    console.log("locked")`
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", code, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  await once(child.stdout!, "data")
  child.kill("SIGKILL")
  await once(child, "exit")
  assert.ok(existsSync(socketPath(directory)))
}

test("a folder that is served is refused to a second server, and is free again after the first", async () => {
  const first = await lock("first")
  await assert.rejects(lock(), { code: "conflict", message: /Another atelier serves/ })
  assert.equal(await askHolder(directory, "who", {}), "first")
  await first.release()
  assert.equal(await askHolder(directory, "who", {}), null)
  await (await lock()).release()
  assert.deepEqual(readdirSync(directory), [])
})

test("a folder is made with those above it, and one that cannot be is named", async () => {
  const above = join(directory, "above")
  const file = join(above, "file")
  socketPath(join(above, "below"))
  assert.ok(existsSync(join(above, "below")))
  await writeFile(file, "")
  // Node's own way would turn for ever here.
  const nowhere = process.platform === "linux" ? ["/proc/atelier/x"] : []
  for (const path of [file, join(file, "below"), ...nowhere]) {
    const named = path.replace(/.below$|.x$/, "")
    const refused = (e: unknown) =>
      e instanceof AtelierError &&
      e.code === "file_write" &&
      e.message.startsWith(`There can be no folder ${named} (`)
    assert.throws(() => socketPath(path), refused)
  }
  await rm(above, { recursive: true })
})

test("of many servers that start at once on a killed one's folder, exactly one serves", async () => {
  await leaveStale()
  const starts = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => lock(String(i))))
  const won = starts.flatMap((s, i) => (s.status === "fulfilled" ? [{ i, held: s.value }] : []))
  assert.equal(won.length, 1)
  for (const s of starts) if (s.status === "rejected") assert.equal(s.reason.code, "conflict")
  assert.equal(await askHolder(directory, "who", {}), String(won[0]!.i))
  await won[0]!.held.release()
  assert.deepEqual(readdirSync(directory), [])
})

test("who asks a holder that starts is answered when it has started", async () => {
  let asked = 0
  const held = await lockDirectory(directory, (request, answer) =>
    ++asked < 3 ? answerBusy(request, answer) : answer.end(JSON.stringify({ result: "started" })),
  )
  assert.equal(await askHolder(directory, "who", {}), "started")
  assert.equal(asked, 3)
  await held.release()
})

test("what a holder refuses keeps its code, one that stays busy is told of, and so is an answer that is none", async () => {
  const answered = async (answer: Parameters<typeof lockDirectory>[1], patience?: number) => {
    const held = await lockDirectory(directory, answer)
    try {
      return await askHolder(directory, "who", {}, patience)
    } finally {
      await held.release()
    }
  }
  const error = new AtelierError("not_found", "There is no command who.", { field: "command" })
  const refused = answered((_, answer) => {
    answer.statusCode = 400
    answer.end(JSON.stringify({ error }))
  })
  await assert.rejects(refused, { code: "not_found", message: error.message, field: "command" })
  await assert.rejects(answered(answerBusy, 0), {
    code: "unavailable",
    message:
      /^Another atelier has held .* for 0 s, by starting or by a command; try again when it is done\.$/,
  })
  const none = answered((_, answer) => answer.end())
  await assert.rejects(none, { code: "unavailable", message: /gave no whole answer .*; look whether/ })
  const cut = answered((_, answer) => void answer.socket!.destroy())
  await assert.rejects(cut, { code: "unavailable", message: /gave no whole answer/ })
})

test("commands at once on a folder that nobody serves are all done, and their dates are dates", async () => {
  const folder = await dataFolder()
  try {
    await Promise.all(["one", "two"].map((name) => keysAdd({ directory: folder }, name)))
    const keys = await keysList({ directory: folder })
    assert.deepEqual(keys.map(({ name }) => name).toSorted(), ["one", "two"])
    assert.ok(keys.every(({ createdAt }) => createdAt instanceof Date))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test("a command beside a server that starts is done by the server when it has started", async () => {
  const folder = await dataFolder()
  const starting = startService({ directory: folder })
  await until(() => existsSync(socketPath(folder)))
  const { id } = await keysAdd({ directory: folder }, "early")
  const service = await starting
  try {
    assert.deepEqual(
      (await keysList({ directory: folder })).map((key) => key.id),
      [id],
    )
    await assert.rejects(keysAdd({ directory: folder }, "a/b"), { code: "invalid_request" })
  } finally {
    await service.drop()
  }
})
