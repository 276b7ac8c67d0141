// The controls' report as JSON and as tables for the terminal and for docs/controls.md.
import { met } from "../figures.ts"
import type { Estimate } from "../statistics.ts"
import { markdown } from "../table.ts"
import { ABOVE_ZERO, type ControlFigure, PARTS, type Part } from "./measure.ts"

export interface ControlsReport {
  readonly format: 1
  readonly command: string
  readonly model: string
  readonly figures: readonly (ControlFigure & { readonly met?: boolean | undefined })[]
  /** What could not be measured, and why: a sentence each. */
  readonly notes: readonly string[]
}

const TITLES: Readonly<Record<Part, string>> = {
  creativity: "creativity",
  references: "references",
  start: "start image",
  mask: "mask",
  sliders: "sliders",
  spread: "spread over seeds, feature distance",
}

const number = (x: number, isPlain: boolean | undefined): string =>
  !Number.isFinite(x) ? "-" : isPlain ? x.toFixed(3) : (100 * x).toFixed(1)

function shown({ value, low, high }: Estimate, isPlain: boolean | undefined): string {
  const [v, l, h] = [value, low, high].map((x) => number(x, isPlain))
  return l === v && h === v ? v! : `${v} [${l}, ${h}]`
}

export const withVerdicts = (figures: readonly ControlFigure[]): ControlsReport["figures"] =>
  figures.map((f) => ({ ...f, met: met(f) }))

/** The report as Markdown, one table for each part. */
export function controlsTable(report: ControlsReport): string {
  const tables = PARTS.flatMap((part) => {
    const own = report.figures.filter((f) => f.part === part)
    if (own.length === 0) return []
    const rows = own.map((f) => [
      f.label,
      shown(f.estimate, f.isPlain) + (f.isPlain || !Number.isFinite(f.estimate.value) ? "" : " %"),
      String(f.estimate.n),
      f.target === undefined ? "" : wanted(f.target, f.atMost, f.isPlain),
      f.met === undefined ? "" : f.met ? "met" : "missed",
    ])
    return [markdown([[TITLES[part], `${report.model} [95 %]`, "n", "target", ""], ...rows])]
  })
  return [`Printed by \`${report.command}\``, ...report.notes, ...tables].join("\n\n")
}

function wanted(target: number, atMost: boolean | undefined, isPlain: boolean | undefined): string {
  if (target === ABOVE_ZERO) return "> 0"
  return `${atMost ? "<=" : ">="} ${isPlain ? target : `${+(100 * target).toFixed(1)} %`}`
}
