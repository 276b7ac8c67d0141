// Public model names and the installed models they mean.
import type { ModelInfo } from "./engine.ts"
import { AtelierError } from "./errors.ts"

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

type Named = Pick<ModelInfo, "name" | "aliases" | "variant">

/** The model of a name or an alias, in capitals or not. */
export function modelCalled<M extends Named>(name: string, models: readonly M[]): M | undefined {
  const wanted = name.toLowerCase()
  return models.find((m) => [m.name, ...m.aliases].some((own) => own.toLowerCase() === wanted))
}

/** The model that is called so, or else the first of the variant that a public name stands for. */
export function modelMeant<M extends Named>(name: string, models: readonly M[]): M | undefined {
  const variant = variantOf(name)
  return modelCalled(name, models) ?? models.find((m) => m.variant === variant)
}

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
  const wanted = Object.hasOwn(table, name) ? table[name]! : name
  const meant = modelMeant(wanted, models)
  if (meant) return meant
  const variant = variantOf(wanted)
  const installed = models.map((m) => m.name).join(", ") || "none"
  const what = variant
    ? `No model is installed for ${TITLES[variant]} (asked as ${name})`
    : `There is no model ${name}`
  throw new AtelierError("model_not_found", `${what}. Installed: ${installed}.`, { field: "model" })
}
