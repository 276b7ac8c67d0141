// Public model names and the installed models they mean.
import { AtelierError, type ModelInfo } from "../request/index.ts"

const TITLES = {
  medium: "Krea 2 Medium",
  large: "Krea 2 Large",
  "medium-turbo": "Krea 2 Medium Turbo",
} as const
export type Variant = keyof typeof TITLES

/** How the hosted services spell the three variants, `<v>` standing for the variant. */
const SPELLINGS = [
  "krea:krea@2-<v>",
  "krea-2/<v>",
  "krea/krea-2/<v>",
  "krea-2-<v>",
  "krea/krea-2-<v>",
  "krea/v2/<v>",
  "krea/v2/<v>/text-to-image",
  "fal-ai/krea/v2/<v>/text-to-image",
] as const

/** The variant a public name stands for; null for a name that is none of theirs. */
export function variantOf(name: string): Variant | null {
  const plain = name.toLowerCase()
  if (plain === "krea-2" || plain === "krea/krea-2") return "medium"
  if (plain === "krea:krea@2-turbo") return "medium-turbo"
  for (const variant of Object.keys(TITLES) as Variant[]) {
    if (SPELLINGS.some((s) => s.replace("<v>", variant) === plain)) return variant
  }
  return null
}

/** The ids under which dialects list a model. */
export const publicNames = (model: ModelInfo): string[] => [
  ...new Set([...model.aliases, `krea-2-${model.variant}`]),
]

/**
 * The installed model for a name: the operator's own table first, then installed names and aliases, then the
 * variant that a public name stands for. Throws `model_not_found`, saying what is installed.
 */
export function resolveModel(
  name: string,
  models: ModelInfo[],
  table: Record<string, string> = {},
): ModelInfo {
  // A caller's word must not find what every object has: `constructor`.
  const wanted = (Object.hasOwn(table, name) ? table[name]! : name).toLowerCase()
  const exact = models.find(
    (m) => m.name.toLowerCase() === wanted || m.aliases.some((a) => a.toLowerCase() === wanted),
  )
  if (exact) return exact
  const variant = variantOf(wanted)
  const fitting = variant && models.find((m) => m.variant === variant)
  if (fitting) return fitting
  const installed = models.map((m) => m.name).join(", ") || "none"
  const what = variant
    ? `No model is installed for ${TITLES[variant]} (asked as ${name})`
    : `There is no model ${name}`
  throw new AtelierError("model_not_found", `${what}. Installed: ${installed}.`, { field: "model" })
}
