// atelier grid: one or two fields as axes, one labelled contact sheet and the single pictures.
import { resolve } from "node:path"
import type { Command } from "commander"
import { writeWhole } from "../../checkpoint/files.ts"
import { BoardFolder } from "../../controls/boards.ts"
import { createEngine } from "../../controls/engine.ts"
import { makeCells, parseAxis, planGrid } from "../../controls/grid.ts"
import { contactSheet, sheetLayout } from "../../controls/grid-sheet.ts"
import { imageReader } from "../../image/source.ts"
import { AtelierError } from "../../request/errors.ts"
import type { Note } from "../../request/notes.ts"
import { parseRequest } from "../../request/request.ts"
import { findModel, homeFolder } from "../../sampling/catalog.ts"
import { type CommonOptions, type Context, run } from "../context.ts"
import { writableFolder } from "../output.ts"
import { checkFiles, type GenerateFlags, namedFrom, readingFrom, requestFrom, wholeAxis } from "../request.ts"

interface GridFlags extends GenerateFlags, CommonOptions {
  axis: string[]
  out: string
  tile: string
  columns?: string
  title?: string
  allowPrivateNetwork?: boolean
}

interface Made {
  sheet: string
  pictures: { x: number; y: number; path: string }[]
  made: number
  /** What the engine said of the pictures made now. */
  notes: Note[]
}

const collect = (value: string, before: string[] = []): string[] => [...before, value]

export function registerGrid(program: Command, context: Context): void {
  program
    .command("grid")
    .description("vary one or two fields and put the pictures on one labelled sheet; stopped, it goes on")
    .argument("<prompt>", "what to picture")
    .requiredOption(
      "-a, --axis <field=values>",
      "creativity=raw,low,high  reference=-2..2/9  strength=0..1/6  seed=1..4  prompt='a|b'; once or twice",
      collect,
    )
    .option("--alternatives", "read {a|b} in the prompt as a choice, by turns of the seeds")
    .option("-m, --model <name>", "installed name, alias or path")
    .option("-s, --size <size>", "WIDTHxHEIGHT or a shape like 3:2")
    .option("--steps <n>", "denoiser steps")
    .option("--candidates <n>", "noises tried for each picture, the best of which is kept; 1 is quickest")
    .option("-g, --guidance <g>", "how strictly the prompt is followed")
    .option("--seed <n>", "one seed for all cells", "0")
    .option("--variation-of <seed:strength>", "variations of this seed's picture; repeatable", collect)
    .option("--negative <prompt>", "what to steer away from")
    .option("-c, --creativity <level>", "raw, low, medium, high, or 0 to 100")
    .option("-i, --image <file>", "start from this picture")
    .option("--strength <s>", "0 keeps the start picture, 1 ignores it (default 0.8; with a mask 1)")
    .option("--mask <file>", "paint only this part of it anew: what is transparent, or else white")
    .option("-r, --reference <file:weight>", "style reference; repeatable", collect)
    .option("-b, --board <name:strength>", "moodboard")
    .option("-l, --lora <name:weight>", "LoRA by name or file, -2 to 2; repeatable", collect)
    .option("--intensity <n>", "saturation and contrast, -100 to 100")
    .option("--complexity <n>", "amount of detail, -100 to 100")
    .option("--movement <n>", "diagonal energy, -100 to 100")
    .option("-o, --out <folder>", "folder of the sheet and its pictures", "grid")
    .option("--tile <pixels>", "longer side of a picture on the sheet", "320")
    .option("--columns <n>", "pictures in a row of the sheet, with one axis alone")
    .option("--title <text>", "above the sheet; default the prompt")
    .option("--allow-private-network", "let picture addresses point into private networks")
    .option("--json", "print the result as JSON")
    .action((prompt: string, flags: GridFlags) =>
      run(
        context,
        flags,
        () => makeGrid(prompt, flags, context),
        (r) =>
          [
            ...r.notes.map((note) => note.message),
            r.sheet,
            `${r.pictures.length} pictures, ${r.made} made now`,
          ].join("\n"),
      ),
    )
}

async function makeGrid(prompt: string, flags: GridFlags, context: Context): Promise<Made> {
  const axes = flags.axis.map((text) => wholeAxis(parseAxis(text)))
  const tile = Number(flags.tile)
  if (!(Number.isInteger(tile) && tile >= 64 && tile <= 1024))
    throw new AtelierError("out_of_range", `--tile: ${flags.tile} is not a whole number from 64 to 1024.`, {
      field: "tile",
    })
  const columns = flags.columns === undefined ? undefined : Number(flags.columns)
  if (
    columns !== undefined &&
    !(Number.isInteger(columns) && columns >= 1 && columns <= 50 && axes.length === 1)
  )
    throw new AtelierError(
      "out_of_range",
      `--columns: ${flags.columns} with ${axes.length} axes; it takes a whole number from 1 to 50, and one axis.`,
      { field: "columns" },
    )
  const folder = resolve(flags.out)
  const pictures = resolve(folder, "cells")
  const asked = requestFrom(prompt, flags)
  const { width, height } = (await findModel(parseRequest(asked).model)).manifest.defaults
  const boards = new BoardFolder(resolve(homeFolder(), "boards"))
  const codeOf = async (id: string): Promise<string> => (await boards.find(id)).code
  const cells = await planGrid({ width, height, ...asked }, axes, pictures, codeOf)
  for (const model of new Set(cells.map(({ request }) => request.model))) await findModel(model)
  const look = { tile, title: flags.title ?? prompt, ...(columns !== undefined && { columns }) }
  sheetLayout(cells, axes, look) // a sheet that is too large is said before its pictures are made
  const readImage = imageReader(flags)
  await checkFiles(
    cells.map(({ request }) => request),
    readImage,
  )
  for (const place of [folder, pictures]) await writableFolder(place)
  let notes: Note[] = []
  const made = new Set(cells.filter((c) => c.isNew).map((c) => c.path)).size
  if (made > 0) {
    const engine = createEngine({
      readImage: readingFrom(pictures, readImage),
      ...(flags.json ? {} : { log: context.tell }),
    })
    try {
      const named = cells.map((cell) => ({ ...cell, request: namedFrom(pictures, cell.request) }))
      notes = await makeCells(named, {
        engine,
        folder,
        signal: context.signal,
        onCell: (done, total) => {
          if (!flags.json) context.tell(`${done} of ${total}`)
        },
      })
    } finally {
      await engine.close()
    }
  }
  const bytes = await contactSheet(cells, axes, look)
  const sheet = resolve(folder, "sheet.png")
  await writeWhole(sheet, (file) => file.write(bytes))
  return { sheet, pictures: cells.map(({ x, y, path }) => ({ x, y, path })), made, notes }
}
