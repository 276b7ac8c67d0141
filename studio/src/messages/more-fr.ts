// What the page says of models and of more settings, in French.
import type { Messages } from "./en.ts"

export const more: Pick<Messages, "model" | "more" | "missing"> = {
  model: {
    title: "Modèle",
    button: (name: string) => `Modèle : ${name}`,
    names: { medium: "Medium", large: "Large", "medium-turbo": "Turbo" },
    lines: {
      medium: "Stable, pour les images finies",
      large: "Plus brut et plus varié",
      "medium-turbo": "Peu d’étapes, pour essayer vite",
    },
  },
  more: {
    title: "Plus",
    button: "Plus de réglages",
    steps: "Étapes",
    guidance: "Guidage",
    candidates: "Candidats",
    intensity: "Intensité",
    complexity: "Complexité",
    movement: "Mouvement",
    lines: {
      intensity: "Saturation et contraste",
      complexity: "Quantité de détails",
      movement: "Énergie des diagonales",
    },
    format: "Format de fichier",
    resetAll: "Réinitialiser tous les réglages",
    unsupported: (model: string, things: string) => `${model} ne permet pas : ${things}.`,
    removeLora: (name: string) => `Retirer la LoRA ${name}`,
    things: {
      references: "références",
      boards: "moodboards",
      sliders: "curseurs",
      start: "images de départ",
      creativity: "créativité",
      guidance: "guidage",
      loras: "LoRA",
      candidates: "candidats",
    },
  },
  missing: {
    reference: (n: number) => `La référence ${n} n’existe plus ; la prochaine prise se fera sans elle.`,
    start: "L’image de départ n’existe plus ; la prochaine prise se fera sans elle.",
    mask: "Le masque n’existe plus ; il a été retiré.",
    board: (name: string) => `Le moodboard ${name} n’existe plus ; il a été retiré du dock.`,
  },
}
