// Native routes of what callers bring: assets and moodboards.
import { z } from "zod"
import { AtelierError, LIMITS } from "../../request/index.ts"
import {
  addBoard,
  type Board,
  type BoardPicture,
  changeBoard,
  findAsset,
  findBoard,
  listAssets,
  listBoards,
  removeAsset,
  removeBoard,
  restoreBoard,
} from "../../store/index.ts"
import { ingestBoard, storeAsset } from "../ingest.ts"
import { type Route, route, time, whole } from "../route.ts"
import type { Service } from "../service.ts"
import { AssetView, assetView, BoardView, boardView } from "./views.ts"

const [low, high] = LIMITS.referenceWeight
const BoardBody = z.strictObject({
  name: z.string().trim().min(1).max(120),
  pictures: z
    .array(z.strictObject({ image: z.string().min(1), weight: z.number().min(low).max(high).default(1) }))
    .min(1)
    .max(LIMITS.boardPictures),
})
const BoardExport = z.strictObject({
  atelier: z.literal("board/1"),
  name: z.string().trim().min(1).max(120),
  pictures: z
    .array(z.strictObject({ image: z.string(), weight: z.number().min(low).max(high) }))
    .min(1)
    .max(LIMITS.boardPictures),
})

const noBoard = (id: string): AtelierError => new AtelierError("not_found", `There is no board ${id}.`)

export function assetRoutes(s: Service): Route[] {
  return [
    route({
      method: "post",
      path: "/api/assets",
      tag: "assets",
      summary:
        "Upload a picture (multipart field `file`, or the bytes as the body). PNG, JPEG, WebP; 75 MB, 40 MP",
      upload: "file",
      answer: AssetView,
      status: 201,
      counts: true,
      run: async ({ c, key }) => {
        const { bytes, name, description } = await uploadedFile(c.req.raw)
        const asset = await storeAsset(
          bytes,
          { kind: "upload", name, description, field: "file" },
          s.ingestContext(key.id),
        )
        return assetView(asset, s)
      },
    }),
    route({
      method: "get",
      path: "/api/assets",
      tag: "assets",
      summary: "Uploaded pictures, newest first",
      query: z.object({ before: time.optional(), limit: whole(1, 1000).optional() }),
      answer: z.object({ items: z.array(AssetView) }),
      run: async ({ key, query }) => {
        const assets = await listAssets(s.store.db, key.id, query.before ?? null, query.limit ?? 100)
        return { items: assets.map((a) => assetView(a, s)) }
      },
    }),
    route({
      method: "get",
      path: "/api/assets/{id}",
      tag: "assets",
      summary: "Facts of one asset",
      answer: AssetView,
      run: async ({ key, id }) => {
        const asset = z.uuid().safeParse(id).success ? await findAsset(s.store.db, id, key.id) : null
        if (!asset || (asset.deletedAt && asset.kind === "upload"))
          throw new AtelierError("not_found", `There is no asset ${id}.`)
        return assetView(asset, s)
      },
    }),
    route({
      method: "delete",
      path: "/api/assets/{id}",
      tag: "assets",
      summary: "Delete an asset; jobs that used it keep it",
      answer: z.object({ id: z.string() }),
      run: async ({ key, id }) => {
        const isGone =
          z.uuid().safeParse(id).success && (await removeAsset(s.store.db, id, key.id, s.jobs.clock()))
        if (!isGone) throw new AtelierError("not_found", `There is no asset ${id}.`)
        return { id }
      },
    }),
  ]
}

/** One file from a multipart form or a plain body. */
export async function uploadedFile(
  request: Request,
  field = "file",
): Promise<{ bytes: Uint8Array; name: string | null; description: string | null }> {
  const type = request.headers.get("content-type") ?? ""
  if (!type.startsWith("multipart/form-data")) {
    return { bytes: new Uint8Array(await request.arrayBuffer()), name: null, description: null }
  }
  const form = await request.formData().catch(() => {
    throw new AtelierError("invalid_request", "The form cannot be read.")
  })
  const given = form.get(field)
  if (!(given instanceof File))
    throw new AtelierError("invalid_request", `${field}: a file is needed.`, { field })
  const description = form.get("description")
  return {
    bytes: new Uint8Array(await given.arrayBuffer()),
    name: given.name || null,
    description: typeof description === "string" ? description : null,
  }
}

export function boardRoutes(s: Service): Route[] {
  const stored = (pictures: BoardPicture[], keyId: string): Promise<BoardPicture[]> =>
    ingestBoard(pictures, ["pictures", ".image"], s.ingestContext(keyId))
  const found = async (name: string, keyId: string): Promise<Board> => {
    const board = await findBoard(s.store.db, keyId, name)
    if (!board) throw noBoard(name)
    return board
  }
  /** A board of one's own from another's: the pictures become one's own assets of the same bytes. */
  const copied = async (board: Board, keyId: string): Promise<Board> => {
    const own = await stored((await s.exportBoard(board)).pictures, keyId)
    return addBoard(s.store.db, keyId, { name: board.name, pictures: own }, s.jobs.clock())
  }

  return [
    route({
      method: "post",
      path: "/api/boards",
      tag: "boards",
      summary: "Save a set of pictures with weights as a moodboard",
      body: BoardBody,
      answer: BoardView,
      status: 201,
      counts: true,
      run: async ({ key, body }) => {
        const pictures = await stored(body.pictures, key.id)
        const board = await addBoard(s.store.db, key.id, { name: body.name, pictures }, s.jobs.clock())
        return boardView(board, s)
      },
    }),
    route({
      method: "get",
      path: "/api/boards",
      tag: "boards",
      summary: "One's own boards, changed last first",
      answer: z.object({ items: z.array(BoardView) }),
      run: async ({ key }) => ({ items: (await listBoards(s.store.db, key.id)).map((b) => boardView(b, s)) }),
    }),
    route({
      method: "post",
      path: "/api/boards/import",
      tag: "boards",
      summary: "Copy a board by share code, or from an export",
      body: z.union([z.strictObject({ code: z.string().min(1).max(40) }), BoardExport]),
      answer: BoardView,
      status: 201,
      counts: true,
      run: async ({ key, body }) => {
        const board =
          "code" in body
            ? await copied(await found(body.code.trim().toUpperCase(), key.id), key.id)
            : await addBoard(
                s.store.db,
                key.id,
                { name: body.name, pictures: await stored(body.pictures, key.id) },
                s.jobs.clock(),
              )
        return boardView(board, s)
      },
    }),
    route({
      method: "get",
      path: "/api/boards/{id}",
      tag: "boards",
      summary: "One board by id, name or share code",
      answer: BoardView,
      run: async ({ key, id }) => boardView(await found(id, key.id), s),
    }),
    route({
      method: "patch",
      path: "/api/boards/{id}",
      tag: "boards",
      summary: "Rename a board or change its pictures",
      body: BoardBody.partial(),
      answer: BoardView,
      run: async ({ key, id, body }) => {
        const own = await found(id, key.id)
        const { name } = body
        const change = {
          ...(name === undefined ? {} : { name }),
          ...(body.pictures === undefined ? {} : { pictures: await stored(body.pictures, key.id) }),
        }
        const board = await changeBoard(s.store.db, own.id, key.id, change, s.jobs.clock())
        if (!board) throw noBoard(id)
        return boardView(board, s)
      },
    }),
    route({
      method: "delete",
      path: "/api/boards/{id}",
      tag: "boards",
      summary: "Delete a board; can be restored",
      answer: z.object({ id: z.string() }),
      run: async ({ key, id }) => {
        const own = await found(id, key.id)
        if (!(await removeBoard(s.store.db, own.id, key.id, s.jobs.clock()))) throw noBoard(id)
        return { id: own.id }
      },
    }),
    route({
      method: "post",
      path: "/api/boards/{id}/restore",
      tag: "boards",
      summary: "Undo a delete",
      answer: BoardView,
      run: async ({ key, id }) => {
        const board = z.uuid().safeParse(id).success ? await restoreBoard(s.store.db, id, key.id) : null
        if (!board) throw noBoard(id)
        return boardView(board, s)
      },
    }),
    route({
      method: "get",
      path: "/api/boards/{id}/export",
      tag: "boards",
      summary: "The board with its pictures inside, to be imported elsewhere",
      answer: BoardExport,
      run: async ({ key, id }) => s.exportBoard(await found(id, key.id)),
    }),
  ]
}
