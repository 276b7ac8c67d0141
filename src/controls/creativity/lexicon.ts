// Words by which a prompt speaks of style, setting, colour and the rest. Phrases, longest match wins. Imports nothing.

/** What a mention is of; the last four are not aspects, but close some. */
export type Topic =
  | "style"
  | "setting"
  | "light"
  | "palette"
  | "composition"
  | "mood"
  | "count"
  | "relation"
  | "alone"
  | "plain"

const LISTS: Readonly<Record<Topic, string>> = {
  style: `
    photo, photograph, photography, photographic, photorealistic, photorealism, realistic, hyperrealistic,
    realism, film still, analog film, polaroid, daguerreotype, 35mm, dslr, snapshot, cinematic, painting, painted,
    painterly, oil, oils, oil painting, acrylic, gouache, watercolor, watercolour, watercolors, watercolours,
    aquarelle, tempera, fresco, mural, graffiti, impasto, impressionist, impressionism, impressionistic,
    expressionist, expressionism, cubist, cubism, surrealist, surrealism, pointillism, pointillist, fauvist,
    baroque, renaissance, rococo, art deco, art nouveau, bauhaus, pop art, ukiyo e, sumi e, vaporwave, synthwave,
    retrowave, psychedelic, sketch, sketched, drawing, drawn, line art, lineart, pencil, colored pencil, charcoal,
    pastels, crayon, crayons, marker, ink, inked, ballpoint, pen and ink, doodle, scribble, engraving, engraved,
    etching, woodcut, linocut, lithograph, screenprint, risograph, silkscreen, print, poster, comic, comics,
    comic book, manga, anime, cartoon, cartoonish, chibi, caricature, storybook, illustration, illustrated,
    illustrative, vector, flat design, flat illustration, flat, clip art, clipart, icon, logo, emblem, emoji,
    pixel, pixels, pixelated, pixel art, 8 bit, 16 bit, voxel, low poly, lowpoly, isometric render, 3d, 3d render,
    cgi, render, rendering, rendered, blender, claymation, clay, plasticine, stop motion, origami, papercut, cyanotype, diorama, tintype, woodblock, stencil, ceramic,
    paper cut, cut paper, paper craft, papercraft, collage, mosaic, stained glass, tiles, silhouette,
    silhouetted, blueprint, schematic, technical drawing, diagram, infographic, chalk, chalkboard, blackboard,
    neon, neon sign, duotone, halftone, sticker, die cut, decal, tattoo, embroidery, embroidered, cross stitch,
    cross stitched, needlepoint, knitted, crochet, crocheted, felt, felted, tapestry, quilt, sculpture, sculpted,
    statue, carving, carved, figurine, lego, minimalist, minimalistic, abstract, style, styled, stylized, artwork,
    concept art, digital art, fan art, folk art, street art, art, outlined, outline, outlines, monoline, airbrush,
    gothic, steampunk, cyberpunk, solarpunk, pixar, ghibli, disney, van gogh, monet, picasso, hokusai, klimt,
    warhol, rembrandt, dali, matisse, kandinsky, mondrian, banksy, texture, portrait photo`,
  setting: `
    forest, forests, woods, woodland, jungle, rainforest, meadow, field, grass, grassy, grassland, prairie, savanna,
    savannah, lawn, garden, park, orchard, vineyard, desert, dune, dunes, sand, sandy, beach, shore, coast, coastal,
    seaside, ocean, sea, lake, lakeside, river, riverbank, stream, pond, waterfall, swamp, marsh, lagoon, reef,
    mountain, mountains, mountainside, mountaintop, hill, hills, hillside, valley, canyon, cliff, cave, cavern,
    snow, snowy, snowfall, snowstorm, blizzard, ice, icy, iceberg, glacier, arctic, antarctic, tundra, frozen,
    winter, wintry, summer, autumn, fall, spring, space, outer space, cosmos, cosmic, galaxy, nebula, orbit, city,
    cityscape, town, village, street, road, roadside, highway, alley, downtown, skyline, urban, suburb, market,
    marketplace, shop, store, cafe, restaurant, bar, pub, bakery, kitchen, bedroom, bathroom, living room, room,
    interior, indoor, indoors, inside, outdoor, outdoors, outside, office, museum, gallery, temple, palace, ruins,
    stadium, arena, stage, theater, theatre, studio, laboratory, lab, warehouse, train station, airport, harbor,
    harbour, dock, pier, port, bridge, rooftop, roof, balcony, window, windowsill, desk, table, tabletop, shelf,
    floor, wall, walls, carpet, sofa, fireplace, hallway, corridor, attic, basement, dungeon, ground, path, trail,
    track, playground, farm, barn, farmyard, countryside, landscape, scenery, scenic, background, backgrounds,
    backdrop, environment, setting, scene, underwater, under water, undersea, aquarium, seabed, ocean floor, sky,
    skies, cloudy sky, horizon, world, kingdom, wonderland, rainy, rain, stormy, storm, gradient, polka dot,
    polka dots, striped background, zoo, circus ring, court, pool, jetty, moonscape, planet surface, lunar,
    mars, venice, paris, tokyo, london, rome, new york, egypt, japan, china, africa, alaska, hawaii`,
  light: `
    night, nighttime, nightfall, midnight, moonlight, moonlit, moon, starry, starlit, starlight, stars, dusk, dawn,
    sunset, sundown, sunrise, twilight, golden hour, blue hour, noon, midday, morning, evening, afternoon, daytime,
    daylight, day, sunlight, sunlit, sunny, sunshine, sun, sunbeam, sunbeams, sunbathing, backlit, backlight,
    candlelight, candlelit, firelight, lamplight, lamplit, lantern light, lit, lighting, light, lights, lightning,
    illuminated, glowing, glow, glows, luminous, radiant, bioluminescent, shadow, shadows, shadowy, dark, darkness,
    dim, bright, brightly, gloomy, fog, foggy, mist, misty, haze, hazy, overcast, cloudy, spotlight, rim light,
    volumetric, god rays, chiaroscuro, low key, high key, neon lights, aurora, northern lights, fireworks, campfire`,
  palette: `
    red, orange, yellow, green, blue, purple, cobalt, chartreuse, sienna, platinum, pink, teal, black, white, brown, gray, grey, crimson, scarlet, maroon,
    burgundy, vermilion, ruby, magenta, fuchsia, violet, indigo, lavender, lilac, mauve, navy, azure, cyan, aqua,
    turquoise, emerald, jade, olive, khaki, beige, tan, ivory, ochre, amber, golden, gold, silver, silvery, bronze,
    copper, sepia, monochrome, monochromatic, black and white, grayscale, greyscale, colorful, colourful, colored,
    coloured, multicolored, multicoloured, rainbow colored, pastel, vivid, vibrant, saturated, desaturated, muted,
    palette, color, colour, colors, colours, colorless, colourless, hue, hues, tint, tinted, tone, tones, toned,
    warm colors, cool colors, earthy, iridescent, rosy, blonde, ginger, auburn, reddish, bluish, greenish,
    yellowish, pinkish, purplish, brownish, blackish, whitish, greyish, grayish, snow white, rose gold`,
  composition: `
    close up, closeup, wide shot, long shot, medium shot, establishing shot, wide angle, fisheye, portrait, headshot,
    full body, half body, bust, aerial, aerial view, bird's eye, birds eye, top down, overhead, from above,
    from below, from behind, from afar, from the side, side view, front view, back view, rear view, profile,
    centered, centred, off center, symmetrical, symmetric, symmetry, asymmetrical, rule of thirds, panorama,
    panoramic, macro, isometric, low angle, high angle, worm's eye, dutch angle, framed, framing, composition,
    foreground, bokeh, depth of field, negative space, minimal composition, view, shot, perspective, zoomed,
    small, large, big, huge, tiny, giant, gigantic, enormous, little, massive, miniature, mini, colossal, tall,
    towering, oversized, distant, far away, filling the frame, cropped`,
  mood: `
    mysterious, mystery, cozy, cosy, dreamy, dreamlike, serene, calm, peaceful, tranquil, ominous, eerie, creepy,
    spooky, scary, haunting, whimsical, joyful, joyous, cheerful, happy, sad, melancholic, melancholy, lonely, epic,
    dramatic, nostalgic, romantic, playful, tense, moody, ethereal, magical, mystical, enchanted, heroic, majestic,
    grumpy, angry, furious, gentle, tender, solemn, hopeful, festive, bleak, sinister, energetic, lively, sleepy,
    surreal, cute, adorable, mood, atmosphere, atmospheric, feeling, vibe`,
  count: `
    two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, dozen, dozens, hundred, hundreds, thousand,
    thousands, several, many, few, some, multiple, numerous, pair, pairs, couple, trio, group, crowd, herd, flock,
    pack, swarm, team, row, rows, pile, heap, set, collection, both, twin, twins, various, countless, army, family`,
  relation: `
    left, right, left of, right of, above, below, over, under, underneath, beside, next to, between, behind,
    in front of, on top of, beneath, near, close to, around, among, against, across from, facing, opposite,
    surrounded, alongside, together, holding, riding, carrying, chasing, hugging, kissing, fighting, meets, versus`,
  alone: `alone, single, solo, only, isolated, nothing else, lone, lonely, solitary, just, itself, himself, herself`,
  plain: `plain, solid, empty, blank, isolated, transparent, cutout, cut out`,
}

export interface Phrase {
  words: readonly string[]
  topics: readonly Topic[]
}

/** Phrases by first word, longest first. */
export const PHRASES: ReadonlyMap<string, readonly Phrase[]> = phrasesByFirstWord()

function phrasesByFirstWord(): Map<string, Phrase[]> {
  const topics = new Map<string, Topic[]>()
  for (const topic of Object.keys(LISTS) as Topic[])
    for (const phrase of LISTS[topic].split(",").map((p) => p.trim()))
      topics.set(phrase, [...(topics.get(phrase) ?? []), topic])
  const byFirst = new Map<string, Phrase[]>()
  for (const [phrase, found] of topics) {
    const words = phrase.split(" ")
    byFirst.set(words[0]!, [...(byFirst.get(words[0]!) ?? []), { words, topics: found }])
  }
  for (const list of byFirst.values()) list.sort((a, b) => b.words.length - a.words.length)
  return byFirst
}

const set = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/))

/** Things that are also colours: they name one when another word of the same thing follows ("a peach wall"). */
export const FRUIT_COLOURS = set(`rose peach lemon cherry lime plum mint salmon coral chocolate cream mustard
  sapphire apricot mango tangerine blush rust charcoal sand sky wine ash honey cinnamon pumpkin`)

export const ARTICLES = set("a an the")
export const DETERMINERS = set(
  "a an the one my your his her its our their this that these those some any every",
)

/** Prepositions after which a place may stand. */
export const PLACE_PREPOSITIONS =
  set(`in on at inside under beside near by among against beneath above over through
  across behind along outside atop amid amidst within around into onto from between below underneath beyond upon`)

/** Of these, those after which a thing is around what stands before. */
export const AROUND = set("in on at inside among amid amidst within aboard")

/** After "in" and the like, these are no places. */
export const NO_PLACE =
  set(`style love motion flight mid action color colour colors colours front charge shape form
  costume uniform hat coat dress suit armor armour sweater jacket scarf boots shoes pajamas mask glasses helmet
  disguise watercolor watercolour oil pencil ink chalk neon pixel cartoon comic anime high low great detail focus
  its his her their my your our that which top looking smiling profile person company midair time`)

/** Words that say what follows is not wanted. */
export const NEGATIONS =
  set(`no not without never avoid avoiding except excluding exclude minus neither nor lacking
  dont don't isn't isnt aren't doesn't doesnt don’t isn’t aren’t doesn’t sans`)

/** What is denied along with a word: whoever wants no painting wants no watercolor either. */
export const DENIED_WITH: ReadonlyMap<string, readonly string[]> = new Map(
  [
    "human man men woman women person child children crowd anyone anybody > people person giant",
    "people > person giant",
    "painting painted paint > painting painted watercolor gouache",
    "drawing drawn sketch > drawing drawn sketch pencil chalk crayon ink",
    "photo photography photographic photorealism photorealistic > photo photograph",
    "greenery vegetation foliage nature > plant tree flower grass leaf forest wood",
    "building architecture house > building city",
    "dark darkness > dark night black",
    "blackboard chalkboard > blackboard chalkboard chalk",
  ].flatMap((line) => {
    const [from, to] = line.split(" > ").map((words) => words.split(" "))
    return from!.map((word) => [word, to!] as const)
  }),
)

/** Where a negation ends. */
export const NEGATION_ENDS =
  set(`but with in on at under near by as while that which is are was standing sitting
  instead just only from into`)

export const FUNCTION_WORDS =
  set(`a an the of in on at to with and or as is are was were be its it his her their this
  that these those for by from into onto over under above below near beside next left right up down out off through
  behind between who which while not no without very so but if then than there here some any every all my your our i
  you he she they we has have had having do does did wearing holding standing sitting running looking made like`)

/** Function words of other languages that no English prompt uses. */
export const FOREIGN_WORDS =
  set(`el los las un una del con sin y en para por que como le les des du avec sans dans et
  une est der das ein eine einen einer mit ohne im und auf ist dem den zum zur il lo gli di nel nella senza sulla um uma
  com sem não na em ao het een met zonder op van och med utan ett på og uten pe cu din w z na bez i jest над под ve bir
  ile için dengan di tanpa yang`)

/** Common words of prompts beside the things themselves: how English is told from what cannot be read. */
export const COMMON_WORDS =
  set(`old young new ancient modern vintage beautiful handsome pretty ugly strange weird wild
  funny friendly fierce fluffy furry hairy round square long short fat thin strong weak fast slow soft hard heavy wet
  dry hot cold warm cool fresh broken empty full open closed wooden metal stone glass paper plastic leather silk
  fire water earth air wind magic power light time life death love war peace music dream game story legend portrait
  hat cap mask armor suit sword gun wand staff shield wings tail horns eyes face hair beard hand paw head body heart
  jumping flying swimming sleeping eating drinking dancing singing playing reading walking riding driving fighting
  cooking painting writing climbing falling floating juggling smiling laughing crying hiding waiting working resting
  jumps flies swims sleeps eats drinks dances sings plays reads walks rides drives fights runs sits stands holds wears
  looks carries food drink meal breakfast fruit flower leaf animal creature monster beast pet toy machine vehicle
  building tower statue bridge boat wave river stone rock tree island cloud rain storm cyberpunk street futuristic
  medieval fantasy fiction sci-fi retro classic elegant simple detailed intricate delicious shiny rusty dusty fancy
  royal wise brave curious lazy busy hungry clever tiny pet shop club party wedding festival holiday birthday
  christmas halloween fashion design product logo character hero villain robot space rocket race accountant cafe`)
