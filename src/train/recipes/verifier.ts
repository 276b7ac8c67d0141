// The verifier: the judge's network, taught by the drawings that the model learns from; it says what a painted picture shows.

import type { VerifierFile } from "../../sampling/verifier.ts"
import { PLACE_WORDS } from "../data/captions.ts"
import { CONCEPTS } from "../data/concepts.ts"
import { openSprites } from "../data/sprites.ts"
import { STYLE_TRAITS } from "../data/styles/names.ts"
import { openCutouts } from "../judge/cutouts.ts"
import { BACKGROUND_NAMES, STYLE_NAMES } from "../judge/labels.ts"
import { classifierConfig } from "../judge/network.ts"
import { openScenes } from "../judge/scenes.ts"
import type { Recipe } from "../trainer.ts"
import { type ClassifierMaterial, type ClassifierRecipeOptions, classifierRecipe } from "./classifier.ts"

/** The training art itself: steady pictures, scenes, and cut-outs of all its drawings. */
function openArt(folder = "data"): ClassifierMaterial {
  const steady = openScenes(`${folder}/focus`, "verifier")
  if (steady.used.length === 0)
    throw new Error(
      `There are no pictures in ${folder}/focus; make them: npm run data -- --focus --count 28000 --seed 9`,
    )
  return {
    judge: steady,
    glyphs: { used: [], held: [], read: steady.read },
    model: openScenes(`${folder}/scenes`, "verifier"),
    cutouts: openCutouts(openSprites(`${folder}/sprites`, `${folder}/packages`), [], "train"),
  }
}

/** Its art is what the denoiser learns from: it is no judge, and the judge knows other drawings. */
export const verifierRecipe = (options: ClassifierRecipeOptions): Recipe => ({
  ...classifierRecipe(options, openArt()),
  name: "verifier",
})

/** What the shipped verifier's outputs are called, in the words of captions; plain backgrounds have no names of their own. */
export function verifierFile(): VerifierFile {
  const { side, widths, blocks } = classifierConfig
  return {
    network: { side, widths, blocks },
    concepts: CONCEPTS.map(({ name, plural, synonyms }) => [name, plural, ...synonyms]),
    styles: STYLE_NAMES.map((style) => [
      ...new Set([style, ...STYLE_TRAITS[style].adjectives, ...STYLE_TRAITS[style].nouns]),
    ]),
    backgrounds: BACKGROUND_NAMES.map((kind) => PLACE_WORDS[kind] ?? []),
  }
}
