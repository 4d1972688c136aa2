"""Words that anybody says all day: what a wake word should neither be nor sound like."""

_WORDS = """
a able about above accept across act actually add afraid after afternoon again against age ago agree ahead air all
allow almost alone along already alright also although always am amazing among an and angry animal another answer
any anybody anymore anyone anything anyway apart apple are area arm around arrive art as ask asleep at ate away baby
back bad bag ball bank bar bath be beach bear beautiful because become bed been beer before began begin behind being
believe best better between big bill bird birthday bit black blood blow blue board boat body book born both bottle
bottom bought box boy bread break breakfast bring broke broken brother brought build building bus business busy but
buy by cake call came can can't cannot car card care careful carry case cat catch caught certain chair chance change
cheap check child children choose church city class clean clear close clothes coat coffee cold come computer control
cook cool corner cost could couldn't couple course cover crazy cross cry cup cut dad dance danger dark daughter day
dead deal dear decide deep did didn't die different difficult dinner do doctor does doesn't dog doing don't done
door down dream dress drink drive drop dry during each ear early earth easy eat egg eight either else end enough
even evening ever every everybody everyone everything exactly example eye face fact fair fall family far farm fast
father favorite feel feet felt few fight figure fill film finally find fine finger finish fire first fish five fix
floor fly follow food foot for forget forgot found four free fresh friday friend from front full fun funny game
garden gave get girl give given glad glass go god goes going gone good got great green ground group grow guess guy
had hair half hand happen happy hard has hate have having he head hear heard heart heavy hello help her here hers
herself hey hi high him himself his hit hold hole home hope horse hospital hot hour house how however huge human
hundred hungry hurry hurt husband i i'll i'm ice idea if important in inside instead interesting into is isn't it
it's its job join jump just keep kept key kid kill kind king kiss kitchen knew know lady land large last late later
laugh lay lead learn least leave left leg less let let's letter lie life light like line listen little live long
look lose lost lot love low luck lucky lunch machine made make man many mark matter may maybe me mean meat meet men
met middle might milk mind mine minute miss moment monday money month moon more morning most mother mouth move movie
much mum music must my myself name near neck need never new news next nice night nine no nobody noise none north
nose not note nothing notice now number of off office often oh oil okay old on once one only open or orange order
other our out outside over own page paid pain paper parents park part party pass past pay people perfect perhaps
person phone pick picture piece place plan play please point police poor possible pretty probably problem promise
pull push put question quick quiet quite rain ran reach read ready real really reason red remember rest rich ride
right ring river road rock room round run sad safe said same sat saturday save saw say school sea seat second see
seem seen sell send sense sent serious seven several shall she ship shirt shoe shop short should shout show shut
sick side sign simple since sing single sir sister sit six skin sky sleep slow small smell smile snow so soft some
somebody someone something sometimes son song soon sorry sort sound south speak special spend spring stand star
start station stay step still stood stop store story straight strange street strong stuff stupid such sugar summer
sun sunday sure sweet table take talk tall taste tea teach teacher team tell ten than thank thanks that that's the
their them then there these they they're thick thin thing think third this those though thought thousand three
through throw thursday time tired to today together told tomorrow tonight too took top total touch town train travel
tree trouble true trust truth try tuesday turn twelve twenty two under understand until up upon us use used usually
very visit voice wait wake walk wall want war warm was wash watch water way we we're wear weather wednesday week
weekend welcome well went were west wet what what's whatever when where whether which while white who whole whose
why wife wild will win wind window wine winter wish with without woman women won't wonder wood word wore work world
worry worse worst would wouldn't write wrong yeah year yellow yes yesterday yet you you're young your yours yourself
zero
"""

FREQUENT_WORDS = tuple(_WORDS.split())
"""A few hundred of the most frequent words of spoken English, in alphabetical order."""
