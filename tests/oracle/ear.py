"""An event listener for scenarios: writes down what it hears and answers as it is told.

ear.py FILE BEHAVIOUR...: one behaviour for each event, the last one for all that follow. With
"first=TEXT" it says TEXT instead of READY when it begins.
"""

import os
import sys
import time
from pathlib import Path

HEARD = Path(sys.argv[1])
GO = HEARD.with_suffix(".go")
BEHAVIOURS = [word for word in sys.argv[2:] if not word.startswith("first=")] or ["ok"]
FIRST = [word[6:] for word in sys.argv[2:] if word.startswith("first=")]

ANSWERS = {
    "ok": ["RESULT 2\nOK", "READY\n"],
    "fail": ["RESULT 4\nFAIL", "READY\n"],
    "other": ["RESULT 5\nMAYBE", "READY\n"],
    "none": ["RESULT 0\n", "READY\n"],
    "atonce": ["RESULT 2\nOKREADY\n"],
    "spaces": ["RESULT   2 \nOK", "READY\n"],
    "word": ["ANSWER 2\nOK", "READY\n"],
    "nonsense": ["this is nonsense\n"],
    "words": ["RESULT two\nOK"],
    "bytes": [b"RESULT \xff\n"],
    "early": ["RESULT 2\nOK", "READY\n", "READY\n"],
    "late": ["RESULT 2\nOK", "ready\n"],
    "newline": ["RESULT 3\nOK\n", "READY\n"],
}


def say(text):
    os.write(1, text if isinstance(text, bytes) else text.encode())


def answer(behaviour):
    if behaviour == "wait":
        while not GO.exists():
            time.sleep(0.02)
        behaviour = "ok"
    if behaviour == "die":
        os._exit(3)
    if behaviour == "slow":
        for letter in "RESULT 2\nOKREADY\n":
            say(letter)
            time.sleep(0.01)
        return
    if behaviour == "lastword":
        say("RESULT 2\nOK")
        os._exit(0)
    if behaviour == "deaf":
        os.close(0)
        say("RESULT 2\nOK")
        say("READY\n")
        time.sleep(3600)
    for piece in ANSWERS[behaviour]:
        say(piece)


def main():
    with HEARD.open("a", encoding="utf-8") as heard:
        sys.stderr.write("begins\n")
        sys.stderr.flush()
        say(FIRST[0].encode().decode("unicode_escape") if FIRST else "READY\n")
        count = 0
        while line := sys.stdin.readline():
            length = int(line.rsplit("len:", 1)[1])
            heard.write(f"{line}{sys.stdin.read(length)}\n--\n")
            heard.flush()
            answer(BEHAVIOURS[min(count, len(BEHAVIOURS) - 1)])
            count += 1


main()
