/* The floor of starting many programs: spawn COUNT PROGRAM ARGUMENT, a posix_spawn loop. Prints
 * the monotonic time in nanoseconds at which it began, waits for a line on its standard input,
 * then ends what it spawned. */
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
    for (int i = 0; i < count; i++) kill(pids[i], SIGKILL);
    for (int i = 0; i < count; i++) waitpid(pids[i], NULL, 0);
    free(pids);
    return 0;
}
