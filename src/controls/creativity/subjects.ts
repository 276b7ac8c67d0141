// Things a prompt may speak of, by kind: what the embedded model can draw, with other names. Imports nothing.

export type Kind =
  | "animal"
  | "sea"
  | "plant"
  | "food"
  | "place"
  | "vehicle"
  | "sky"
  | "party"
  | "sport"
  | "toy"
  | "clothes"
  | "music"
  | "device"
  | "thing"
  | "fantasy"
  | "person"

/** Singular names; `wolf+wolves` gives a plural that the rule would miss. The test holds it to the trained names. */
const TABLE: Readonly<Record<Kind, string>> = {
  animal: `
    monkey, ape, chimp, gorilla, dog, hound, canine, poodle, wolf+wolves, fox, vixen, raccoon, cat, feline,
    tomcat, lion, tiger, leopard, panther, jaguar, horse, stallion, mare, unicorn, zebra, deer+deer, stag,
    doe, cow, heifer, bull, bovine, pig, hog, swine, boar, ram, sheep+sheep, lamb, goat, camel, dromedary,
    llama, alpaca, giraffe, elephant, rhino, rhinoceros, hippo, hippopotamus, mouse+mice, hamster, rabbit,
    bunny, hare, chipmunk, squirrel, hedgehog, porcupine, bear, grizzly, koala, panda, sloth, otter, skunk,
    kangaroo, wallaby, badger, turkey, chicken, hen, rooster, cockerel, hatching chick, newborn chick,
    hatchling, chick, baby chick, penguin, eagle, hawk, falcon, dove, pigeon, bird, sparrow, robin, duck,
    mallard, swan, owl, flamingo, peacock, parrot, macaw, frog, toad, crocodile, alligator, turtle,
    tortoise, lizard, gecko, snake, serpent, viper, cobra, dragon, wyvern, dinosaur, brontosaurus,
    tyrannosaurus+tyrannosaurus, snail, caterpillar, ant, bee, honeybee, bumblebee, ladybug, ladybird,
    butterfly, moth, spider, tarantula, scorpion, bat, mosquito+mosquitoes`,
  sea: `
    whale, dolphin, porpoise, fish+fish, trout, salmon, tropical fish+tropical fish, pufferfish+pufferfish,
    blowfish, shark, octopus, kraken, squid, jellyfish+jellyfish, seal, crab, lobster, crayfish,
    shrimp+shrimp, prawn, seashell, shell, conch`,
  plant: `
    bouquet, bunch of flowers, posy, cherry blossom, pink blossom, rose, hibiscus+hibiscus, sunflower,
    daisy, dandelion, tulip, lotus, sprout, seedling, sapling, potted plant, houseplant, pine tree,
    evergreen tree, conifer, spruce, tree, leafy tree, oak, palm tree, cactus+cacti, wheat+wheat,
    sheaf of grain, barley, clover, four leaf clover, shamrock, maple leaf+maple leaves, mushroom,
    toadstool, fungus, chestnut`,
  food: `
    bunch of grapes+bunches of grapes, grapes, melon, watermelon, orange fruit, tangerine, mandarin,
    clementine, lemon, banana, plantain, pineapple, mango+mangoes, apple, pear, peach, nectarine, apricot,
    cherry, pair of cherries, strawberry, blueberry, blueberries, kiwi, tomato+tomatoes, coconut, avocado,
    eggplant, aubergine, potato+potatoes, spud, carrot, corn+ears of corn, ear of corn, maize,
    chili pepper, hot pepper, jalapeno, bell pepper, sweet pepper, capsicum, cucumber, gherkin,
    broccoli+broccoli, garlic+garlic bulbs, onion, shallot, peanut, bread+loaves of bread, loaf of bread,
    toast, croissant, baguette, french bread, pretzel, bagel, stack of pancakes+stacks of pancakes,
    pancakes, crepes, waffle, cheese+pieces of cheese, piece of cheese, cheddar, meat+pieces of meat,
    meat on the bone, chicken leg, drumstick, steak, beef, sirloin, bacon+strips of bacon, burger,
    hamburger, cheeseburger, fries+fries, french fries, pizza, slice of pizza, pepperoni, hot dog,
    frankfurter, sandwich, panini, taco, burrito, egg, fried egg, egg in a pan, omelette, stew,
    pot of stew, goulash, salad, popcorn+boxes of popcorn, noodle soup, bowl of noodles, ramen,
    spaghetti+plates of spaghetti, pasta, sushi+pieces of sushi, ice cream cone, soft ice cream, gelato,
    shaved ice, sorbet, ice cream, bowl of ice cream, donut, doughnut, cookie, biscuit, birthday cake,
    slice of cake+slices of cake, piece of cake, cupcake, muffin, pie, pastry, chocolate bar, chocolate,
    cocoa, candy, wrapped sweet, caramel, lollipop, pudding, custard, flan, honey pot, jar of honey,
    baby bottle, milk bottle, glass of milk+glasses of milk, milk, coffee cup, cup of coffee, espresso,
    cappuccino, teapot, kettle, cup of tea+cups of tea, green tea, champagne bottle, bottle of champagne,
    prosecco, glass of wine+glasses of wine, wine, merlot, martini, cocktail, tropical drink, fruit drink,
    daiquiri, beer, mug of beer, lager, ale, soda, cup with a straw, lemonade,
    pair of chopsticks+pairs of chopsticks, chopsticks, fork and knife+forks and knives, cutlery, spoon,
    ladle, clay vase, amphora, urn`,
  place: `
    snowy mountain, mountain with snow, alps, volcano+volcanoes, island, palm island, house, home, cottage,
    abandoned house, ruined house, haunted house, house with a garden+houses with gardens,
    home with a tree, office building, office tower, skyscraper, hospital, clinic, hotel, school,
    school building, factory, castle, fortress, palace, pagoda, eastern castle, red tower, steel tower,
    eiffel, church, cathedral, mosque, red gate, shrine gate, torii, fountain, tent, camping tent,
    statue of liberty+statues of liberty, ferris wheel, big wheel, roller coaster, carousel horse,
    merry go round horse, circus tent, circus, marquee`,
  vehicle: `
    steam train, steam locomotive, train, railway train, bullet train, fast train, tram, streetcar, bus,
    coach, van, minibus, minivan, ambulance, fire truck, fire engine, police car, cruiser, taxi, taxi cab,
    car, automobile, sedan, jeep, off road car, suv, truck, delivery truck, lorry, big truck, long truck,
    pickup truck, tractor, race car, racing car, motorcycle, motorbike, harley, scooter, motor scooter,
    vespa, moped, bicycle, bike, kick scooter, skateboard, roller skate, traffic light, stop light,
    semaphore, gas pump, fuel pump, petrol pump, anchor, sailboat, sailing boat, yacht, speedboat,
    motor boat, canoe, rowing boat, kayak, ship, big ship, vessel, airplane, plane, aircraft, jet,
    helicopter, chopper, parachute, satellite, rocket, space rocket, spaceship, ufo, flying saucer,
    suitcase, baggage`,
  sky: `
    crescent moon, full moon, sun, planet with rings+planets with rings, ringed planet, saturn, star,
    shooting star, falling star, meteor, cloud, rain cloud, cloud with rain, storm cloud,
    cloud with lightning, thunderstorm, sun behind a cloud+suns behind clouds, tornado+tornadoes,
    hurricane, rainbow, lightning bolt, bolt of lightning, snowflake, snowman+snowmen, comet, flame, fire,
    blaze, water drop, drop of water, wave, big wave, tsunami, globe, planet earth, umbrella,
    open umbrella, parasol`,
  party: `
    pumpkin, carved pumpkin, christmas tree, decorated tree, balloon, party popper, confetti popper,
    confetti ball, wind chime, ribbon, bow ribbon, gift, wrapped gift, present, ticket, military medal,
    trophy, trophy cup, medal, gold medal, red lantern, paper lantern`,
  sport: `
    soccer ball, football, baseball, basketball, volleyball, american football, rugby ball, tennis ball,
    tennis racket, bowling pins+sets of bowling pins, bowling ball and pins, hockey stick,
    ping pong paddle, table tennis paddle, shuttlecock, boxing glove, golf flag, golf hole, ice skate,
    fishing rod, fishing pole, pair of skis+pairs of skis, skis, target, bullseye, dartboard, kite,
    billiard ball, pool ball, bow and arrow+bows and arrows, archery`,
  toy: `
    crystal ball, magic ball, game controller, video game controller, gamepad, joystick, slot machine,
    jackpot, dice+dice, cube, puzzle piece, jigsaw, teddy bear, stuffed bear, plush, heart, red heart,
    chess pawn, chess piece, framed picture, paint palette, artist palette, easel,
    ball of yarn+balls of yarn, ball of wool`,
  clothes: `
    pair of glasses+pairs of glasses, glasses, spectacles, eyeglasses,
    pair of sunglasses+pairs of sunglasses, sunglasses, tie, necktie, shirt, tee shirt, blouse,
    pair of jeans+pairs of jeans, jeans, trousers, pants, scarf+scarves, shawl,
    pair of gloves+pairs of gloves, gloves, mittens, coat, jacket, parka, pair of socks+pairs of socks,
    socks, stockings, dress, gown, kimono, bikini, swimsuit, purse, wallet, handbag, backpack, school bag,
    rucksack, leather shoe, brown shoe, loafer, sneaker, running shoe, trainer, hiking boot, boot,
    high heel, high heeled shoe, stiletto, tall boot, long boot, crown, tiara, top hat, graduation cap,
    graduation hat, mortarboard, baseball cap, cap, helmet, rescue helmet, lipstick, ring, diamond ring,
    diamond, gem, jewel`,
  music: `
    loudspeaker, public speaker, megaphone, bullhorn, bell, golden bell, music note, musical note, quaver,
    microphone, mic, headphones+pairs of headphones, headset, radio, stereo, saxophone, clarinet, trumpet,
    cornet, accordion, guitar, ukulele, piano keys+sets of piano keys, piano, synthesizer, violin, fiddle,
    cello, banjo, drum, percussion, pair of maracas+pairs of maracas`,
  device: `
    mobile phone, cell phone, smartphone, telephone, old phone, battery, electric plug, power plug, laptop,
    ultrabook, computer, desktop computer, printer, keyboard, computer mouse+computer mice, floppy disk,
    diskette, compact disc, cd, movie camera, film camera, film projector, clapper board, movie clapper,
    television, tv, camera, photo camera, video camera, camcorder, video tape, cassette, magnifying glass,
    magnifier, candle, light bulb, lightbulb, flashlight, torch, alarm clock, stopwatch, chronometer,
    wristwatch, hourglass, sand timer, compass, thermometer, telescope, spyglass, microscope`,
  thing: `
    open book, book, closed book, novel, stack of books+stacks of books, pile of books, library, notebook,
    scroll, parchment, newspaper, gazette, money bag, bag of money, loot, coin, credit card, envelope,
    letter, box, package, parcel, carton, mailbox, red mailbox, postbox, pencil, fountain pen, paintbrush,
    crayon, briefcase, calendar, clipboard, triangle ruler, set square, protractor, ruler,
    pair of scissors+pairs of scissors, scissors, shears, trash can, waste basket, dustbin, garbage,
    padlock, lock, key, door key, hammer, mallet, axe, hatchet, dagger, knife blade,
    crossed swords+pairs of crossed swords, two swords, sabers, bomb, grenade, shield, wrench, spanner,
    screwdriver, nut and bolt+nuts and bolts, gear, cog, cogwheel, balance scale, scale, toolbox, magnet,
    ladder, test tube, syringe, injection, pill, capsule, door, bed, mattress,
    couch with a lamp+couches with lamps, sofa, chair, toilet, bathtub, bath, broom, basket, hamper,
    bucket, pail, soap+bars of soap, bar of soap, toothbrush, shopping cart, wagon, coffin, casket,
    stone head, stone statue, monolith`,
  fantasy: `
    ghost, phantom, spirit, alien, extraterrestrial, space invader, pixel monster, robot, android, skull,
    skeleton`,

  person: `
    person+people, man+men, woman+women, boy, girl, lad, lass, child+children, baby, infant, toddler, kid,
    guy, lady, gentleman+gentlemen, old man+old men, old woman+old women, grandfather, grandpa, grandmother,
    grandma, bearded man+bearded men, man with a beard+men with beards,
    woman with red hair+women with red hair, woman with blond hair+women with blond hair, king, queen,
    prince, princess, monarch, emperor, empress, knight, wizard, sorcerer, magician, witch, sorceress,
    enchantress, warrior, soldier, samurai+samurai, ninja, pirate, astronaut, cosmonaut, spaceman+spacemen,
    pilot, aviator, cowboy, viking, hero, superhero, santa claus, santa, dancer, ballerina, singer, vocalist,
    musician, chef, cook, doctor, physician, medic, nurse, police officer, policeman+policemen, cop,
    constable, firefighter, fireman+firemen, teacher, farmer, peasant, fisherman+fishermen, sailor,
    detective, sleuth, royal guard, sentry, construction worker, builder, artist, painter, scientist,
    student, athlete, runner, jogger, surfer, skier, snowboarder, bride, monk, elf+elves, dwarf+dwarves,
    fairy, pixie, mermaid, genie, djinn, vampire, dracula, zombie, angel, cherub, demon, god, goddess, clown,
    jester, smiling face, smiley, cyborg, mother, father, family, couple, friend, traveler, hiker, cyclist, driver`,
}

export interface Subject {
  name: string
  kind: Kind
  isPlural: boolean
}

export function pluralOf(name: string): string {
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`
  return /(s|sh|ch|x|z)$/.test(name) ? `${name}es` : `${name}s`
}

/** Every name and plural, as it stands in a prompt's lower-case words. */
export const SUBJECTS: ReadonlyMap<string, Subject> = new Map(
  (Object.keys(TABLE) as Kind[]).flatMap((kind) =>
    TABLE[kind].split(",").flatMap((entry): [string, Subject][] => {
      const [name, plural = pluralOf(name!)] = entry.trim().split("+") as [string, string?]
      return [
        [plural, { name, kind, isPlural: true }],
        [name, { name, kind, isPlural: plural === name ? false : /^(pair|bunch|stack|set)s? of/.test(name) }],
      ]
    }),
  ),
)

/** Words in the longest name. */
export const LONGEST_NAME = Math.max(...[...SUBJECTS.keys()].map((name) => name.split(" ").length))
