// atelier board: moodboards are made, listed, shown, deleted, exported and imported.
import { dirname, join, resolve } from "node:path"
import type { Command } from "commander"
import { writeWhole } from "../../checkpoint/files.ts"
import { exportBoard, importBoard, readBoardFile } from "../../controls/board-file.ts"
import { type Board, BoardFolder } from "../../controls/boards.ts"
import { imageReader } from "../../image/source.ts"
import { checkBoardSize } from "../../request/boards.ts"
import { homeFolder } from "../../sampling/catalog.ts"
import { type CommonOptions, type Context, runUnheeding } from "../context.ts"
import { fileName, isFolder, writableFolder } from "../output.ts"
import { parseWeighted } from "../request.ts"

const boards = (): BoardFolder => new BoardFolder(join(homeFolder(), "boards"))

const sayBoard = (b: Board): string =>
  `${b.code}  ${b.name}  ${b.pictures.length} ${b.pictures.length === 1 ? "picture" : "pictures"}  ${b.id}`

export function registerBoard(program: Command, context: Context): void {
  const board = program.command("board").description("moodboards: saved sets of pictures used as one look")
  board
    .command("create")
    .description("save pictures as a board")
    .argument("<name>", "its name")
    .argument("<pictures...>", "files or addresses; file:weight for -2 (away) to 2")
    .option("--allow-private-network", "let picture addresses point into private networks")
    .option("--json", "print as JSON")
    .action((name: string, given: string[], flags: CommonOptions & { allowPrivateNetwork?: boolean }) =>
      runUnheeding(
        context,
        flags,
        async () => {
          const readImage = imageReader(flags)
          const pictures = []
          let total = 0
          for (const [i, text] of given.entries()) {
            checkBoardSize(given.length, total)
            const { name: file, weight } = parseWeighted("pictures", text)
            const bytes = await readImage(file, `pictures[${i}]`)
            total += bytes.length
            pictures.push({ bytes, name: file, weight })
          }
          return await boards().create(name, pictures)
        },
        sayBoard,
      ),
    )
  board
    .command("list")
    .description("all boards")
    .option("--json", "print as JSON")
    .action((flags: CommonOptions) =>
      runUnheeding(
        context,
        flags,
        () => boards().list(),
        (all) => all.map(sayBoard).join("\n") || "There is no board; make one with `atelier board create`.",
      ),
    )
  board
    .command("show")
    .description("one board with its pictures")
    .argument("<board>", "name, share code or id")
    .option("--json", "print as JSON")
    .action((name: string, flags: CommonOptions) =>
      runUnheeding(
        context,
        flags,
        () => boards().find(name),
        (b) =>
          [sayBoard(b), ...b.pictures.map((p) => `  ${p.hash.slice(0, 12)}  ${p.format}  ${p.weight}`)].join(
            "\n",
          ),
      ),
    )
  board
    .command("delete")
    .description("delete a board, and those of its pictures that no other board has")
    .argument("<board>", "name, share code or id")
    .option("--json", "print as JSON")
    .action((name: string, flags: CommonOptions) =>
      runUnheeding(
        context,
        flags,
        () => boards().remove(name),
        (b) => `${b.name} is deleted.`,
      ),
    )
  board
    .command("export")
    .description("write a board with its pictures into one file")
    .argument("<board>", "name, share code or id")
    .option("-o, --out <path>", "file, or folder for NAME.board.json")
    .option("--json", "print as JSON")
    .action((called: string, flags: CommonOptions & { out?: string }) =>
      runUnheeding(
        context,
        flags,
        async () => {
          const file = await exportBoard(boards(), called)
          const out = flags.out ?? "."
          const name = `${fileName(file.name, "board")}.board.json`
          const path = /[\\/]$/.test(out) || (await isFolder(out)) ? join(out, name) : out
          await writableFolder(dirname(resolve(path)))
          const { bytes } = await writeWhole(path, (part) => part.write(Buffer.from(JSON.stringify(file))))
          return { path, bytes }
        },
        ({ path, bytes }) => `${path}  ${(bytes / 1e6).toFixed(1)} MB`,
      ),
    )
  board
    .command("import")
    .description("make a board from an exported file")
    .argument("<file>", "the file")
    .option("--json", "print as JSON")
    .action((path: string, flags: CommonOptions) =>
      runUnheeding(
        context,
        flags,
        async () => await importBoard(boards(), await readBoardFile(path)),
        (r) => sayBoard(r.board) + (r.isNew ? "" : "  (was here already)"),
      ),
    )
}
