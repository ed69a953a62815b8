/* Preloaded: moves the clock on the wall, and no other, by as many seconds as the file
 * $CLOCK_OFFSET says at the moment. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int done = syscall(SYS_clock_gettime, clock, now);
    if (done == 0 && clock == CLOCK_REALTIME) {
        char text[32] = "";
        int file = open(getenv("CLOCK_OFFSET"), O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            if (read(file, text, sizeof text - 1) > 0)
                now->tv_sec += atol(text);
            close(file);
        }
    }
    return done;
}
