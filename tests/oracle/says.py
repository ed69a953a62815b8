"""A program for scenarios: says words, each by a write of its own, and stays.

The first letter of a word is the descriptor that it goes to; escapes are Python's.
"""

import os
import sys
import time

for word in sys.argv[1:]:
    os.write(int(word[0]), word[1:].encode("latin-1").decode("unicode_escape").encode("latin-1"))
    time.sleep(0.1)
time.sleep(3600)
