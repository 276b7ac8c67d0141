// The hand-made list of things that can be drawn, one line each. Imports nothing.

/**
 * One line per concept: `id = name (plural) ; synonyms ; reserved synonyms`, everything after the id
 * optional. A line starting with # opens a group with its usual posture; a posture may follow an id
 * in square brackets. Chosen by hand: most faces, hands, signs and near-duplicates are left out, because a name must
 * mean one picture in a reader's mind. People have a table of their own.
 */
export const TABLE = `
# animal ground
monkey ; ; ape, chimp
gorilla
dog ; ; hound, canine
poodle
wolf (wolves)
fox (foxes) ; ; vixen
raccoon
cat ; ; feline, tomcat
lion
tiger
leopard ; panther ; jaguar
horse ; ; stallion, mare
unicorn
zebra
deer (deer) ; stag ; doe
cow ; ; heifer
ox = bull ; ; bovine
pig ; ; hog, swine
boar
ram
ewe = sheep (sheep) ; ; lamb
goat
camel ; ; dromedary
llama ; ; alpaca
giraffe
elephant
rhinoceros = rhino ; rhinoceros
hippopotamus = hippo ; hippopotamus
mouse (mice)
hamster
rabbit ; bunny ; hare
chipmunk ; squirrel
hedgehog ; ; porcupine
bear ; ; grizzly
koala
panda
sloth
otter
skunk
kangaroo ; ; wallaby
badger
turkey
chicken ; hen
rooster ; ; cockerel
hatching-chick = hatching chick ; newborn chick ; hatchling
baby-chick = chick ; baby chick
penguin
eagle [air] ; ; hawk, falcon
dove [air] ; ; pigeon
bird ; ; sparrow, robin
duck ; ; mallard
swan
owl
flamingo (flamingos)
peacock
parrot ; ; macaw
frog ; ; toad
crocodile ; alligator
turtle ; tortoise
lizard ; ; gecko
snake ; serpent ; viper, cobra
dragon ; ; wyvern
sauropod = dinosaur ; brontosaurus
t-rex = tyrannosaurus (tyrannosaurus)
snail
bug = caterpillar
ant
honeybee [air] = bee ; honeybee ; bumblebee
lady-beetle = ladybug ; ladybird
butterfly [air] (butterflies) ; ; moth
spider ; ; tarantula
scorpion
bat [air]
mosquito [air] (mosquitoes)
# sea water
spouting-whale = whale
dolphin ; ; porpoise
fish (fish) ; ; trout, salmon
tropical-fish = tropical fish (tropical fish)
blowfish = pufferfish (pufferfish) ; blowfish
shark
octopus (octopuses) ; ; kraken
squid
jellyfish (jellyfish)
seal
crab [ground]
lobster [ground] ; ; crayfish
shrimp (shrimp) ; prawn
spiral-shell [ground] = seashell ; shell ; conch
# plant ground
bouquet ; bunch of flowers ; posy
cherry-blossom = cherry blossom ; pink blossom
rose
hibiscus (hibiscus)
sunflower
blossom = daisy (daisies) ; ; dandelion
tulip
lotus (lotuses)
seedling = sprout ; seedling ; sapling
potted-plant = potted plant ; houseplant
evergreen-tree = pine tree ; evergreen tree ; conifer, spruce
deciduous-tree = tree ; leafy tree ; oak
palm-tree = palm tree
cactus (cacti)
sheaf-of-rice = wheat (wheat) ; sheaf of grain ; barley
four-leaf-clover = clover ; four leaf clover ; shamrock
maple-leaf = maple leaf (maple leaves)
mushroom ; ; toadstool, fungus
chestnut
# food ground
grapes = bunch of grapes (bunches of grapes) ; grapes
melon
watermelon
tangerine = orange fruit ; tangerine ; mandarin, clementine
lemon
banana ; ; plantain
pineapple
mango (mangoes)
red-apple = apple
pear
peach (peaches) ; ; nectarine, apricot
cherries = cherry (cherries) ; pair of cherries
strawberry (strawberries)
blueberries = blueberry (blueberries) ; blueberries
kiwi-fruit = kiwi
tomato (tomatoes)
coconut
avocado
eggplant ; aubergine
potato (potatoes) ; ; spud
carrot
ear-of-corn = corn (ears of corn) ; ear of corn ; maize
hot-pepper = chili pepper ; hot pepper ; jalapeno
bell-pepper = bell pepper ; sweet pepper ; capsicum
cucumber ; ; gherkin
broccoli (broccoli)
garlic (garlic bulbs)
onion ; ; shallot
peanuts = peanut
bread (loaves of bread) ; loaf of bread ; toast
croissant
baguette-bread = baguette ; french bread
pretzel
bagel
pancakes = stack of pancakes (stacks of pancakes) ; pancakes ; crepes
waffle
cheese-wedge = cheese (pieces of cheese) ; piece of cheese ; cheddar
meat-on-bone = meat (pieces of meat) ; meat on the bone
poultry-leg = chicken leg ; drumstick
cut-of-meat = steak ; ; beef, sirloin
bacon (strips of bacon)
hamburger = burger ; hamburger ; cheeseburger
french-fries = fries (fries) ; french fries
pizza ; slice of pizza ; pepperoni
hot-dog = hot dog ; ; frankfurter
sandwich (sandwiches) ; ; panini
taco (tacos)
burrito (burritos)
egg
cooking = fried egg ; egg in a pan ; omelette
pot-of-food = stew ; pot of stew ; goulash
green-salad = salad
popcorn (boxes of popcorn)
steaming-bowl = noodle soup ; bowl of noodles ; ramen
spaghetti (plates of spaghetti) ; pasta
sushi (pieces of sushi)
soft-ice-cream = ice cream cone ; soft ice cream ; gelato
shaved-ice = shaved ice ; ; sorbet
ice-cream = ice cream ; bowl of ice cream
doughnut = donut ; doughnut
cookie ; biscuit
birthday-cake = birthday cake
shortcake = slice of cake (slices of cake) ; piece of cake
cupcake ; ; muffin
pie ; ; pastry
chocolate-bar = chocolate bar ; chocolate ; cocoa
candy (candies) ; wrapped sweet ; caramel
lollipop
custard = pudding ; custard ; flan
honey-pot = honey pot ; jar of honey
baby-bottle = baby bottle ; milk bottle
glass-of-milk = glass of milk (glasses of milk) ; milk
hot-beverage = coffee cup ; cup of coffee ; espresso, cappuccino
teapot ; ; kettle
teacup-without-handle = cup of tea (cups of tea) ; green tea
bottle-with-popping-cork = champagne bottle ; bottle of champagne ; prosecco
wine-glass = glass of wine (glasses of wine) ; wine ; merlot
cocktail-glass = martini ; cocktail
tropical-drink = tropical drink ; fruit drink ; daiquiri
beer-mug = beer ; mug of beer ; lager, ale
cup-with-straw = soda ; cup with a straw ; lemonade
chopsticks = pair of chopsticks (pairs of chopsticks) ; chopsticks
fork-and-knife = fork and knife (forks and knives) ; ; cutlery
spoon ; ; ladle
amphora = clay vase ; amphora ; urn
# place ground
snow-capped-mountain = snowy mountain ; mountain with snow ; alps
volcano (volcanoes)
desert-island = island ; palm island
house ; home ; cottage
derelict-house = abandoned house ; ruined house ; haunted house
house-with-garden = house with a garden (houses with gardens) ; home with a tree
office-building = office building ; office tower ; skyscraper
hospital ; ; clinic
hotel
school ; school building
factory (factories)
castle ; ; fortress, palace
japanese-castle = pagoda ; eastern castle
tokyo-tower = red tower ; steel tower ; eiffel
church (churches) ; ; cathedral
mosque
shinto-shrine = red gate ; shrine gate ; torii
fountain
tent ; camping tent
statue-of-liberty = statue of liberty (statues of liberty)
ferris-wheel = ferris wheel ; big wheel
roller-coaster = roller coaster
carousel-horse = carousel horse ; merry go round horse
circus-tent = circus tent ; circus ; marquee
# vehicle ground
locomotive = steam train ; steam locomotive
train ; railway train
bullet-train = bullet train ; fast train
tram ; ; streetcar
bus (buses) ; ; coach
minibus = van ; minibus ; minivan
ambulance
fire-engine = fire truck ; fire engine
police-car = police car ; ; cruiser
taxi ; taxi cab
automobile = car ; automobile ; sedan
sport-utility-vehicle = jeep ; off road car ; suv
delivery-truck = truck ; delivery truck ; lorry
articulated-lorry = big truck ; long truck
pickup-truck = pickup truck
tractor
racing-car = race car ; racing car
motorcycle ; motorbike ; harley
motor-scooter = scooter ; motor scooter ; vespa, moped
bicycle ; bike
kick-scooter = kick scooter
skateboard
roller-skate = roller skate
vertical-traffic-light = traffic light ; stop light ; semaphore
fuel-pump = gas pump ; fuel pump ; petrol pump
anchor
sailboat [water] ; sailing boat ; yacht
speedboat [water] ; motor boat
canoe [water] ; rowing boat ; kayak
ship [water] ; big ship ; vessel
airplane [air] ; plane ; aircraft, jet
helicopter [air] ; ; chopper
parachute [air]
satellite [air]
rocket [air] ; space rocket ; spaceship
flying-saucer [air] = ufo ; flying saucer
luggage = suitcase ; ; baggage
# sky air
crescent-moon = crescent moon
full-moon = full moon
sun
ringed-planet = planet with rings (planets with rings) ; ringed planet ; saturn
star
shooting-star = shooting star ; falling star ; meteor
cloud
cloud-with-rain = rain cloud ; cloud with rain
cloud-with-lightning = storm cloud ; cloud with lightning ; thunderstorm
sun-behind-cloud = sun behind a cloud (suns behind clouds)
tornado (tornadoes) ; ; hurricane
rainbow
high-voltage = lightning bolt ; bolt of lightning
snowflake
snowman-without-snow [ground] = snowman (snowmen)
comet
fire [ground] = flame ; fire ; blaze
droplet = water drop ; drop of water
water-wave [water] = wave ; big wave ; tsunami
globe-showing-americas = globe ; planet earth
umbrella ; open umbrella ; parasol
# party ground
jack-o-lantern = pumpkin ; carved pumpkin
christmas-tree = christmas tree ; decorated tree
balloon [air]
party-popper = party popper ; confetti popper
confetti-ball [air] = confetti ball
wind-chime [air] = wind chime
ribbon ; bow ribbon
wrapped-gift = gift ; wrapped gift ; present
ticket
military-medal = military medal
trophy (trophies) ; trophy cup
sports-medal = medal ; gold medal
red-paper-lantern [air] = red lantern ; paper lantern
# sport ground
soccer-ball = soccer ball ; football
baseball
basketball
volleyball
american-football = american football
rugby-football = rugby ball
tennis = tennis ball ; tennis racket
bowling = bowling pins (sets of bowling pins) ; bowling ball and pins
ice-hockey = hockey stick
ping-pong = ping pong paddle ; table tennis paddle
badminton = shuttlecock
boxing-glove = boxing glove
flag-in-hole = golf flag ; golf hole
ice-skate = ice skate
fishing-pole = fishing rod ; fishing pole
skis = pair of skis (pairs of skis) ; skis
bullseye = target ; bullseye ; dartboard
kite [air]
pool-8-ball = billiard ball ; pool ball
bow-and-arrow = bow and arrow (bows and arrows) ; ; archery
# toy ground
crystal-ball = crystal ball ; magic ball
video-game = game controller ; video game controller ; gamepad
joystick
slot-machine = slot machine ; ; jackpot
game-die = dice (dice) ; ; cube
puzzle-piece [air] = puzzle piece ; ; jigsaw
teddy-bear = teddy bear ; stuffed bear ; plush
heart-suit [air] = heart ; red heart
chess-pawn = chess pawn ; chess piece
framed-picture [air] = framed picture
artist-palette [air] = paint palette ; artist palette ; easel
yarn = ball of yarn (balls of yarn) ; ball of wool
# clothes ground
glasses = pair of glasses (pairs of glasses) ; glasses ; spectacles, eyeglasses
sunglasses = pair of sunglasses (pairs of sunglasses) ; sunglasses
necktie = tie ; necktie
t-shirt = shirt ; tee shirt ; blouse
jeans = pair of jeans (pairs of jeans) ; jeans ; trousers, pants
scarf (scarves) ; ; shawl
gloves = pair of gloves (pairs of gloves) ; gloves ; mittens
coat ; ; jacket, parka
socks = pair of socks (pairs of socks) ; socks ; stockings
dress (dresses) ; ; gown
kimono
bikini ; ; swimsuit
purse ; ; wallet
handbag
backpack ; school bag ; rucksack
mans-shoe = leather shoe ; brown shoe ; loafer
running-shoe = sneaker ; running shoe ; trainer
hiking-boot = hiking boot ; boot
high-heeled-shoe = high heel ; high heeled shoe ; stiletto
womans-boot = tall boot ; long boot
crown ; ; tiara
top-hat = top hat
graduation-cap = graduation cap ; graduation hat ; mortarboard
billed-cap = baseball cap ; cap
rescue-workers-helmet = helmet ; rescue helmet
lipstick
ring ; diamond ring
gem-stone = diamond ; gem ; jewel
# music ground
loudspeaker ; public speaker
megaphone ; ; bullhorn
bell ; golden bell
musical-note [air] = music note ; musical note ; quaver
microphone ; ; mic
headphone = headphones (pairs of headphones) ; ; headset
radio ; ; stereo
saxophone ; ; clarinet
trumpet ; ; cornet
accordion
guitar ; ; ukulele
musical-keyboard = piano keys (sets of piano keys) ; piano ; synthesizer
violin ; fiddle ; cello
banjo
drum ; ; percussion
maracas = pair of maracas (pairs of maracas)
# device ground
mobile-phone = mobile phone ; cell phone ; smartphone
telephone ; old phone
battery (batteries)
electric-plug = electric plug ; power plug
laptop ; ; ultrabook
desktop-computer = computer ; desktop computer
printer
keyboard
computer-mouse = computer mouse (computer mice)
floppy-disk = floppy disk ; ; diskette
optical-disk [air] = compact disc ; cd
movie-camera = movie camera ; film camera
film-projector = film projector
clapper-board = clapper board ; movie clapper
television ; tv
camera ; photo camera
video-camera = video camera ; ; camcorder
videocassette = video tape ; ; cassette
magnifying-glass-tilted-left = magnifying glass (magnifying glasses) ; ; magnifier
candle
light-bulb = light bulb ; ; lightbulb
flashlight ; torch
alarm-clock = alarm clock
stopwatch ; ; chronometer
watch = wristwatch (wristwatches)
hourglass-done = hourglass ; sand timer
compass
thermometer
telescope ; ; spyglass
microscope
# thing ground
open-book = open book
closed-book = book ; closed book ; novel
books = stack of books (stacks of books) ; pile of books ; library
notebook
scroll ; ; parchment
newspaper ; ; gazette
money-bag = money bag ; bag of money ; loot
coin
credit-card = credit card
envelope ; ; letter
package = box ; package ; parcel, carton
closed-mailbox-with-raised-flag = mailbox (mailboxes)
postbox = red mailbox ; postbox
pencil
fountain-pen = fountain pen
paintbrush
crayon
briefcase
calendar
clipboard
triangular-ruler = triangle ruler ; set square ; protractor
straight-ruler = ruler
scissors = pair of scissors (pairs of scissors) ; scissors ; shears
wastebasket = trash can ; waste basket ; dustbin, garbage
locked = padlock ; lock
key ; door key
hammer ; ; mallet
axe ; ; hatchet
dagger ; ; knife blade
crossed-swords [air] = crossed swords (pairs of crossed swords) ; two swords ; sabers
bomb ; ; grenade
shield
wrench ; spanner
screwdriver
nut-and-bolt = nut and bolt (nuts and bolts)
gear ; cog ; cogwheel
balance-scale = balance scale ; scale
toolbox
magnet
ladder
test-tube = test tube
syringe ; ; injection
pill ; ; capsule
door
bed ; ; mattress
couch-and-lamp = couch with a lamp (couches with lamps) ; sofa
chair
toilet
bathtub ; bath
broom
basket ; ; hamper
bucket ; ; pail
soap (bars of soap) ; bar of soap
toothbrush
shopping-cart = shopping cart ; ; wagon
coffin ; ; casket
moai = stone head ; stone statue ; monolith
# fantasy ground
ghost ; ; phantom, spirit
alien ; ; extraterrestrial
alien-monster = space invader ; pixel monster
robot ; ; android
skull ; ; skeleton
`
