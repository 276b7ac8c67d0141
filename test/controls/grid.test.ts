// Grids: axes from words, cells that are made once, and one sheet.
import assert from "node:assert/strict"
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import sharp from "sharp"
import { BoardFolder } from "../../src/controls/boards.ts"
import { makeCells, parseAxis, planGrid, withField } from "../../src/controls/grid.ts"
import { contactSheet, sheetLayout } from "../../src/controls/grid-sheet.ts"
import { testEngine } from "../support/engine.ts"

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "grid-"))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

test("axes are read from words: lists, levels, ranges, steps, prompts", () => {
  assert.deepEqual(parseAxis("creativity=raw,low,25,high").values, [0, 10, 25, 100])
  assert.deepEqual(parseAxis("creativity=raw,25").labels, ["raw", "25"])
  assert.deepEqual(parseAxis("seed=1..4").values, [1, 2, 3, 4])
  assert.deepEqual(parseAxis("reference=-2..2/5").values, [-2, -1, 0, 1, 2])
  assert.equal(parseAxis("reference=1").field, "references[0].weight")
  assert.deepEqual(parseAxis("strength=0..1/11").values, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])
  assert.deepEqual(parseAxis("prompt=a fox, red|an owl").values, ["a fox, red", "an owl"])
  assert.deepEqual(parseAxis("board.id=Warm, walls|Sea").values, ["Warm, walls", "Sea"])
  assert.deepEqual(parseAxis("references[1].image=a,b.png|c.png").values, ["a,b.png", "c.png"])
  assert.deepEqual(parseAxis("output.format=png,webp").values, ["png", "webp"])
  assert.deepEqual(parseAxis("negativePrompt=|blurry").values, ["", "blurry"])
  assert.deepEqual(parseAxis("prompt=|a fox|").values, ["a fox"])
})

test("bars of a choice inside a prompt do not end it", () => {
  const prompts = (list: string) => parseAxis(`prompt=${list}`).values
  assert.deepEqual(prompts("a {red|{dark |}blue} fox | an owl"), ["a {red|{dark |}blue} fox", "an owl"])
  assert.deepEqual(prompts("a \\| b|c\\\\|d"), ["a \\| b", "c\\\\", "d"])
  assert.deepEqual(prompts("a \\{ fox|an {owl|a cat"), ["a \\{ fox", "an {owl", "a cat"])
})

test("axes that are none are refused in a sentence", () => {
  assert.throws(() => parseAxis("creativity"), /is no axis; write field=value/)
  assert.throws(() => parseAxis("=1,2"), /is no axis/)
  assert.throws(() => parseAxis("seed="), /has no values/)
  assert.throws(() => parseAxis("seed=one"), /"one" is not a number for the axis seed/)
  assert.throws(() => parseAxis("seed=1..2/1"), /is no range/)
  assert.throws(() => parseAxis("guidance=1..2.5"), /1\.\.2\.5 is no range; write .*FROM\.\.TO\/COUNT/)
  assert.throws(() => parseAxis("count=1..3"), /count is no axis; vary seed/)
  assert.throws(() => parseAxis("__proto__.polluted=1"), /is no axis/)
  assert.throws(() => withField({ prompt: "" }, "constructor.name", "x"), /check its spelling/)
})

test("a field that needs something the request lacks says what to give", () => {
  assert.throws(() => withField({ prompt: "a fox" }, "start.strength", 0.5), /needs start.*give --image/)
  assert.throws(() => withField({ prompt: "a fox" }, "references[0].weight", 1), /give --reference/)
  assert.throws(() => withField({ prompt: "a fox", loras: [] }, "loras[0].weight", 1), /give --lora/)
  const input = { prompt: "a fox", references: [{ image: "a.png" }] }
  assert.throws(() => withField(input, "references[5].weight", 1), /needs references\[5\].*give --reference/)
  assert.deepEqual(withField(input, "references[0].weight", -1).references, [{ image: "a.png", weight: -1 }])
  assert.deepEqual(input.references, [{ image: "a.png" }])
})

test("limits and unknown fields are found before the first picture is made", () =>
  inFolder(async (folder) => {
    const plan = (...axes: string[]) => planGrid({ prompt: "a fox" }, axes.map(parseAxis), folder)
    await assert.rejects(plan("intensity=-200,0"), { code: "out_of_range", field: "intensity" })
    await assert.rejects(plan("colour=1,2"), { code: "invalid_request" })
    await assert.rejects(plan("seed=1..30", "steps=1..30"), /900 cells, and 400 is the limit/)
    await assert.rejects(plan("seed=1,2", "seed=3,4"), /Both axes are seed/)
    await assert.rejects(plan("seed=1", "steps=1", "guidance=1"), /one or two axes; 3 were given/)
  }))

test("any field may be an axis, one that the request left to its default as well", () =>
  inFolder(async (folder) => {
    for (const axis of ["output.quality=50,90", "width=256,512", "candidates=1,8", "negativePrompt=a|b"]) {
      const cells = await planGrid({ prompt: "a fox" }, [parseAxis(axis)], folder)
      assert.equal(new Set(cells.map(({ path }) => path)).size, 2, axis)
    }
  }))

test("what the engine has to say of the pictures is told once", () =>
  inFolder(async (folder) => {
    const engine = testEngine({ side: 16 })
    const note = { code: "prompt_cut", message: "The prompt was too long." } as const
    const telling = {
      ...engine,
      generate: async (...asked: Parameters<typeof engine.generate>) => ({
        ...(await engine.generate(...asked)),
        notes: [{ ...note }],
      }),
    }
    const cells = await planGrid({ prompt: "a fox" }, [parseAxis("seed=1..3")], folder)
    assert.deepEqual(await makeCells(cells, { engine: telling, folder }), [note])
  }))

test("a grid stopped in the middle goes on where it was, and equal cells are made once", () =>
  inFolder(async (folder) => {
    const axes = [parseAxis("seed=1..3"), parseAxis("creativity=raw,0,high")]
    const base = { prompt: "a fox", width: 256, height: 256 }
    const stop = new AbortController()
    const first = testEngine({ side: 16 })
    const planned = await planGrid(base, axes, folder)
    assert.equal(planned.length, 9)
    await assert.rejects(
      makeCells(planned, {
        engine: first,
        folder,
        parallel: 1,
        signal: stop.signal,
        onCell: (done) => {
          if (done === 2) stop.abort()
        },
      }),
    )
    assert.equal((await readdir(folder)).filter((f) => !f.endsWith(".part")).length, 2)
    const second = testEngine({ side: 16 })
    const again = await planGrid(base, axes, folder)
    await makeCells(again, { engine: second, folder })
    // Raw and 0 are one request: six pictures in all, two of them from before.
    assert.equal(second.seen.length, 4)
    assert.ok((await planGrid(base, axes, folder)).every((c) => !c.isNew))
  }))

test("all cells share one seed, and a changed reference file makes new pictures", () =>
  inFolder(async (folder) => {
    const image = join(folder, "look.png")
    await writeFile(image, "one")
    const base = { prompt: "a fox", references: [{ image }] }
    const before = await planGrid(base, [parseAxis("reference=0,1")], folder)
    assert.deepEqual(
      before.map((c) => c.request.seed),
      [0, 0],
    )
    await writeFile(image, "two")
    const after = await planGrid(base, [parseAxis("reference=0,1")], folder)
    assert.notEqual(before[0]!.path, after[0]!.path)
  }))

test("a board that was made anew under its name makes new pictures, and a missing one is said at once", () =>
  inFolder(async (folder) => {
    const boards = new BoardFolder(join(folder, "boards"))
    const codeOf = async (id: string): Promise<string> => (await boards.find(id)).code
    const plan = () =>
      planGrid({ prompt: "a fox", board: { id: "walls" } }, [parseAxis("board=0.5,1")], folder, codeOf)
    await assert.rejects(plan(), { code: "not_found", field: "board.id" })
    const paths: string[] = []
    for (const background of ["red", "blue"]) {
      const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background } })
        .png()
        .toBuffer()
      await boards.create("walls", [{ bytes, name: background }])
      paths.push(...(await plan()).map((cell) => cell.path))
      await boards.remove("walls")
    }
    assert.equal(new Set(paths).size, 4)
  }))

test("the sheet has room for all pictures and their labels", () =>
  inFolder(async (folder) => {
    const axes = [
      parseAxis("reference=-2..2/3"),
      parseAxis("prompt=a <fox> & an owl|a very long prompt about a castle"),
    ]
    const base = { prompt: "", width: 512, height: 256, references: [{ image: "x" }] }
    const cells = await planGrid(base, axes, folder)
    await makeCells(cells, { engine: testEngine({ side: 32 }), folder })
    const sheet = await contactSheet(cells, axes, { tile: 128, title: "a title" })
    const { width, height, format } = await sharp(sheet).metadata()
    assert.equal(format, "png")
    assert.ok(width > 3 * 128 && width < 3 * 128 + 300, String(width))
    assert.ok(height > 2 * 64 && height < 2 * 64 + 200, String(height))
    // Labels are ink on paper: some dark pixels above the first row.
    const head = await sharp(sheet)
      .extract({ left: 0, top: 0, width, height: 60 })
      .greyscale()
      .raw()
      .toBuffer()
    assert.ok(head.some((v) => v < 100))
  }))

test("an axis too long for one row is put in several, and a sheet that no viewer opens is refused", () =>
  inFolder(async (folder) => {
    const layout = async (...given: string[]) => {
      const axes = given.map(parseAxis)
      return sheetLayout(await planGrid({ prompt: "a fox" }, axes, folder), axes)
    }
    const { total, place } = await layout("seed=1..100")
    assert.ok(total.width < 4000 && total.height < 4000, JSON.stringify(total))
    assert.equal(place(0, 0).left, place(10, 0).left)
    await assert.rejects(layout("seed=1..100", "steps=1,2"), {
      code: "out_of_range",
      message: /^The sheet would have \d+ x \d+ pixels, and 16383 is the limit along a side; give a smaller/,
    })
  }))

test("long labels are broken between words into at most three lines, and rows make room for them", () =>
  inFolder(async (folder) => {
    const layout = async (prompts: string) => {
      const axes = [parseAxis(`prompt=${prompts}`)]
      return sheetLayout(await planGrid({ prompt: "" }, axes, folder), axes, { tile: 240, columns: 1 })
    }
    const long = "a sticker of a strawberry on an orange background"
    const [wrapped, short] = [await layout(`${long}|a fox`), await layout("an owl|a fox")]
    assert.ok(wrapped.across[0]!.length > 1)
    assert.equal(wrapped.across[0]!.join(" "), long)
    assert.deepEqual(wrapped.across[1], ["a fox"])
    const more = wrapped.top - short.top
    assert.ok(more >= wrapped.font)
    assert.equal(wrapped.place(1, 0).top - short.place(1, 0).top, 2 * more)
    const endless = (await layout(`${"word ".repeat(100)}|${"x".repeat(500)}`)).across
    assert.deepEqual(
      endless.map((lines) => lines.length),
      [3, 1],
    )
    for (const lines of endless) assert.match(lines.at(-1)!, /…$/)
  }))

test("labels of any characters are drawn, those that no XML holds left out", () =>
  inFolder(async (folder) => {
    const axes = [parseAxis(`prompt=${"🦊".repeat(60)}|\u0000\u0007|\ud800|"<&>'|雪中的红狐狸\nالثعلب`)]
    const cells = await planGrid({ prompt: "", width: 256, height: 256 }, axes, folder)
    await makeCells(cells, { engine: testEngine({ side: 32 }), folder })
    const sheet = await contactSheet(cells, axes, { tile: 64, title: "a \u0001 fox" })
    assert.equal((await sharp(sheet).metadata()).format, "png")
  }))

test("one long axis is put in rows, each picture under its own value", () =>
  inFolder(async (folder) => {
    const axes = [parseAxis("seed=1..5")]
    const cells = await planGrid({ prompt: "a fox", width: 256, height: 256 }, axes, folder)
    await makeCells(cells, { engine: testEngine({ side: 32 }), folder })
    const sheet = await contactSheet(cells, axes, { tile: 128, columns: 2 })
    const { width, height } = await sharp(sheet).metadata()
    assert.ok(width > 2 * 128 && width < 2 * 128 + 100, String(width))
    assert.ok(height > 3 * 128 && height < 3 * 128 + 200, String(height))
    const dark = async (left: number, top: number): Promise<boolean> => {
      const strip = { left, top, width: 128, height: 20 }
      return (await sharp(sheet).extract(strip).greyscale().raw().toBuffer()).some((v) => v < 100)
    }
    // Three rows: a label stands above the last one's only picture, and none where there is none.
    const last = height - 28 - 128 - 22
    assert.equal(await dark(28, last), true)
    assert.equal(await dark(28 + 128 + 10, last), false)
  }))
