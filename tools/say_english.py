"""Say sentences of a small English in 28 synthetic voices, as a corpus of strangers.

`tools/kokoro.py` says what has to be installed; this script and that one stand alone:

  python tools/say_english.py FOLDER OUT

About a thousand words, put together by chance: "the tired sailor quietly painted nine green lanterns behind the mill".
No word follows from the one before it, so whoever writes it down has to hear it. Four voices, American and British,
women and men, are for `test` alone, three for `dev`; no sentence stands in two splits. How a word is said stands in the
dictionaries of misaki (Apache-2.0), American or British as the voice is. What is measured by is made first, and voices
are mixed, so that a part of the list is a corpus too. What was said is not said again.
"""
import argparse
import functools
import importlib.resources
import json
import random
from pathlib import Path

from kokoro import make_corpus

LEFT_OUT = dict(af_nova="test", am_michael="test", bf_emma="test", bm_george="test",
                af_sarah="dev", am_eric="dev", bf_lily="dev")
LEARNED = ("af_alloy", "af_aoede", "af_bella", "af_heart", "af_jessica", "af_kore", "af_nicole", "af_river", "af_sky",
           "am_adam", "am_echo", "am_fenrir", "am_liam", "am_onyx", "am_puck", "am_santa",
           "bf_alice", "bf_isabella", "bm_daniel", "bm_fable", "bm_lewis")

WORDS = {kind: text.split() for kind, text in dict(
    person="""sailor farmer doctor teacher baker painter singer driver soldier hunter dancer writer lawyer nurse
        carpenter priest guard captain king queen prince servant neighbor stranger brother sister father mother uncle
        aunt cousin daughter son friend guest student master pilot miner shepherd butcher tailor judge clerk poet
        thief witness beggar widow child boy girl lady gentleman porter actor chief miller fisherman waiter
        colonel admiral bishop duke knight peasant orphan professor scientist engineer surgeon dentist""",
    thing="""lantern basket bottle ladder hammer letter candle carpet mirror window table chair blanket pillow kettle
        spoon plate cup bowl barrel bucket rope chain key lock box drawer shelf clock bell drum flute violin piano
        picture map book page pencil stamp ticket coin purse wallet ring necklace button needle thread ribbon scarf
        glove hat coat shirt jacket boot shoe sock belt apron umbrella stick stone brick board nail saw axe shovel
        wheel wagon cart boat sail anchor oar net hook lamp torch match stove oven pan pot jar tray tent saddle whip
        horse cow pig sheep goat dog cat rabbit mouse fox wolf bear deer duck goose hen owl crow sparrow pigeon eagle
        fish snake frog spider bee ant apple pear plum cherry lemon orange melon carrot onion potato pepper mushroom
        cabbage bean nut cake pie biscuit loaf egg cheese sausage flower rose lily leaf branch root seed tree bush
        feather shell bone tooth finger statue bench fence gate curtain trunk parcel envelope newspaper diary poem
        song story riddle secret mistake promise plan rule reason message flag crown sword shield arrow cannon
        mattress cushion blackboard helmet bracelet buckle cradle puppet kite marble whistle trumpet guitar compass
        telescope magnet candlestick teapot saucer napkin jug cork sack crate pumpkin""",
    place="""river forest garden village castle market harbor station school church mill bridge valley mountain island
        meadow desert beach lake pond cave tower cellar attic kitchen hall library museum theater hospital prison
        factory farm barn stable orchard vineyard cottage palace temple street corner square park field hill cliff
        road path tunnel port camp town city shop office bank court hotel tavern bakery cathedral canal
        jungle swamp waterfall courtyard balcony corridor airport""",
    adjective="""old young tired happy angry quiet loud clever foolish brave gentle proud humble lonely hungry thirsty
        sleepy lazy busy careful careless honest wicked polite rude rich poor famous strange silent cheerful gloomy
        nervous calm curious jealous patient stubborn graceful clumsy green blue red yellow black white brown gray
        purple pink golden silver wooden broken empty heavy light tiny huge narrow wide tall short long round square
        flat sharp dull smooth rough soft hard warm cold hot wet dry clean dirty dusty rusty shiny bright dark pale
        sweet bitter sour salty fresh rotten ripe raw thick thin deep shallow steep plain fancy cheap costly rare
        common useful useless perfect simple modern ancient foreign local royal private secret hidden frozen burning
        floating hollow crooked striped spotted woolen leather ugly pretty lovely nasty
        elegant generous cautious weary eager noble""",
    verb="""painted carried opened closed cleaned washed dropped lifted pushed pulled carved mended repaired polished
        burned buried covered emptied filled borrowed bought sold found lost stole kept hid showed offered sent brought
        took gave threw caught held touched kicked counted measured weighed drew described followed watched noticed
        admired wanted needed liked loved hated feared missed remembered forgot wrapped packed tied cut broke cracked
        crushed folded hung moved dragged rolled turned shook cooked baked ate tasted smelled saved collected chose
        picked planted gathered guarded traded delivered returned received refused accepted promised demanded ordered
        destroyed damaged decorated examined studied copied printed signed praised blamed mentioned questioned""",
    adverb="""quietly slowly quickly carefully gladly sadly angrily proudly gently secretly suddenly finally often
        never always rarely sometimes usually already almost barely nearly bravely calmly eagerly firmly kindly
        loudly neatly nervously openly politely rudely safely silently simply softly strangely surely warmly wisely
        clumsily lazily happily patiently honestly""",
    name="""jack henry charles robert edward arthur oliver james thomas martin victor frank george rose sarah alice
        helen grace lucy daisy ruby violet olive pearl florence nancy amy""",
    number="""two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
        eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety""",
    where="behind beside under above near inside outside across beyond around along toward against beneath through",
    when="yesterday today tonight",
    whose="the my your his her our their this that every another some").items()}
VOWELS = "aeiouæɑɐɒɔəɚɛɜɪʊʌAIOQWY"  # phonemes, those of capital letters diphthongs
JOINING = ("and", "but", "while", "because", "before", "after", "when", "until")
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
MONTHS = "january february april june july august september october november december".split()
SEASONS = "winter summer autumn spring".split()
WORDS["when"] += DAYS + MONTHS + SEASONS


@functools.cache
def dictionary(accent):
    "Word to phonemes, of b as British or a as American."
    name = {"a": "us_gold", "b": "gb_gold"}[accent]
    return json.loads((importlib.resources.files("misaki") / f"data/{name}.json").read_text())


def plural(word):
    "Of a regular noun, and what it ends in."
    if word.endswith(("s", "x", "z", "ch", "sh")): return f"{word}es"
    if word.endswith("y") and word[-2] not in "aeiou": return f"{word[:-1]}ies"
    return f"{word}s"


ODD = dict(child="children", mouse="mice", goose="geese", sheep="sheep", deer="deer", fish="fish", loaf="loaves",
           leaf="leaves", tooth="teeth", gentleman="gentlemen", fisherman="fishermen", thief="thieves", wolf="wolves",
           shelf="shelves", potato="potatoes")


def plurals():
    "Each plural, to its singular."
    return {ODD.get(word, plural(word)): word for word in WORDS["thing"] + WORDS["person"]}


def with_s(said, accent):
    "Phonemes of a noun, and the ending of its plural."
    if said[-1] in "sʃzʒʧʤ": return said + ("ᵻz" if accent == "a" else "ɪz")
    return said + ("s" if said[-1] in "ptkfθ" else "z")


def with_ed(said, accent):
    "Phonemes of a verb, and the ending of its past."
    if said[-1] in "td": return said + ("ᵻd" if accent == "a" else "ɪd")
    return said + ("t" if said[-1] in "pkfθsʃʧ" else "d")


def stems(word):
    "What a verb of the past may come from."
    yield word.removesuffix("d")
    yield word.removesuffix("ed")
    yield word[:-3]                       # dropped
    yield f"{word.removesuffix('ied')}y"


@functools.cache
def pronounced(word, accent):
    "Phonemes of one word."
    known = dictionary(accent)
    found = known.get(word) or known.get(word.capitalize())
    if isinstance(found, dict): found = found["VBD"] if word in WORDS["verb"] and "VBD" in found else found["DEFAULT"]
    if found: return found
    if word in plurals(): return with_s(pronounced(plurals()[word], accent), accent)
    if word in WORDS["verb"]: return with_ed(pronounced(next(s for s in stems(word) if s in known), accent), accent)
    raise ValueError(f"no pronunciation of {word}")


def vowel_first(word):
    "Whether one says an before it: honest, but not useful."
    return pronounced(word, "a").lstrip("ˈˌ")[0] in VOWELS


def phonemes(text, voice):
    "Of a sentence, as an American or a British voice says it; articles are not stressed."
    accent, words = voice[0], text.split()
    def one(word, following):
        "A word where it stands."
        if word == "a": return "ə"
        if word == "an": return "ən"
        if word == "the": return "ði" if vowel_first(following) else "ðə"
        return pronounced(word, accent)
    return " ".join(map(one, words, [*words[1:], ""])) + "."


def sentence(chance):
    "One, lower case, without signs."
    def of(kind): return chance.choice(WORDS[kind])
    def maybe(share, made): return made() if chance.random() < share else ""
    def some(singular):
        "A noun with what belongs before it."
        several = chance.random() < .3
        adjective = maybe(.6, lambda: of("adjective"))
        if several: return f"{of('number')} {adjective} {ODD.get(singular, plural(singular))}"
        whose = of("whose") if chance.random() < .7 else "an" if vowel_first(adjective or singular) else "a"
        return f"{whose} {adjective} {singular}"
    def who(): return of("name") if chance.random() < .3 else some(of("person"))
    def then():
        "When it was."
        word = of("when")
        if word in MONTHS + SEASONS: return f"in {word}"
        return f"on {word}" if word in DAYS else word
    def clause(): return f"{who()} {maybe(.35, lambda: of('adverb'))} {of('verb')} {some(of('thing'))}"
    def there(): return f"{of('where')} the {maybe(.3, lambda: of('adjective'))} {of('place')}"
    kind = chance.random()
    if kind < .2: made = f"{clause()} {chance.choice(JOINING)} {who()} {of('verb')} {some(of('thing'))}"
    elif kind < .6: made = f"{clause()} {there()} {maybe(.3, then)}"
    else: made = f"{maybe(.3, then)} {clause()} {maybe(.3, there)}"
    return " ".join(made.split())


def make_list(asked):
    "Rows (id, split, voice, text, speed); a sentence is said once."
    chance, seen, rows = random.Random(0), set(), []
    counts = dict(test=asked.test, dev=asked.dev, train=asked.train)
    for voice in (*LEFT_OUT, *LEARNED):
        split = LEFT_OUT.get(voice, "train")
        for i in range(counts[split]):
            text = next(one for one in iter(lambda: sentence(chance), None) if one not in seen)
            seen.add(text)
            rows.append((f"{voice}-{i:03}", split, voice, text, round(chance.uniform(.9, 1.2), 2)))
    chance.shuffle(rows)
    return sorted(rows, key=lambda row: row[1] == "train")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="where package/voices is")
    parser.add_argument("out", type=Path, help="folder of the corpus that is made")
    parser.add_argument("--train", type=int, default=180, help="sentences of each voice that is learned from")
    parser.add_argument("--dev", type=int, default=30, help="sentences of each voice of dev")
    parser.add_argument("--test", type=int, default=40, help="sentences of each voice of test")
    parser.add_argument("--clips", type=int, help="only so many, from the head of the list")
    asked = parser.parse_args()
    make_corpus(asked.folder, asked.out, make_list(asked)[:asked.clips], phonemes)


if __name__ == "__main__": main()
