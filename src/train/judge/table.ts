// The judge's report as a table for the terminal and for the model's card.
import { type Report, SELF_TARGETS } from "./judgement.ts"
import type { Estimate } from "./statistics.ts"

const percent = (x: number): string => (Number.isNaN(x) ? "-" : (100 * x).toFixed(1))
const shown = (e: Estimate | undefined): string =>
  e ? `${percent(e.value)} [${percent(e.low)}, ${percent(e.high)}]` : "-"
const decimal = (e: Estimate | undefined): string =>
  e && !Number.isNaN(e.value) ? `${e.value.toFixed(3)} [${e.low.toFixed(3)}, ${e.high.toFixed(3)}]` : "-"

/** Rows as a Markdown table, columns padded so that it reads well in a terminal too. */
export function markdown(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((r) => r[i]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((c, i) => c.padEnd(widths[i]!)).join(" | ")} |`
  return [line(rows[0]!), line(widths.map((w) => "-".repeat(w))), ...rows.slice(1).map(line)].join("\n")
}

/** The report as Markdown: the judge itself, the figures beside real art, the distances. */
export function tableOf(report: Report): string {
  const { judge } = report
  const verdict = (e: Estimate | undefined, target: number | undefined, atMost = false): string => {
    if (!e || target === undefined || Number.isNaN(e.value)) return ""
    return (atMost ? e.value <= target : e.value >= target) ? "met" : "missed"
  }
  const wanted = (target: number | undefined, atMost = false): string =>
    target === undefined ? "" : `${atMost ? "<=" : ">="} ${percent(target)}`
  const self = markdown([
    ["the judge itself, on real art", "% [95 %]", "n", "target", ""],
    [
      "concept, top 5, drawings it never saw",
      shown(judge.concept5),
      String(judge.concept5.n),
      wanted(SELF_TARGETS.concept5),
      verdict(judge.concept5, SELF_TARGETS.concept5),
    ],
    ["concept, top 1, drawings it never saw", shown(judge.concept1), String(judge.concept1.n), "", ""],
    ["concept, top 5, new scenes of its own", shown(judge.known5), String(judge.known5.n), "", ""],
    ["concept, top 1, new scenes of its own", shown(judge.known1), String(judge.known1.n), "", ""],
    [
      "style, subjects it never saw",
      shown(judge.style),
      String(judge.style.n),
      wanted(SELF_TARGETS.style),
      verdict(judge.style, SELF_TARGETS.style),
    ],
  ])
  const figures = markdown([
    ["figure", `${report.model ?? "no model"}, % [95 %]`, "n", "target", "", "real art, % [95 %]"],
    ...report.figures.map((f) => [
      f.label,
      shown(f.model),
      String(f.art.n),
      wanted(f.target, f.atMost),
      verdict(f.model, f.target, f.atMost),
      shown(f.art),
    ]),
  ])
  const rows: string[][] = []
  const { spread, copying, steady, frechet } = report
  if (spread) {
    rows.push(["spread over seeds, one prompt", decimal(spread.model?.within), decimal(spread.art.within)])
    rows.push(["spread between prompts", decimal(spread.model?.between), decimal(spread.art.between)])
  }
  for (const [what, near] of [
    ["nearest training picture", copying],
    ["nearest steady picture", steady],
  ] as const)
    if (near)
      for (const key of ["min", "p5", "median", "p95"] as const)
        rows.push([`${what}, ${key}`, near.model?.[key].toFixed(4) ?? "-", near.art[key].toFixed(4)])
  if (frechet) {
    rows.push([
      "Frechet distance, classifier",
      decimal(frechet.classifier.model),
      decimal(frechet.classifier.art),
    ])
    if (frechet.independent)
      rows.push([
        "Frechet distance, nsfwjs MobileNet",
        decimal(frechet.independent.model),
        decimal(frechet.independent.art),
      ])
  }
  const distances =
    rows.length > 0 ? markdown([["distance", report.model ?? "no model", "real art"], ...rows]) : ""
  const samples = judge.samples.toLocaleString("en")
  return [`Printed by \`${report.command}\`, its classifier of ${samples} samples`, self, figures, distances]
    .filter(Boolean)
    .join("\n\n")
}
