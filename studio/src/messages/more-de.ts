// What the page says of models and of more settings, in German.
import type { Messages } from "./en.ts"

export const more: Pick<Messages, "model" | "more" | "missing"> = {
  model: {
    title: "Modell",
    button: (name: string) => `Modell: ${name}`,
    names: { medium: "Medium", large: "Large", "medium-turbo": "Turbo" },
    lines: {
      medium: "Beständig, für fertige Bilder",
      large: "Rauer und abwechslungsreicher",
      "medium-turbo": "Wenige Schritte, um schnell zu probieren",
    },
  },
  more: {
    title: "Mehr",
    button: "Mehr Einstellungen",
    steps: "Schritte",
    guidance: "Führung",
    candidates: "Kandidaten",
    intensity: "Intensität",
    complexity: "Komplexität",
    movement: "Bewegung",
    lines: {
      intensity: "Sättigung und Kontrast",
      complexity: "Menge der Einzelheiten",
      movement: "Kraft der Diagonalen",
    },
    format: "Dateiformat",
    resetAll: "Alle Einstellungen zurücksetzen",
    unsupported: (model: string, things: string) => `${model} kann nicht: ${things}.`,
    removeLora: (name: string) => `LoRA ${name} entfernen`,
    things: {
      references: "Referenzen",
      boards: "Moodboards",
      sliders: "Regler",
      start: "Startbilder",
      creativity: "Kreativität",
      guidance: "Führung",
      loras: "LoRAs",
      candidates: "Kandidaten",
    },
  },
  missing: {
    reference: (n: number) => `Referenz ${n} gibt es nicht mehr; der nächste Versuch entsteht ohne sie.`,
    start: "Das Startbild gibt es nicht mehr; der nächste Versuch entsteht ohne es.",
    mask: "Die Maske gibt es nicht mehr; sie wurde entfernt.",
    board: (name: string) => `Das Moodboard ${name} gibt es nicht mehr; es wurde aus dem Dock genommen.`,
  },
}
