// Numbers and times as a reader expects them.
import type { Capabilities, GenerationRequest, Model, Turns } from "../api/types.ts"
import { language, type Messages } from "../messages/index.ts"

/** The browser's own variety of the page's language: British dates for a British reader. */
const locale = (): string => navigator.languages.find((tag) => tag.startsWith(language())) ?? language()

/** 41 s below a minute, 2:05 above. */
export const clock = (seconds: number): string => {
  const whole = Math.max(1, Math.round(seconds))
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`
}

export const when = (iso: string): string =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso))

export const decimal = (n: number, digits = 2): string =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(n)

/** All of a number, as it is written into a field. */
export const exact = (n: number): string =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: 10, useGrouping: false })
    .format(n)
    .replace("-", "−")

export const hasDecimalComma = (): boolean => decimal(0.5).includes(",")

/** A number as a reader writes it: with either minus, and with the point or the comma. */
export const readNumber = (text: string): number => Number(text.replace(",", ".").replace("−", "-"))

export const signed = (n: number): string => (n > 0 ? `+${decimal(n)}` : decimal(n).replace("-", "−"))

export const bytes = (n: number): string =>
  n < 1e6 ? `${decimal(n / 1e3, 0)} kB` : `${decimal(n / 1e6, 1)} MB`

/** What a model is called among others: by its variant, and by its title where there are two of one variant. */
export const modelName = ({ variant, title }: Model, models: readonly Model[], t: Messages): string =>
  models.filter((m) => m.variant === variant).length > 1 ? title : t.model.names[variant]

/** The seeds that a variation comes from, each with how far it was left; of many the first and the last. */
export const turnsSaid = (turns: Turns): string => {
  const said = turns.map(({ seed, strength }) => `${seed} · ${decimal(strength)}`)
  return (said.length > 3 ? [said[0], "…", said.at(-1)] : said).join(" → ")
}

/** 3:2 for a size of that shape, else 800×600. */
export function shapeName(
  r: Pick<GenerationRequest, "width" | "height">,
  capabilities?: Capabilities,
): string {
  const ratio = Math.log(r.width / r.height)
  const near = capabilities?.aspects.find((a) => Math.abs(Math.log(a.width / a.height) - ratio) < 0.02)
  return near?.name ?? `${r.width}×${r.height}`
}
