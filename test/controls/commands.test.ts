// The commands of boards and grids, in this process and in a home of their own.
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import sharp from "sharp"
import { runCommand } from "../../src/cli/program.ts"
import { readExpandedPrompt } from "../../src/image/metadata.ts"
import { createAtelier } from "../../src/sdk/index.ts"
import { testEngine } from "../support/engine.ts"

let home = ""
let previous: string | undefined

before(async () => {
  previous = process.env.ATELIER_HOME
  home = await mkdtemp(join(tmpdir(), "home-"))
  process.env.ATELIER_HOME = home
  for (const colour of ["red", "blue"])
    await sharp({ create: { width: 16, height: 16, channels: 3, background: colour } })
      .png()
      .toFile(join(home, `${colour}.png`))
})
after(async () => {
  if (previous === undefined) delete process.env.ATELIER_HOME
  else process.env.ATELIER_HOME = previous
  await rm(home, { recursive: true })
})

async function atelier(...words: string[]): Promise<{ out: string; told: string; code: number }> {
  const [out, told]: [string[], string[]] = [[], []]
  let code = 0
  await runCommand(words, {
    print: (text) => out.push(text),
    tell: (text) => told.push(text),
    terminal: false,
    signal: new AbortController().signal,
    exit: (n) => {
      code = n
    },
  })
  return { out: out.join("\n"), told: told.join("\n"), code }
}

test("a board is made, listed, shown, exported, deleted and imported from the command line", async () => {
  const made = await atelier(
    "board",
    "create",
    "Walls",
    join(home, "red.png"),
    `${join(home, "blue.png")}:-0.5`,
  )
  assert.equal(made.code, 0, made.told)
  const code = made.out.slice(0, 8)
  assert.match((await atelier("board", "list")).out, /Walls {2}2 pictures/)
  assert.match((await atelier("board", "show", code)).out, /png {2}-0\.5/)
  const file = join(home, "walls.json")
  assert.equal((await atelier("board", "export", "Walls", "--out", file)).code, 0)
  assert.equal((await atelier("board", "delete", "Walls")).out, "Walls is deleted.")
  assert.match((await atelier("board", "list")).out, /There is no board/)
  assert.match((await atelier("board", "import", file)).out, new RegExp(`^${code} {2}Walls`))
})

test("an export goes into a folder under the board's name, and one that cannot be written is refused", async () => {
  const made = await atelier("board", "create", "हिन्दी: my_walls", join(home, "red.png"))
  assert.equal(made.code, 0, made.told)
  for (const out of [home, join(home, "new/")]) {
    const { told, ...said } = await atelier("board", "export", "हिन्दी: my_walls", "--out", out)
    assert.equal(said.code, 0, told)
    assert.ok(said.out.startsWith(`${join(out, "हिन्दी-my_walls.board.json")}  `), said.out)
  }
  await writeFile(join(home, "file"), "")
  const places = existsSync("/proc/self") ? ["/proc/nowhere", join(home, "file")] : [join(home, "file")]
  for (const place of places) {
    const { code, told } = await atelier("board", "export", "हिन्दी: my_walls", "-o", join(place, "b.json"))
    assert.deepEqual([code, told], [1, `Nothing can be written to ${place}; choose another --out.`])
  }
  await atelier("board", "delete", "हिन्दी: my_walls")
})

test("programs make, list, find and delete the same boards", async () => {
  await using sdk = createAtelier(testEngine(), home)
  const picture = { bytes: await readFile(join(home, "red.png")), name: "red.png", weight: 2 }
  const board = await sdk.boards.create("Reds", [picture])
  assert.match((await atelier("board", "show", "Reds")).out, new RegExp(`^${board.code}  Reds  1 picture`))
  assert.ok((await sdk.boards.list()).some((b) => b.id === board.id))
  await sdk.boards.remove(board.code)
  await assert.rejects(sdk.boards.find("Reds"), { code: "not_found" })
})

test("a grid is one sheet beside its pictures, and a wider one makes only what is new", async () => {
  const out = join(home, "grid")
  const grid = (seeds: string) =>
    atelier(
      "grid",
      "a fox",
      "-a",
      `seed=${seeds}`,
      "-a",
      "intensity=-60,60",
      ...["-c", "raw", "-s", "256x256"],
      ...["--steps", "1", "-o", out],
    )
  const first = await grid("1")
  assert.equal(first.code, 0, first.told)
  assert.equal(first.out, `${join(out, "sheet.png")}\n2 pictures, 2 made now`)
  assert.match((await grid("1,2")).out, /4 pictures, 2 made now$/)
  assert.match((await grid("1,2")).out, /4 pictures, 0 made now$/)
  assert.equal((await readdir(join(out, "cells"))).length, 4)
  const { width, height } = await sharp(join(out, "sheet.png")).metadata()
  assert.ok(width > 640 && height > 640, `${width} x ${height}`)
})

test("a replay reads what the picture's model read, whatever an endpoint would write today", async () => {
  let asked = 0
  const server = createServer((_, response) => {
    const content = `a fox, ${["woodcut", "mosaic"][asked++] ?? "sticker"}`
    response.end(JSON.stringify({ choices: [{ message: { content } }] }))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  process.env.ATELIER_CHAT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  try {
    const [first, second] = [join(home, "first.png"), join(home, "second.png")]
    const made = await atelier(
      ...["generate", "a fox", "-c", "high", "-s", "256x256", "--seed", "3"],
      ...["--steps", "1", "--candidates", "1", "--out", first],
    )
    assert.equal(made.code, 0, made.told)
    assert.equal(await readExpandedPrompt(await readFile(first)), "a fox, woodcut")
    const again = await atelier("replay", first, "--out", second)
    assert.equal(again.code, 0, again.told)
    assert.deepEqual(await readFile(second), await readFile(first))
    assert.equal(asked, 1)
  } finally {
    delete process.env.ATELIER_CHAT_URL
    server.closeAllConnections()
    server.close()
  }
})

test("what is asked wrongly is one sentence and a code", async () => {
  await writeFile(join(home, "text.txt"), "no picture")
  const cases: [string[], number, RegExp][] = [
    [["board", "show", "nowhere"], 1, /There is no board nowhere/],
    [["board", "create", "x", join(home, "none.png")], 1, /cannot be opened; check the path/],
    [["board", "create", "x", join(home, "text.txt")], 1, /cannot be read as a picture/],
    [["board", "import", join(home, "text.txt")], 2, /is no board file/],
    [["grid", "a fox", "--axis", "seed"], 2, /is no axis/],
    [
      ["grid", "a fox", "--axis", "seed=1", "--tile", "9"],
      2,
      /--tile: 9 is not a whole number from 64 to 1024/,
    ],
    [
      ["grid", "a fox", "--axis", "seed=1", "--axis", "steps=1", "--columns", "2"],
      2,
      /--columns: 2 with 2 axes; it takes a whole number from 1 to 50, and one axis/,
    ],
    [["grid", "a fox", "--axis", "seed=1", "--columns", "0"], 2, /--columns: 0 with 1 axes/],
    [["grid", "a fox", "--axis", "seed=1..200", "--axis", "steps=1,2"], 2, /The sheet would have/],
    [["grid", "a fox", "--axis", "model=medium,none"], 1, /none/],
    [["grid", "a fox", "--axis", "loras[0].weight=0,1"], 2, /give --lora/],
  ]
  for (const [words, code, message] of cases) {
    const found = await atelier(...words)
    assert.equal(found.code, code, words.join(" "))
    assert.match(found.told, message)
  }
})
