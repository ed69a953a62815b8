#!/usr/bin/env python3
import sys

from supervisor import childutils


def main():
    while True:
        headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
        childutils.listener.ok(sys.stdout)


main()
