/* A program that says when its main() began: born FILE appends the monotonic time in nanoseconds
 * as eight bytes and then waits for a signal. */
#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    int file = argc > 1 ? open(argv[1], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (file < 0 || write(file, &ns, sizeof ns) != sizeof ns) return 1;
    close(file);
    for (;;) pause();
}
