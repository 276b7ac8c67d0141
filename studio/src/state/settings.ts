// How the page looks and answers: theme, density, language, keys. Kept in the browser.
import { isLanguage, type Language, preferredLanguage, speak } from "../messages/index.ts"
import { createStore } from "./store.ts"

export type Theme = "system" | "light" | "dark"
export type Density = "comfortable" | "compact"

export const settings = createStore<{
  theme: Theme
  density: Density
  language: Language
  layout: "takes" | "wall"
  inspector: boolean
  /** Keys that the user chose, by action. */
  bindings: Record<string, string>
}>(
  {
    theme: "system",
    density: "comfortable",
    language: preferredLanguage(),
    layout: "takes",
    inspector: true,
    bindings: {},
  },
  "settings",
  true,
)

/** Puts theme, density and language on the page, now and at every change. */
export function applySettings(): void {
  let spokenLanguage = ""
  const apply = (): void => {
    const { theme, density, language } = settings.get()
    const root = document.documentElement
    if (theme === "system") delete root.dataset.theme
    else root.dataset.theme = theme
    root.dataset.density = density
    if (language !== spokenLanguage && isLanguage(language)) {
      spokenLanguage = language
      void speak(language)
    }
  }
  settings.subscribe(apply)
  apply()
}

export function toggleTheme(): void {
  const isDark =
    settings.get().theme === "dark" ||
    (settings.get().theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches)
  settings.set({ theme: isDark ? "light" : "dark" })
}
