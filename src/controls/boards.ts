// Moodboards on disk: a small JSON file per board beside content-addressed pictures, every write whole or not at all.
import { createHash, randomUUID } from "node:crypto"
import { link, readdir, readFile, rename, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import sharp from "sharp"
import { z } from "zod"
import { errorCode, syncFolder, writeWhole } from "../checkpoint/files.ts"
import { decodeImage } from "../image/decode.ts"
import { checkBoardSize } from "../request/boards.ts"
import { AtelierError } from "../request/errors.ts"
import { LIMITS } from "../request/request.ts"
import { contentHash } from "./look-cache.ts"

const [least, most] = LIMITS.referenceWeight
const weight = z.number().min(least).max(most)

export const BoardPicture = z.strictObject({
  /** sha256 of the file's bytes, by which it is stored. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** png, jpeg, webp ... */
  format: z.string().regex(/^[a-z0-9]{1,8}$/),
  weight,
})
export const Board = z.strictObject({
  id: z.uuid(),
  name: z.string().min(1).max(120),
  /** Eight letters and digits, made from the pictures: the same set has the same code on every machine. */
  code: z.string().regex(/^[A-HJKMNP-Z2-9]{8}$/),
  createdAt: z.iso.datetime(),
  pictures: z.array(BoardPicture).min(1).max(LIMITS.boardPictures),
})
export type Board = z.output<typeof Board>

/** A picture to be put on a board: its bytes, and a name for messages. */
export interface NewPicture {
  bytes: Uint8Array
  name: string
  /** -2 (away) to 2; 1 unless given. */
  weight?: number
}

/** Without 0, O, 1, I and L: codes are read aloud. */
const LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"

export function shareCode(pictures: readonly Pick<Board["pictures"][number], "hash" | "weight">[]): string {
  const lines = pictures.map((p) => `${p.hash} ${p.weight}`).toSorted()
  const digest = createHash("sha256").update(lines.join("\n")).digest()
  return Array.from({ length: 8 }, (_, i) => LETTERS[digest.readUInt32BE(4 * i) % LETTERS.length]).join("")
}

/** A name as it is kept and compared: composed, on one line. Systems differ in how they write accents. */
export const boardName = (name: string): string =>
  name
    .normalize("NFC")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim()

const taken = (name: string): AtelierError =>
  new AtelierError("conflict", `There is a board ${name} already; choose another name or delete it.`, {
    field: "name",
  })

/** Gives a whole file its name; false where another has it, which may have come in the same moment. */
async function nameOnce(unnamed: string, path: string): Promise<boolean> {
  try {
    await link(unnamed, path)
    await syncFolder(dirname(path))
    return true
  } catch (thrown) {
    if (errorCode(thrown) === "EEXIST") return false
    // A file system without hard links.
    await rename(unnamed, path)
    return true
  } finally {
    await rm(unnamed, { force: true })
  }
}

/** False where there is nothing to move: another may have moved it. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to)
    return true
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return false
    throw thrown
  }
}

interface Kept {
  path: string
  board: Board
}

/** Boards in a folder, `ATELIER_HOME/boards`. */
export class BoardFolder {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Saves a set of 1 to 100 pictures under a name that is not taken. All pictures are read before any is kept. */
  async create(name: string, pictures: readonly NewPicture[], now = new Date()): Promise<Board> {
    const trimmed = boardName(name)
    if (trimmed === "" || trimmed.length > 120)
      throw new AtelierError(
        "out_of_range",
        `A board's name has 1 to 120 characters; this has ${trimmed.length}.`,
        {
          field: "name",
        },
      )
    checkBoardSize(
      pictures.length,
      pictures.reduce((sum, { bytes }) => sum + bytes.length, 0),
    )
    const path = this.#boardPath(trimmed)
    const { kept, damaged } = await this.#all()
    if (kept.some(({ board }) => boardName(board.name) === trimmed)) throw taken(trimmed)
    if (damaged.includes(path))
      throw new AtelierError("conflict", `The board ${path} is damaged; delete the file and make it again.`, {
        field: "name",
      })
    const checked = []
    for (const [i, picture] of pictures.entries()) checked.push(await check(picture, `pictures[${i}]`))
    await this.keep(checked)
    const entries = checked.map(({ hash, format, weight }) => ({ hash, format, weight }))
    const board: Board = {
      id: randomUUID(),
      name: trimmed,
      code: shareCode(entries),
      createdAt: now.toISOString(),
      pictures: entries,
    }
    const unnamed = join(this.#folder, `${board.id}.new`)
    await writeWhole(unnamed, (file) => file.write(Buffer.from(JSON.stringify(board, null, 1))))
    if (!(await nameOnce(unnamed, path))) {
      await this.#drop(entries)
      throw taken(trimmed)
    }
    // One of them may have gone with the last board that it was on; from now on this board holds them.
    await this.keep(checked)
    return board
  }

  /** All boards by name; a file that cannot be read as one is passed over here and named by `find`. */
  async list(): Promise<Board[]> {
    return (await this.#all()).kept.map(({ board }) => board)
  }

  /** By id, name or share code. Throws not_found with the boards that there are. */
  async find(given: string): Promise<Board> {
    return (await this.#find(given)).board
  }

  async #find(given: string): Promise<Kept> {
    const name = boardName(given)
    const { kept, damaged } = await this.#all()
    const found =
      kept.find(({ board }) => board.id === name.toLowerCase()) ??
      kept.find(({ board }) => boardName(board.name) === name) ??
      kept.find(({ board }) => board.code === name.toUpperCase())
    if (found) return found
    const offer =
      kept.length > 0
        ? `there are ${kept.map(({ board }) => board.name).join(", ")}`
        : "make one with `atelier board create NAME PICTURES...`"
    const broken = damaged.length > 0 ? ` Damaged and not read: ${damaged.join(", ")}.` : ""
    const shown = name.length > 80 ? `${name.slice(0, 77)}...` : name
    throw new AtelierError("not_found", `There is no board ${shown}; ${offer}.${broken}`, {
      field: "board.id",
    })
  }

  /** Deletes a board, and those of its pictures that are on no other. */
  async remove(name: string): Promise<Board> {
    const { board, path } = await this.#find(name)
    await rm(path, { force: true })
    await this.#drop(board.pictures)
    return board
  }

  /** Deletes those of these pictures that are on no board. */
  async #drop(pictures: Board["pictures"]): Promise<void> {
    // Set aside before it is looked again: a board that is made of them just now either is seen then, or sees that they are gone.
    const aside = new Map<string, string>()
    for (const hash of await this.#onNone(pictures.map((p) => p.hash))) {
      const away = `${this.#picturePath(hash)}.${randomUUID()}`
      if (await moved(this.#picturePath(hash), away)) aside.set(hash, away)
    }
    const gone = await this.#onNone([...aside.keys()])
    for (const [hash, away] of aside)
      if (gone.has(hash)) await rm(away, { force: true })
      else await nameOnce(away, this.#picturePath(hash))
  }

  /** Which of these pictures are on no board; none of them, where a board cannot be read. */
  async #onNone(hashes: readonly string[]): Promise<Set<string>> {
    const { kept, damaged } = await this.#all()
    if (damaged.length > 0) return new Set()
    const used = new Set(kept.flatMap(({ board }) => board.pictures.map((p) => p.hash)))
    return new Set(hashes.filter((hash) => !used.has(hash)))
  }

  /** Bytes of one picture of a board, which must still be what they were. */
  async picture({ hash }: Board["pictures"][number]): Promise<Uint8Array> {
    const path = this.#picturePath(hash)
    const bytes = await readFile(path).catch((cause: unknown) => {
      const message = `The board's picture ${path} is gone; make the board again.`
      throw new AtelierError("file_not_found", message, { field: "board.id", cause })
    })
    if (contentHash(bytes) === hash) return bytes
    throw new AtelierError("image_invalid", `The board's picture ${path} is damaged; make the board again.`, {
      field: "board.id",
    })
  }

  /** Keeps pictures under their hashes; damaged files of them are made whole again. */
  async keep(pictures: readonly { hash: string; bytes: Uint8Array }[]): Promise<void> {
    for (const { hash, bytes } of pictures) {
      const path = this.#picturePath(hash)
      const kept = await readFile(path).catch(() => undefined)
      if (kept && contentHash(kept) === hash) continue
      // Another process may keep the same picture at the same time.
      const own = `${path}.${randomUUID()}`
      await writeWhole(own, (file) => file.write(bytes))
      await rename(own, path)
    }
  }

  /** Boards by name, and paths of files that are none. */
  async #all(): Promise<{ kept: Kept[]; damaged: string[] }> {
    const names = await readdir(this.#folder).catch((thrown: unknown) => {
      if (errorCode(thrown) === "ENOENT") return []
      throw thrown
    })
    const kept: Kept[] = []
    const damaged: string[] = []
    const read = async (path: string): Promise<void> => {
      const text = await readFile(path, "utf8").catch((thrown: unknown) =>
        errorCode(thrown) === "ENOENT" ? null : "",
      )
      if (text === null) return // deleted since
      const { data: board } = Board.safeParse(parseJson(text))
      if (board) kept.push({ path, board })
      else damaged.push(path)
    }
    await Promise.all(names.filter((n) => n.endsWith(".json")).map((n) => read(join(this.#folder, n))))
    return {
      kept: kept.toSorted(({ board: a }, { board: b }) => (a.name < b.name ? -1 : 1)),
      damaged: damaged.toSorted(),
    }
  }

  /** Named by the name, so that two boards of one cannot be; older ones are named by their id. */
  #boardPath(name: string): string {
    return join(this.#folder, `${contentHash(Buffer.from(name)).slice(0, 32)}.json`)
  }

  #picturePath(hash: string): string {
    return join(this.#folder, "pictures", hash)
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function check(
  { bytes, name, weight: given = 1 }: NewPicture,
  field: string,
): Promise<{ hash: string; format: string; weight: number; bytes: Uint8Array }> {
  if (!weight.safeParse(given).success)
    throw new AtelierError(
      "out_of_range",
      `${name} has weight ${given}; weights go from ${least} to ${most}.`,
      { field },
    )
  await decodeImage(bytes, { name, field })
  const { format } = await sharp(bytes).metadata()
  return { hash: contentHash(bytes), format, weight: given, bytes }
}
