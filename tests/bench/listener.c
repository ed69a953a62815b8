// listener FILE: an event listener that answers at once, and appends to FILE the time at which it
// had each event whole (CLOCK_MONOTONIC, 64-bit nanoseconds).
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void say(const char *text) {
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t written = write(STDOUT_FILENO, text, left);
        if (written <= 0)
            exit(0);
        text += written;
        left -= written;
    }
}

int main(int argc, char **argv) {
    if (argc != 2)
        errx(2, "usage: listener FILE");
    int out = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out < 0)
        err(1, "cannot open %s", argv[1]);
    static char line[64 << 10], payload[1 << 20];
    say("READY\n");
    while (fgets(line, sizeof line, stdin)) {
        char *told = strstr(line, "len:");
        size_t length = told ? strtoul(told + 4, NULL, 10) : 0;
        if (length > sizeof payload || fread(payload, 1, length, stdin) != length)
            break;
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        uint64_t at = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
        if (write(out, &at, sizeof at) != sizeof at)
            break;
        say("RESULT 2\nOKREADY\n");
    }
    return 0;
}
