/* The floor of starting many programs: spawn COUNT PROGRAM ARGUMENT, a posix_spawn loop. Prints
 * the monotonic time in nanoseconds at which it began, waits for a line on its standard input,
 * then ends what it spawned, the last first, and prints the milliseconds that this took: the floor
 * of stopping many. */
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int count = atoi(argv[1]);
    pid_t *pids = calloc((size_t)count, sizeof *pids);
    char *arguments[] = {argv[2], argv[3], NULL};
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (int i = 0; i < count; i++)
        if (posix_spawn(&pids[i], argv[2], NULL, NULL, arguments, environ) != 0) return 1;
    printf("%llu\n", (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec);
    fflush(stdout);
    getchar();
    struct timespec ended;
    clock_gettime(CLOCK_MONOTONIC, &now);
    for (int i = count - 1; i >= 0; i--) kill(pids[i], SIGTERM);
    for (int i = 0; i < count; i++) waitpid(-1, NULL, 0);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    printf("%.3f\n", (double)(ended.tv_sec - now.tv_sec) * 1e3 + (double)(ended.tv_nsec - now.tv_nsec) / 1e6);
    free(pids);
    return 0;
}
