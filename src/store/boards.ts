// Moodboards: named sets of pictures with weights, found by id, name or share code.
import { randomInt, randomUUID } from "node:crypto"
import type { Queryable } from "./database.ts"
import { BOARDS } from "./sql-library.ts"

export interface BoardPicture {
  /** Asset id. */
  image: string
  weight: number
}

export interface Board {
  id: string
  keyId: string
  name: string
  /** Eight letters and digits; whoever has it may use and copy the board. */
  code: string
  pictures: BoardPicture[]
  createdAt: Date
  updatedAt: Date
}

interface BoardRow extends Omit<Board, "keyId" | "createdAt" | "updatedAt"> {
  key_id: string
  created_at: Date
  updated_at: Date
}

const boardOf = (row: BoardRow): Board => ({
  id: row.id,
  keyId: row.key_id,
  name: row.name,
  code: row.code,
  pictures: row.pictures,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

/** Without 0, O, 1, I and L: codes are read aloud. */
const LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
const newCode = (): string => Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join("")

export async function addBoard(
  db: Queryable,
  keyId: string,
  board: { name: string; pictures: BoardPicture[] },
  now: Date,
): Promise<Board> {
  const values = [randomUUID(), keyId, board.name, newCode(), JSON.stringify(board.pictures), now]
  return boardOf((await db.query<BoardRow>(BOARDS.add, values))[0]!)
}

export async function changeBoard(
  db: Queryable,
  id: string,
  keyId: string,
  change: { name?: string; pictures?: BoardPicture[] },
  now: Date,
): Promise<Board | null> {
  const pictures = change.pictures ? JSON.stringify(change.pictures) : null
  const [row] = await db.query<BoardRow>(BOARDS.change, [id, keyId, change.name ?? null, pictures, now])
  return row ? boardOf(row) : null
}

export async function listBoards(db: Queryable, keyId: string): Promise<Board[]> {
  return (await db.query<BoardRow>(BOARDS.list, [keyId])).map(boardOf)
}

/** By id or name among the key's own, by share code among all. Of several of one name it is the one changed last. */
export async function findBoard(db: Queryable, keyId: string, name: string): Promise<Board | null> {
  const [row] = await db.query<BoardRow>(BOARDS.find, [keyId, name])
  return row ? boardOf(row) : null
}

export async function removeBoard(db: Queryable, id: string, keyId: string, now: Date): Promise<boolean> {
  return (await db.query(BOARDS.remove, [id, keyId, now])).length > 0
}

export async function restoreBoard(db: Queryable, id: string, keyId: string): Promise<Board | null> {
  const [row] = await db.query<BoardRow>(BOARDS.restore, [id, keyId])
  return row ? boardOf(row) : null
}

/** By id for jobs that were accepted with it, its owner's delete notwithstanding. */
export async function boardById(db: Queryable, id: string): Promise<Board | null> {
  const [row] = await db.query<BoardRow>(BOARDS.byId, [id])
  return row ? boardOf(row) : null
}
