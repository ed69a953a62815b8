/* Writes numbered lines, or checks that they are all there.
 *
 *   lines write LINE_BYTES WRITE_BYTES TOTAL_BYTES REPORT   as fast as they are taken; the seconds
 *                                                           it took go into the file REPORT
 *   lines pace LINE_BYTES LINES_PER_SECOND                  one write a line, for ever
 *   lines check LINE_BYTES LAST_LINE FILE...                the files, oldest first, hold lines
 *                                                           without a gap up to the last
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A line is its number in decimal, filled with zeros on the left, and a newline. */
static void put_line(char *at, size_t bytes, uint64_t number) {
    memset(at, '0', bytes - 1);
    at[bytes - 1] = '\n';
    for (char *digit = at + bytes - 2; number > 0 && digit >= at; digit--, number /= 10)
        *digit = (char)('0' + number % 10);
}

static int write_all(const char *data, size_t bytes) {
    while (bytes > 0) {
        ssize_t wrote = write(1, data, bytes);
        if (wrote < 0) return -1;
        data += wrote;
        bytes -= (size_t)wrote;
    }
    return 0;
}

static int run_write(size_t line, size_t chunk, uint64_t total, const char *report) {
    char *buffer = malloc(chunk);
    size_t lines = chunk / line;
    uint64_t number = 0;
    double began = seconds();
    for (uint64_t sent = 0; sent < total; sent += lines * line) {
        for (size_t i = 0; i < lines; i++) put_line(buffer + i * line, line, number++);
        if (write_all(buffer, lines * line) != 0) return 1;
    }
    double took = seconds() - began;
    char unfinished[4096];
    snprintf(unfinished, sizeof unfinished, "%s.new", report);
    FILE *file = fopen(unfinished, "w");
    if (file == NULL) return 1;
    fprintf(file, "%.6f %llu\n", took, (unsigned long long)number);
    fclose(file);
    rename(unfinished, report);
    for (;;) pause();
}

static int run_pace(size_t line, double per_second) {
    char *buffer = malloc(line);
    uint64_t number = 0;
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (;;) {
        put_line(buffer, line, number++);
        if (write_all(buffer, line) != 0) return 1;
        next.tv_nsec += (long)(1e9 / per_second);
        while (next.tv_nsec >= 1000000000) { next.tv_nsec -= 1000000000; next.tv_sec++; }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}

static int run_check(size_t line, uint64_t last, char **files, int count) {
    char *found = malloc(line), *wanted = malloc(line);
    uint64_t number = 0;
    int first = 1;
    size_t held = 0; /* a line may be cut where one file ends and the next begins */
    for (int i = 0; i < count; i++) {
        FILE *file = fopen(files[i], "r");
        if (file == NULL) { perror(files[i]); return 1; }
        int byte;
        if (first) { /* the oldest file may begin within a line */
            while ((byte = getc_unlocked(file)) != EOF && byte != '\n') {}
        }
        while ((byte = getc_unlocked(file)) != EOF) {
            found[held++] = (char)byte;
            if (held < line) continue;
            held = 0;
            if (first) { number = strtoull(found, NULL, 10); first = 0; }
            put_line(wanted, line, number++);
            if (memcmp(found, wanted, line) != 0) {
                fprintf(stderr, "%s: line %llu is not there\n", files[i], (unsigned long long)number - 1);
                return 1;
            }
        }
        fclose(file);
    }
    if (held != 0 || number != last) {
        fprintf(stderr, "ends with line %llu, not %llu\n", (unsigned long long)number, (unsigned long long)last);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 6 && strcmp(argv[1], "write") == 0)
        return run_write(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10), strtoull(argv[4], NULL, 10), argv[5]);
    if (argc == 4 && strcmp(argv[1], "pace") == 0) return run_pace(strtoul(argv[2], NULL, 10), atof(argv[3]));
    if (argc > 4 && strcmp(argv[1], "check") == 0)
        return run_check(strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), argv + 4, argc - 4);
    return 2;
}
