"""Words of the demo title: credit and subtitles."""

CREDIT = (
    "Big Buck Bunny (c) copyright 2008 Blender Foundation, "
    "www.bigbuckbunny.org, Creative Commons Attribution 3.0"
)

CHANGES = (
    "Changed: excerpts, scaled, recoded, mixed with synthetic pictures and sounds, "
    "marked with text and a machine-readable strip."
)

CREDIT_CARD = (
    "Big Buck Bunny",
    "(c) copyright 2008 Blender Foundation",
    "www.bigbuckbunny.org",
    "Creative Commons Attribution 3.0",
)

# Start and end in milliseconds, cue settings, English, French. Several cues
# cross a segment boundary (a multiple of 2000) on purpose.
CUES = (
    (0, 1900, "align:center",
     "<b>Telecine</b> presents\nits demo title.",
     "<b>Telecine</b> présente\nson titre de démonstration."),
    (2100, 4600, "",
     "<v Narrator>A meadow, just before sunrise.",
     "<v Narratrice>Une prairie, juste avant l'aube."),
    (4600, 6700, "position:10% align:start",
     "<v Narrator>The light grows,\n<i>slowly</i>.",
     "<v Narratrice>La lumière monte,\n<i>doucement</i>."),
    (6800, 9000, "line:25% align:end position:95%",
     "A test card:\nsharp edges, <b>hard</b> colours.",
     "Une mire :\narêtes nettes, couleurs <b>franches</b>."),
    (9000, 11000, "",
     "<i>Down we go, towards the set's edge.</i>",
     "<i>On descend vers le bord de l'ensemble.</i>"),
    (11000, 12500, "size:60%",
     "It never ends & never repeats.".replace("&", "&amp;"),
     "Sans fin & sans répétition.".replace("&", "&amp;")),
    (12500, 15000, "position:90% align:end",
     "<v Tree>Back outside. I am the one on the right.",
     "<v L'arbre>Retour dehors. Moi, je suis à droite."),
    (15000, 17000, "line:80%",
     "Colour bars, on the move.",
     "Des barres de couleur, en mouvement."),
    (17000, 19000, "",
     "<b>Life</b>: two seconds that cost many bits.",
     "<b>La vie</b> : deux secondes qui coûtent cher."),
    (19000, 20700, "align:left",
     "<v Narrator>Leaves, close up,",
     "<v Narratrice>Des feuilles, de près,"),
    (20700, 22300, "align:left",
     "<v Narrator>under <i>film grain</i>.",
     "<v Narratrice>sous un <i>grain de pellicule</i>."),
    (22300, 24000, "line:88%",
     "And round again: it loops.",
     "Et l'on recommence : ça boucle."),
)


def clock(milliseconds):
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"


def webvtt(column):
    """The WebVTT text of one language: column 0 English, 1 French."""
    blocks = ["WEBVTT", f"NOTE\n{CREDIT}"]
    for number, (start, end, settings, *texts) in enumerate(CUES, 1):
        timing = f"{clock(start)} --> {clock(end)} {settings}".rstrip()
        blocks.append(f"{number}\n{timing}\n{texts[column]}")
    return "\n\n".join(blocks) + "\n"
