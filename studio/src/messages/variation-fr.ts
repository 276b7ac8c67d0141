// What the page says of variations of a picture, in French.
import type { Messages } from "./en.ts"

export const variation: Messages["variation"] = {
  of: "Variation de",
  slider: "Variation : de la même image à une autre",
  exact: "Variation : force exacte",
  changes: {
    nothing: "la même image",
    details: "les détails changent",
    shapes: "les formes changent",
    all: "une autre image",
  },
  hint: "0 est la même image, 0,3 change les détails, 0,6 les formes, 1 est une autre image",
  remove: "Ne plus varier cette image",
  most: (n: number) =>
    `${n} variations mènent déjà à cette image, et c’est le maximum. Variez-en une plus ancienne, ou prenez celle-ci comme image de départ.`,
}
