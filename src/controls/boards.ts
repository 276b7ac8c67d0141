// Moodboards on disk: a small JSON file per board beside content-addressed pictures, every write whole or not at all.
import { createHash, randomUUID } from "node:crypto"
import { readdir, readFile, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import sharp from "sharp"
import { z } from "zod"
import { errorCode, writeWhole } from "../checkpoint/files.ts"
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
    if ((await this.list()).some((b) => boardName(b.name) === trimmed))
      throw new AtelierError(
        "conflict",
        `There is a board ${trimmed} already; choose another name or delete it.`,
        {
          field: "name",
        },
      )
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
    await writeWhole(this.#boardPath(board.id), (file) =>
      file.write(Buffer.from(JSON.stringify(board, null, 1))),
    )
    return board
  }

  /** All boards by name; a file that cannot be read as one is passed over here and named by `find`. */
  async list(): Promise<Board[]> {
    return (await this.#all()).boards
  }

  /** By id, name or share code. Throws not_found with the boards that there are. */
  async find(given: string): Promise<Board> {
    const name = boardName(given)
    if (z.uuid().safeParse(name).success) {
      const path = this.#boardPath(name.toLowerCase())
      if (await stat(path).catch(() => undefined)) return await this.#read(path)
    }
    const { boards, damaged } = await this.#all()
    const found =
      boards.find((b) => boardName(b.name) === name) ?? boards.find((b) => b.code === name.toUpperCase())
    if (found) return found
    const offer =
      boards.length > 0
        ? `there are ${boards.map((b) => b.name).join(", ")}`
        : "make one with `atelier board create NAME PICTURES...`"
    const broken = damaged.length > 0 ? ` Damaged and not read: ${damaged.join(", ")}.` : ""
    const shown = name.length > 80 ? `${name.slice(0, 77)}...` : name
    throw new AtelierError("not_found", `There is no board ${shown}; ${offer}.${broken}`, {
      field: "board.id",
    })
  }

  /** Deletes a board, and those of its pictures that are on no other. */
  async remove(name: string): Promise<Board> {
    const board = await this.find(name)
    await rm(this.#boardPath(board.id), { force: true })
    const used = new Set((await this.list()).flatMap((b) => b.pictures.map((p) => p.hash)))
    for (const { hash } of board.pictures)
      if (!used.has(hash)) await rm(this.#picturePath(hash), { force: true })
    return board
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
      if (!kept || contentHash(kept) !== hash) await writeWhole(path, (file) => file.write(bytes))
    }
  }

  /** Boards by name, and paths of files that are none. */
  async #all(): Promise<{ boards: Board[]; damaged: string[] }> {
    const names = await readdir(this.#folder).catch(() => [])
    const damaged: string[] = []
    const read = async (path: string): Promise<Board[]> => {
      try {
        return [await this.#read(path)]
      } catch {
        damaged.push(path)
        return []
      }
    }
    const paths = names.filter((n) => n.endsWith(".json")).map((n) => join(this.#folder, n))
    const boards = (await Promise.all(paths.map(read))).flat()
    return { boards: boards.toSorted((a, b) => (a.name < b.name ? -1 : 1)), damaged: damaged.toSorted() }
  }

  async #read(path: string): Promise<Board> {
    const text = await readFile(path, "utf8").catch((cause: unknown) => {
      throw new AtelierError("file_not_found", `The board ${path} cannot be read (${errorCode(cause)}).`, {
        cause,
      })
    })
    const parsed = Board.safeParse(parseJson(text))
    if (parsed.success) return parsed.data
    throw new AtelierError(
      "invalid_request",
      `The board ${path} is damaged; delete the file and make it again.`,
      {
        field: "board.id",
      },
    )
  }

  #boardPath(id: string): string {
    return join(this.#folder, `${id}.json`)
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
