// The hand-made list of people that can be drawn, in the form of the list of things. Imports nothing.

/** Drawn by a lot of their own, and last among the concepts, so that the places of things stay (decision 055). */
export const PEOPLE_TABLE = `
# person ground
girl ; ; lass
boy ; ; lad
man (men) ; gentleman ; guy
woman (women) ; lady
baby ; ; infant, toddler
old-man = old man (old men) ; grandfather ; grandpa
old-woman = old woman (old women) ; grandmother ; grandma
man-beard = bearded man (bearded men) ; man with a beard
woman-red-hair = woman with red hair (women with red hair)
woman-blond-hair = woman with blond hair (women with blond hair)
person-with-crown = king ; ; monarch, emperor
princess ; queen ; empress
man-mage = wizard ; ; sorcerer, magician
woman-mage = witch ; ; sorceress, enchantress
woman-fairy = fairy ; ; pixie
mermaid
man-elf = elf (elves)
man-genie = genie ; ; djinn
man-vampire = vampire ; ; dracula
man-zombie = zombie
ninja
man-superhero = superhero ; hero
santa-claus = santa claus (santa clauses) ; santa
baby-angel = angel ; ; cherub
astronaut ; ; cosmonaut, spaceman
pilot ; ; aviator
police-officer = police officer ; policeman ; cop, constable
firefighter ; ; fireman
farmer ; ; peasant
cook = chef ; cook
health-worker = doctor ; ; physician, medic
artist ; ; painter
singer ; ; vocalist
detective ; ; sleuth
guard = royal guard ; ; sentry
construction-worker = construction worker ; builder
person-with-veil = bride
woman-dancing = dancer ; ; ballerina
person-running = runner ; ; jogger
person-surfing = surfer
snowboarder
clown-face = clown ; ; jester
cowboy-hat-face = cowboy
smiling-face-with-smiling-eyes = smiling face ; smiley
`
