// Ideas for models that read whole sentences: the official weights. Imports types only.
import type { Aspect } from "./aspects.ts"
import type { Idea, IdeaList } from "./ideas.ts"
import type { Tier } from "./levels.ts"
import type { Kind } from "./subjects.ts"

/** One idea per line: `tier text | marks | words that it shows`. Marks: +colour, -colour, +light, suits:a,b. */
const TABLES: Readonly<Record<Aspect, string>> = {
  style: `
0 clean digital illustration
0 photograph
0 detailed 3d render
1 loose watercolor on textured paper
1 oil painting with visible brushwork
1 gouache illustration with matte layers
1 grainy 35mm film photograph
1 ink drawing with soft washes | -colour
1 crayon drawing
1 flat screen print with slight misregistration
1 storybook illustration
1 soft airbrush illustration
2 linocut print with bold carved lines | -colour
2 stained glass window
2 cut paper collage with layered shadows
2 hand-woven tapestry
2 felt and stitched fabric diorama
2 ukiyo-e woodblock print
2 risograph poster with coarse grain
2 ceramic tile mosaic
2 art deco travel poster
2 claymation still
2 chalk drawing on a blackboard | -colour
2 cyanotype print | -colour`,
  setting: `
0 plain seamless background | | background
0 simple uncluttered background | | background
1 in an open meadow | suits:animal,plant,person,party,sport,place | grass flower field plant
1 at the edge of a forest | suits:animal,plant,person,fantasy,place | tree forest plant
1 in a quiet city street | suits:vehicle,person,place,music,animal | city street building car people
1 on a wooden table beside a window | suits:food,thing,device,toy,clothes,plant,music,party | table window furniture
1 in a small cluttered workshop | suits:thing,device,toy,music,person,fantasy | furniture tool
1 by a calm lake among hills | suits:animal,place,vehicle,person,sky,sea | water lake hill
1 on a wide sandy beach | suits:sea,person,sport,vehicle,animal,toy | beach sand sea water
1 among rolling hills | suits:place,vehicle,animal,person,sky | hill grass
1 in an old greenhouse | suits:plant,food,animal,person,thing | plant glass
2 in a flooded cathedral | | water building church
2 on a stage with heavy velvet curtains | | stage curtain
2 inside a giant glass bottle | | glass bottle
2 in a desert of salt | | desert salt
2 in an overgrown abandoned station | | plant building train
2 on the back of a sleeping giant | | giant people person
2 in a library without end | | book library
2 on a floating island above the clouds | | cloud sky island
2 in a field of towering mushrooms | | mushroom plant field`,
  light: `
0 soft even light
1 soft window light from the left
1 warm low sun with long shadows | +light | sun shadow
1 gentle overcast light
1 light falling through leaves | | leaf leaves plant tree shadow
1 crisp morning light | +light
1 rim light along the edges
2 single hard spotlight in darkness | +light | dark darkness shadow
2 candlelight with deep shadows | +light | candle dark shadow
2 moonlight through drifting mist | +light | moon night mist fog dark
2 glow from below
2 stormy light with a break in the clouds | +light | storm cloud sky
2 two opposing lights, one warm and one cool`,
  palette: `
1 muted earth tones | +colour
1 teal and warm orange palette | +colour
1 soft pastel palette | +colour
1 deep blue and cream palette | +colour
1 limited palette of three colors | +colour
1 sage green and terracotta | +colour
1 faded vintage colors | +colour
2 acid yellow against violet | +colour
2 crimson, black and gold | +colour
2 iridescent oil-slick colors | +colour
2 nothing but shades of blue | +colour
2 clashing pink and red | +colour`,
  composition: `
1 centered with generous empty space
1 close view with shallow depth of field
1 seen slightly from below
1 placed off center by the rule of thirds
1 wide view with the subject small
1 three-quarter view
1 symmetrical composition
2 seen straight from above
2 extreme close-up cropped by the frame
2 steep diagonal composition
2 seen through an out-of-focus foreground
2 tiny within a vast frame
2 reflected in a mirror | | mirror reflection`,
  mood: `
1 calm and quiet
1 warm and friendly
1 quietly nostalgic
2 uneasy and dreamlike
2 solemn as a ceremony
2 mischievous and playful
2 tense, as if something is about to happen
2 tender and intimate
2 grand and heroic
2 absurd and deadpan
2 wistful, like the last day of a holiday`,
  companion: `
2 with a small bird watching | | bird animal
2 accompanied by a paper boat | | boat
2 with a single red balloon drifting past | +colour | balloon
2 with moths circling nearby | | moth insect animal
2 beside a steaming teapot | | teapot steam food
2 with a toy robot at its side | | robot toy
2 with an old suitcase nearby | | suitcase
2 followed by a line of snails | | snail animal
2 with a kite overhead | | kite
2 under a patched umbrella | | umbrella`,
}

function ideasOf(aspect: Aspect): Idea[] {
  return TABLES[aspect]
    .trim()
    .split("\n")
    .map((line): Idea => {
      const [head = "", marks = "", shows = ""] = line.split("|").map((part) => part.trim())
      const suits = /suits:([\w,]+)/.exec(marks)?.[1]
      return {
        aspects: [aspect],
        text: head.slice(2),
        ...(aspect === "style" && { look: head.slice(2) }),
        tier: Number(head[0]) as Tier,
        place: "tail",
        bringsColour: marks.includes("+colour"),
        losesColour: marks.includes("-colour"),
        bringsLight: marks.includes("+light"),
        ...(suits && { suits: suits.split(",") as Kind[] }),
        ...(shows && { shows: shows.split(" ") }),
      }
    })
}

/** For a tower of the size of Qwen3-VL: phrases with commas, each aspect by itself. */
export const OPEN: IdeaList = {
  name: "open",
  mostWords: 380,
  groups: [["style"], ["setting"], ["light"], ["palette"], ["composition"], ["mood"], ["companion"]],
  closedBy: {
    style: ["style"],
    setting: ["setting", "plain"],
    light: ["light"],
    palette: ["palette"],
    composition: ["composition"],
    mood: ["mood"],
    companion: ["count", "relation", "alone", "plain"],
  },
  joined: "list",
  ideas: (Object.keys(TABLES) as Aspect[]).flatMap(ideasOf),
}
