// Creativity: how freely a prompt is interpreted, by writing more of it before the model reads it.
import type { Expander, Expansion, ExpansionRequest } from "./aspects.ts"
import { type ChatOptions, chatExpander } from "./chat.ts"
import { EMBEDDED } from "./embedded.ts"
import { expandPrompt } from "./expand.ts"
import type { IdeaList } from "./ideas.ts"
import { OPEN } from "./open.ts"

export { analyse } from "./analyse.ts"
export * from "./aspects.ts"
export { CHAT_TIMEOUT, type ChatOptions, chatExpander, SYSTEM_PROMPT } from "./chat.ts"
export { EMBEDDED, EMBEDDED_WORDS } from "./embedded.ts"
export { expandPrompt } from "./expand.ts"
export type { Idea, IdeaList } from "./ideas.ts"
export { type CreativityFigures, measureCreativity } from "./measure.ts"
export { OPEN } from "./open.ts"
export { MEASURED_PROMPTS, type MeasuredPrompt } from "./prompts.ts"

export interface ExpanderOptions {
  /** What the model understands: words of the embedded model, or whole sentences. */
  list?: "embedded" | "open"
  /** An endpoint to ask first. */
  chat?: ChatOptions
}

/** The expander for a model: built in, or an endpoint with the built-in one behind it. */
export function createExpander({ list = "embedded", chat }: ExpanderOptions = {}): Expander {
  const ideas: IdeaList = list === "open" ? OPEN : EMBEDDED
  const builtIn: (request: ExpansionRequest) => Expansion = (request) => expandPrompt(request, ideas)
  return chat ? chatExpander(chat, builtIn, ideas.mostWords) : async (request) => builtIn(request)
}

/** Settings of the endpoint from the environment: ATELIER_CHAT_URL, ATELIER_CHAT_MODEL, ATELIER_CHAT_KEY. */
export function chatFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): ChatOptions | undefined {
  const { ATELIER_CHAT_URL: url, ATELIER_CHAT_MODEL: model = "default", ATELIER_CHAT_KEY: key } = env
  return url ? { url, model, ...(key && { key }) } : undefined
}
