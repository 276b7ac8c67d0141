// The language in use. English is always there; others are loaded when chosen.
import { createStore, useStore } from "../state/store.ts"
import { en, type Messages } from "./en.ts"

export type { Messages }

export const LANGUAGES = { en: "English", de: "Deutsch", fr: "Français" } as const
export type Language = keyof typeof LANGUAGES

const loaders: Record<Language, () => Promise<Messages>> = {
  en: async () => en,
  de: async () => (await import("./de.ts")).de,
  fr: async () => (await import("./fr.ts")).fr,
}

const catalogue = createStore<{ language: Language; messages: Messages }>({ language: "en", messages: en })

export const isLanguage = (word: string): word is Language => Object.hasOwn(LANGUAGES, word)

/** The first language of the browser that the page speaks. */
export const preferredLanguage = (): Language =>
  navigator.languages.map((tag) => tag.slice(0, 2)).find(isLanguage) ?? "en"

export async function speak(language: Language): Promise<void> {
  catalogue.set({ language, messages: await loaders[language]() })
  document.documentElement.lang = language
}

export const useMessages = (): Messages => useStore(catalogue, (c) => c.messages)
export const useLanguage = (): Language => useStore(catalogue, (c) => c.language)
/** For what happens outside of components. */
export const messages = (): Messages => catalogue.get().messages
export const language = (): Language => catalogue.get().language
