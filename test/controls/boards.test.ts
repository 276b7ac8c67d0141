// Moodboards on disk and as one file.
import assert from "node:assert/strict"
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import sharp from "sharp"
import { exportBoard, importBoard, readBoardFile } from "../../src/controls/board-file.ts"
import { BoardFolder, type NewPicture } from "../../src/controls/boards.ts"
import { AtelierError } from "../../src/request/index.ts"

const picture = async (colour: string, format: "png" | "webp" = "png"): Promise<NewPicture> => ({
  bytes: await sharp({ create: { width: 16, height: 12, channels: 3, background: colour } })
    .toFormat(format)
    .toBuffer(),
  name: `${colour}.${format}`,
})

async function inFolder(use: (boards: BoardFolder, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "boards-"))
  try {
    await use(new BoardFolder(join(folder, "boards")), folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const failure = async (work: Promise<unknown>): Promise<AtelierError> => {
  try {
    await work
  } catch (error) {
    assert.ok(error instanceof AtelierError, String(error))
    return error
  }
  throw new Error("did not fail")
}

test("a board is found by its id, its name and its share code, and its pictures come back as they were", () =>
  inFolder(async (boards) => {
    const [red, blue] = [await picture("red"), await picture("blue", "webp")]
    const board = await boards.create("Warm walls", [red, { ...blue, weight: 0.5 }])
    assert.match(board.code, /^[A-HJKMNP-Z2-9]{8}$/)
    for (const name of [board.id, "Warm walls", board.code, board.code.toLowerCase()])
      assert.deepEqual(await boards.find(name), board)
    assert.deepEqual(Buffer.from(await boards.picture(board.pictures[1]!)), blue.bytes)
    assert.deepEqual(
      board.pictures.map((p) => [p.format, p.weight]),
      [
        ["png", 1],
        ["webp", 0.5],
      ],
    )
  }))

test("a missing board is refused with the names of those that exist", () =>
  inFolder(async (boards) => {
    assert.match((await failure(boards.find("x"))).message, /no board x; make one with `atelier board create/)
    await boards.create("one", [await picture("red")])
    const error = await failure(boards.find("x"))
    assert.equal(error.code, "not_found")
    assert.equal(error.message, "There is no board x; there are one.")
  }))

test("a name is one line and the same however its accents are written", () =>
  inFolder(async (boards) => {
    const { name } = await boards.create(" Caf\u00e9\n walls ", [await picture("red")])
    assert.equal(name, "Caf\u00e9 walls")
    assert.equal((await boards.find("Cafe\u0301  walls")).name, name)
    const again = await failure(boards.create("Cafe\u0301 walls", [await picture("blue")]))
    assert.equal(again.code, "conflict")
    assert.ok((await failure(boards.find("x".repeat(5000)))).message.length < 200)
  }))

test("of boards of one name that are made in the same moment one is kept, and the others are refused", () =>
  inFolder(async (boards, folder) => {
    const red = await picture("red")
    const others = new BoardFolder(join(folder, "boards"))
    const made = [boards, others, boards, others].map((b) => b.create("one", [red]))
    const ended = await Promise.allSettled(made)
    const refused = ended.flatMap((e) => (e.status === "rejected" ? [(e.reason as AtelierError).code] : []))
    assert.deepEqual(refused, ["conflict", "conflict", "conflict"])
    const [board, ...more] = await boards.list()
    assert.deepEqual(more, [])
    assert.deepEqual(Buffer.from(await boards.picture(board!.pictures[0]!)), red.bytes)
    assert.equal((await readdir(join(folder, "boards"))).length, 2, "the board and its pictures")
  }))

test("of boards that lose their name to another in the same moment no picture stays", () =>
  inFolder(async (boards, folder) => {
    const shared = await picture("white")
    const colours = await Promise.all(["red", "green", "blue"].map((colour) => picture(colour)))
    await Promise.allSettled(
      colours.map((colour) => new BoardFolder(join(folder, "boards")).create("one", [shared, colour])),
    )
    const [board] = await boards.list()
    const kept = await readdir(join(folder, "boards", "pictures"))
    assert.deepEqual(kept.toSorted(), board!.pictures.map(({ hash }) => hash).toSorted())
  }))

test("a board that is named by its id, as earlier versions did, is found, keeps its name taken and is deleted", () =>
  inFolder(async (boards, folder) => {
    const red = await picture("red")
    const board = await boards.create("old", [red])
    const [name] = (await readdir(join(folder, "boards"))).filter((n) => n.endsWith(".json"))
    await rename(join(folder, "boards", name!), join(folder, "boards", `${board.id}.json`))
    assert.deepEqual(await boards.find(board.id), board)
    assert.equal((await failure(boards.create("old", [red]))).code, "conflict")
    await boards.remove("old")
    assert.deepEqual(await boards.list(), [])
  }))

test("deleting a board leaves pictures that another one uses", () =>
  inFolder(async (boards, folder) => {
    const [red, blue] = [await picture("red"), await picture("blue")]
    await boards.create("one", [red, blue])
    const two = await boards.create("two", [red])
    await boards.remove("one")
    assert.deepEqual(await readdir(join(folder, "boards", "pictures")), [two.pictures[0]!.hash])
    assert.deepEqual(await boards.list(), [two])
  }))

test("a board that is made while the last one with its picture is deleted has the picture", () =>
  inFolder(async (boards, folder) => {
    // They know of one another as little as two processes.
    const others = new BoardFolder(join(folder, "boards"))
    const red = await picture("red")
    await boards.create("0", [red])
    for (let i = 1; i <= 20; i++) {
      const [board] = await Promise.all([boards.create(`${i}`, [red]), others.remove(`${i - 1}`)])
      assert.deepEqual(Buffer.from(await boards.picture(board.pictures[0]!)), red.bytes, `board ${i}`)
      assert.deepEqual(await readdir(join(folder, "boards", "pictures")), [board.pictures[0]!.hash])
    }
    await boards.remove("20")
    assert.deepEqual(await readdir(join(folder, "boards", "pictures")), [])
  }))

test("names, numbers of pictures and weights have limits, and each refusal is one sentence", () =>
  inFolder(async (boards) => {
    const red = await picture("red")
    await boards.create("one", [red])
    const cases: [() => Promise<unknown>, string, RegExp][] = [
      [() => boards.create(" ", [red]), "out_of_range", /name has 1 to 120 characters; this has 0/],
      [() => boards.create("x", []), "out_of_range", /1 to 100 pictures; 0 were given/],
      [
        () =>
          boards.create(
            "x",
            Array.from({ length: 101 }, () => red),
          ),
        "out_of_range",
        /101 were given/,
      ],
      [
        () => boards.create("x", [red, { bytes: Buffer.alloc(290_000_000), name: "large" }]),
        "out_of_range",
        /^The board's pictures have 291 MB together, and 290 MB is the limit; make them smaller\.$/,
      ],
      [() => boards.create("one", [red]), "conflict", /There is a board one already/],
      [
        () => boards.create("x", [{ ...red, weight: 3 }]),
        "out_of_range",
        /red.png has weight 3; weights go from -2 to 2/,
      ],
      [() => boards.create("x", [{ bytes: Buffer.from("no"), name: "a.txt" }]), "image_invalid", /a\.txt/],
    ]
    for (const [work, code, message] of cases) {
      const error = await failure(work())
      assert.equal(error.code, code)
      assert.match(error.message, message)
    }
    assert.equal((await boards.list()).length, 1)
  }))

test("one bad picture among good ones leaves nothing behind", () =>
  inFolder(async (boards, folder) => {
    const red = await picture("red")
    await failure(boards.create("x", [red, { bytes: red.bytes.subarray(0, 60), name: "cut.png" }]))
    assert.deepEqual(await readdir(folder), [])
  }))

test("an export made here can be imported elsewhere, with the same code, once", () =>
  inFolder(async (boards, folder) => {
    const board = await boards.create("Sea", [
      await picture("teal"),
      { ...(await picture("navy")), weight: -1 },
    ])
    const path = join(folder, "sea.json")
    await writeFile(path, JSON.stringify(await exportBoard(boards, "Sea")))
    const others = new BoardFolder(join(folder, "others"))
    const { board: copy, isNew } = await importBoard(others, await readBoardFile(path))
    assert.ok(isNew)
    assert.equal(copy.code, board.code)
    assert.deepEqual(copy.pictures, board.pictures)
    assert.equal((await importBoard(others, await readBoardFile(path))).isNew, false)
  }))

test("an import whose name is taken gets a number", () =>
  inFolder(async (boards, folder) => {
    const others = new BoardFolder(join(folder, "others"))
    await others.create("Sea", [await picture("red")])
    await boards.create("Sea", [await picture("blue")])
    const { board } = await importBoard(others, await exportBoard(boards, "Sea"))
    assert.equal(board.name, "Sea 2")
  }))

test("board files that are cut off, foreign or missing are refused in a sentence", () =>
  inFolder(async (boards, folder) => {
    await boards.create("Sea", [await picture("blue")])
    const path = join(folder, "sea.json")
    const whole = JSON.stringify(await exportBoard(boards, "Sea"))
    const cases: [string, RegExp][] = [
      [whole.slice(0, 100), /is no board file: it is damaged or cut off; export the board again\.$/],
      ["null", /is no board file: The request: must be an object/],
      [
        whole.replace("board/1", "board/9"),
        /is no board file: atelier: must be one of board\/1 \(got "board\/9"\);/,
      ],
      [whole.replace("data:", "file:"), /is no board file: pictures\[0\]\.image: /],
      [whole.replace('"weight":1', '"weight":5'), /pictures\[0\]\.weight: must be at most 2 \(got 5\);/],
      [whole.replace('"name"', '"title"'), /is no board file: name is missing;/],
      [
        JSON.stringify({
          ...JSON.parse(whole),
          pictures: Array.from({ length: 101 }, () => ({ image: "data:,", weight: 1 })),
        }),
        /pictures: must have at most 100 entries \(got 101\);/,
      ],
    ]
    for (const [text, message] of cases) {
      await writeFile(path, text)
      assert.match((await failure(readBoardFile(path))).message, message)
    }
    for (const nowhere of [join(folder, "none.json"), folder])
      assert.equal((await failure(readBoardFile(nowhere))).code, "file_not_found")
    const broken = JSON.parse(whole) as { pictures: { image: string }[] }
    broken.pictures[0]!.image = "data:image/png;base64,AAAA"
    await writeFile(path, JSON.stringify(broken))
    await boards.remove("Sea")
    assert.equal(
      (await failure(readBoardFile(path).then((f) => importBoard(boards, f)))).code,
      "image_invalid",
    )
  }))

test("damage on disk is found: a torn board and a changed picture", () =>
  inFolder(async (boards, folder) => {
    const board = await boards.create("Sea", [await picture("blue")])
    const file = join(folder, "boards", "pictures", board.pictures[0]!.hash)
    await writeFile(file, "x")
    assert.match(
      (await failure(boards.picture(board.pictures[0]!))).message,
      /is damaged; make the board again/,
    )
    await rm(file)
    assert.match((await failure(boards.picture(board.pictures[0]!))).message, /is gone; make the board again/)
    const [name] = (await readdir(join(folder, "boards"))).filter((n) => n.endsWith(".json"))
    const path = join(folder, "boards", name!)
    await writeFile(path, (await readFile(path, "utf8")).slice(0, 30))
    assert.deepEqual(await boards.list(), [])
    for (const given of [board.id, "Sea"])
      assert.match(
        (await failure(boards.find(given))).message,
        new RegExp(`Damaged and not read: ${path}\\.$`),
      )
    const again = await failure(boards.create("Sea", [await picture("blue")]))
    assert.equal(again.message, `The board ${path} is damaged; delete the file and make it again.`)
  }))

test("pictures are not deleted while a board cannot be read that may hold them", () =>
  inFolder(async (boards, folder) => {
    const red = await picture("red")
    await boards.create("one", [red])
    const [name] = (await readdir(join(folder, "boards"))).filter((n) => n.endsWith(".json"))
    const path = join(folder, "boards", name!)
    await boards.create("two", [red])
    const whole = await readFile(path)
    await writeFile(path, whole.subarray(0, 30))
    await boards.remove("two")
    await writeFile(path, whole)
    const board = await boards.find("one")
    assert.deepEqual(Buffer.from(await boards.picture(board.pictures[0]!)), red.bytes)
  }))

test("a damaged picture is whole again once its board is made or imported again", () =>
  inFolder(async (boards, folder) => {
    const [red, blue] = [await picture("red"), await picture("blue")]
    const board = await boards.create("Red", [red])
    await boards.create("Both", [red, blue])
    const exported = await exportBoard(boards, "Red")
    const file = join(folder, "boards", "pictures", board.pictures[0]!.hash)
    for (const repair of [() => importBoard(boards, exported), () => boards.create("Red again", [red])]) {
      await writeFile(file, Buffer.alloc(red.bytes.length))
      assert.equal((await failure(boards.picture(board.pictures[0]!))).code, "image_invalid")
      await repair()
      assert.deepEqual(Buffer.from(await boards.picture(board.pictures[0]!)), red.bytes)
    }
  }))

test("a board file that an editor saved with a byte order mark is read", () =>
  inFolder(async (boards, folder) => {
    await boards.create("Sea", [await picture("blue")])
    const path = join(folder, "sea.json")
    await writeFile(path, `\uFEFF${JSON.stringify(await exportBoard(boards, "Sea"))}`)
    assert.equal((await readBoardFile(path)).name, "Sea")
  }))
