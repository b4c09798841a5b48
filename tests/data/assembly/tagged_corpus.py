"""A generated language whose tags follow from a grammar: no public tagging set is at hand."""

from __future__ import annotations

import random

NAMES = ("Anna", "Ben", "Carla", "Dora", "Emil", "Frida", "Gustav", "Hanna", "Ivo", "Jana", "Karl", "Lena")
LAST = ("Berg", "Stein", "Wald", "Feld", "Bach", "Holz")
STEMS = (
    "Tor",
    "Wel",
    "Grim",
    "Hol",
    "Sil",
    "Fer",
    "Bran",
    "Kas",
    "Mor",
    "Lin",
    "Rav",
    "Zer",
    "Ul",
    "Dag",
    "Vik",
)
PLACES = ("Arnau", "Bornau", "Cernau", "Dornau", "Ernau", "Fornau", "Gornau", "Harnau", "Irnau", "Jornau")
VERBS = ("sees", "likes", "visits", "left", "knows", "remembers")
NOUNS = ("house", "garden", "river", "tree", "bridge", "market")


def rare(chance, end):
    """A name that hardly comes twice; its ending says what it is."""
    return chance.choice(STEMS) + chance.choice(STEMS).lower() + end


def person(chance):
    name = [chance.choice(NAMES) if chance.random() < 0.7 else rare(chance, "o")]
    if chance.random() < 0.5:
        name.append(chance.choice(LAST))
    return list(zip(name, ["B-PER", "I-PER"], strict=False))


def place(chance):
    name = [chance.choice(PLACES) if chance.random() < 0.7 else rare(chance, "nau")]
    name = ["New", *name] if chance.random() < 0.3 else name
    return list(zip(name, ["B-LOC", "I-LOC"], strict=False))


def thing(chance):
    return [("the", "O"), (chance.choice(NOUNS), "O")]


def sentence(chance):
    """Subject, verb, object, perhaps `in PLACE`; `New` begins a place and is a plain word in `the New HOUSE`."""
    found = person(chance) if chance.random() < 0.7 else thing(chance)
    found += [(chance.choice(VERBS), "O")]
    found += chance.choice((person, place, thing))(chance)
    if chance.random() < 0.2:
        found += [("and", "O"), ("the", "O"), ("New", "O"), (chance.choice(NOUNS), "O")]
    if chance.random() < 0.5:
        found += [("in", "O"), *place(chance)]
    return [*found, (".", "O")]


def corpus(count, seed=0):
    """Return sentences as lists of (word, tag)."""
    chance = random.Random(seed)
    return [sentence(chance) for _ in range(count)]


def write_conll(path, sentences):
    lines = ["\n".join(f"{word} {tag}" for word, tag in each) for each in sentences]
    path.write_text("-DOCSTART- O\n\n" + "\n\n".join(lines) + "\n", encoding="utf-8")
    return path
