// What the page says of variations of a picture, in German.
import type { Messages } from "./en.ts"

export const variation: Messages["variation"] = {
  of: "Variation von",
  slider: "Variation: vom selben Bild bis zu einem anderen",
  exact: "Variation: genaue Stärke",
  changes: {
    nothing: "dasselbe Bild",
    details: "Einzelheiten ändern sich",
    shapes: "Formen ändern sich",
    all: "ein anderes Bild",
  },
  hint: "0 ist dasselbe Bild, 0,3 ändert Einzelheiten, 0,6 Formen, 1 ist ein anderes Bild",
  remove: "Dieses Bild nicht mehr variieren",
  most: (n: number) =>
    `Zu diesem Bild führen schon ${n} Variationen, mehr gehen nicht. Variiere ein früheres, oder nutze dieses als Startbild.`,
}
