// npm run bench -- denoiser: one evaluation of the DiT on random weights, against bare matrix products.
import { execFile } from "node:child_process"
import { rmSync } from "node:fs"
import { cpus } from "node:os"
import { parseArgs, promisify } from "node:util"
import { withAllocator } from "../src/runtime/allocator.ts"
import type { Job, Result } from "./evaluate.ts"
import { type Geometry, geometries, type Precision, type Row, rows } from "./geometry.ts"
import { folder, type Layout } from "./weights.ts"

const usage = `npm run bench -- denoiser --geometry S|M|X --weights f32|q8|q4 --tokens N [options]
npm run bench -- denoiser --all [options]
  --tokens N       image tokens; 256 means a picture of 256 x 256
  --text N         text tokens (default 32 for S, 64 for M and X)
  --blocks N       quantised in blocks of 16 to 256 inputs (MatMulNBits) instead of one scale per output
  --unpack run|load  when 4-bit weights become 8 bits (default: load for S and M, run for X)
  --threads N      default 2, or fewer where there are fewer processors
  --repeats N      timed evaluations (default by size)
  --set key=value  an ONNX Runtime session setting without "session.", any number
  --profile PREFIX writes ONNX Runtime's profile
  --delete         removes the weights it made
  --json           one JSON object per line`

interface Line {
  row: Row
  precision: Precision
  layout: Layout
  result: Result
}

function oneOf<T extends string>(name: string, value: string | undefined, allowed: readonly T[]): T {
  const found = allowed.find((a) => a === value)
  if (found === undefined)
    throw new Error(
      `--${name} ${value === undefined ? "is missing" : `is "${value}"`}; it can be ${allowed.join(", ")}.\n${usage}`,
    )
  return found
}

function whole(name: string, value: string, most = 1 << 20): number {
  const n = Number(value)
  if (!Number.isInteger(n) || n < 1 || n > most)
    throw new Error(`--${name} is "${value}"; it must be a whole number from 1 to ${most}.`)
  return n
}

/** The rows to measure: all of the table, or the one that the options name. */
function chosen(values: Readonly<Record<string, unknown>>): Row[] {
  if (values.all) return [...rows]
  const geometry = oneOf("geometry", values.geometry as string, Object.keys(geometries) as Geometry[])
  const precision = oneOf("weights", values.weights as string, ["f32", "q8", "q4"])
  if (values.tokens === undefined) throw new Error(`--tokens is missing.\n${usage}`)
  const image = whole("tokens", values.tokens as string)
  const text = whole("text", (values.text as string) ?? (geometry === "S" ? "32" : "64"))
  const known = rows.find((r) => r.geometry === geometry && r.image === image && r.text === text)
  return [{ reference: 0, goal: 0, ...known, geometry, image, text, precisions: [precision] }]
}

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      all: { type: "boolean" },
      geometry: { type: "string" },
      weights: { type: "string" },
      tokens: { type: "string" },
      text: { type: "string" },
      blocks: { type: "string" },
      unpack: { type: "string" },
      threads: { type: "string", default: String(Math.min(2, cpus().length)) },
      repeats: { type: "string" },
      set: { type: "string", multiple: true, default: [] },
      profile: { type: "string" },
      delete: { type: "boolean" },
      json: { type: "boolean" },
    },
  })
  const layout: Layout = values.blocks === undefined ? "rows" : whole("blocks", values.blocks, 256)
  const settings = Object.fromEntries(values.set.map((s) => s.split("=", 2) as [string, string]))
  const asked = chosen(values)
  if (!values.json) console.log(heading)
  for (const row of asked)
    for (const precision of row.precisions) {
      const { geometry, image, text } = row
      const unpack =
        values.unpack === undefined
          ? geometry === "X"
            ? "run"
            : "load"
          : oneOf("unpack", values.unpack, ["run", "load"])
      const job: Job = {
        geometry,
        precision,
        layout,
        unpack,
        image,
        text,
        threads: whole("threads", values.threads, 256),
        repeats: whole("repeats", values.repeats ?? { S: "40", M: "7", X: "3" }[geometry]),
        settings,
        profile: values.profile,
      }
      const result = await measure(job)
      const line: Line = { row, precision, layout, result }
      console.log(values.json ? JSON.stringify({ ...job, ...result }) : show(line))
      if (values.delete) rmSync(folder, { recursive: true, force: true })
    }
}

const run = promisify(execFile)

/** In a child process: its peak memory is that of the network alone. The weights are made by another before it. */
async function measure(job: Job): Promise<Result> {
  const child = async (j: Job): Promise<string> => {
    const file = new URL("./evaluate.ts", import.meta.url).pathname
    const options = { maxBuffer: 1 << 24, env: withAllocator(process.env) }
    return (await run(process.execPath, [file, JSON.stringify(j)], options)).stdout
  }
  await child({ ...job, prepare: true })
  return JSON.parse(await child(job)) as Result
}

const columns = [
  ["size", 4],
  ["image+text", 10],
  ["weights", 8],
  ["median ms", 9],
  ["least ms", 9],
  ["share", 5],
  ["4-bit", 5],
  ["TOP/s", 5],
  ["prompt ms", 9],
  ["load s", 6],
  ["peak GB", 7],
  ["C++ ms", 7],
  ["faster", 6],
  ["goal", 4],
] as const

const heading = columns.map(([name, width]) => name.padStart(width)).join("  ")

function show({ row, precision, layout, result }: Line): string {
  const { perStep, perPrompt } = result
  const weights = precision === "f32" || layout === "rows" ? precision : `${precision}/${layout}`
  const values = [
    row.geometry,
    `${row.image}+${row.text}`,
    weights,
    milliseconds(perStep.medianMs),
    milliseconds(perStep.minimumMs),
    result.share.toFixed(2),
    result.fourBitShare?.toFixed(2) ?? "-",
    (result.operations / perStep.minimumMs / 1e9).toFixed(2),
    milliseconds(perPrompt.minimumMs),
    (perPrompt.loadSeconds + perStep.loadSeconds).toFixed(1),
    result.peakGb.toFixed(2),
    row.reference ? String(row.reference) : "-",
    row.reference ? `${(row.reference / perStep.medianMs).toFixed(2)}x` : "-",
    row.goal ? `${row.goal}x` : "-",
  ]
  return columns.map(([, width], i) => values[i]!.padStart(width)).join("  ")
}

const milliseconds = (ms: number): string => ms.toFixed(ms < 100 ? 1 : 0)
