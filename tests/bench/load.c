/* The client of the benchmark, cheap enough not to be what is measured.
 *
 *   load first SOCKET PROGRAM ARGUMENT...      starts a daemon and prints the milliseconds from
 *                                              exec to its first answer to getState; ends it
 *   load calls SOCKET METHOD CONNECTIONS S     calls for S seconds on kept-alive connections and
 *                                              prints the calls answered a second
 *   load once SOCKET METHOD                    calls once; prints the milliseconds until the whole
 *                                              answer was there, and its body
 *   load echo SOCKET BYTES                     the floor: answers whatever comes with BYTES bytes
 *   load rounds SOCKET BYTES S                 ... and the round trips a second to it
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { ANSWER_BYTES_MAX = 16 << 20, CONNECTIONS_MAX = 1024 };

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct sockaddr_un address(const char *path) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    strncpy(name.sun_path, path, sizeof name.sun_path - 1);
    return name;
}

static int try_connect(const char *path) {
    struct sockaddr_un name = address(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static size_t request(char *into, size_t room, const char *method) {
    char body[512];
    int bytes = snprintf(body, sizeof body,
                         "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.%s</methodName>\n"
                         "<params>\n</params>\n</methodCall>\n", method);
    return (size_t)snprintf(into, room,
                            "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nAccept: text/xml\r\n"
                            "Content-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", bytes, body);
}

static void send_all(int fd, const char *data, size_t bytes) {
    while (bytes > 0) {
        ssize_t sent = send(fd, data, bytes, MSG_NOSIGNAL);
        if (sent < 0) fail("send");
        data += sent;
        bytes -= (size_t)sent;
    }
}

/* How many bytes the answer in `data` has in all, or 0 while its head is not complete. */
static size_t answer_bytes(char *data, size_t held) {
    data[held] = 0;
    char *head = strstr(data, "\r\n\r\n");
    if (head == NULL) return 0;
    if (strncmp(data, "HTTP/1.1 200", 12) != 0 && strncmp(data, "HTTP/1.0 200", 12) != 0) {
        fprintf(stderr, "answered %.40s\n", data);
        exit(1);
    }
    char *length = strcasestr(data, "content-length:");
    if (length == NULL || length > head) {
        fprintf(stderr, "an answer without a length\n");
        exit(1);
    }
    return (size_t)(head + 4 - data) + strtoul(length + 15, NULL, 10);
}

static void one_answer(int fd, char *buffer) {
    size_t held = 0;
    for (;;) {
        ssize_t got = recv(fd, buffer + held, ANSWER_BYTES_MAX - held, 0);
        if (got <= 0) fail("recv");
        held += (size_t)got;
        size_t whole = answer_bytes(buffer, held);
        if (whole > 0 && held >= whole) return;
    }
}

static int run_first(const char *path, char **command) {
    char text[2048], *buffer = malloc(ANSWER_BYTES_MAX + 1);
    size_t bytes = request(text, sizeof text, "getState");
    struct timespec pause = {.tv_nsec = 50000};
    pid_t pid;
    int fd;
    double began = seconds();
    if (posix_spawn(&pid, command[0], NULL, NULL, command, environ) != 0) fail(command[0]);
    while ((fd = try_connect(path)) < 0) nanosleep(&pause, NULL);
    send_all(fd, text, bytes);
    one_answer(fd, buffer);
    printf("%.3f\n", (seconds() - began) * 1e3);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    return 0;
}

static int run_calls(const char *path, const char *method, int count, double duration) {
    static struct pollfd polls[CONNECTIONS_MAX];
    static char *buffers[CONNECTIONS_MAX];
    static size_t held[CONNECTIONS_MAX];
    char text[2048];
    size_t bytes = request(text, sizeof text, method);
    if (count > CONNECTIONS_MAX) return 2;
    for (int i = 0; i < count; i++) {
        polls[i] = (struct pollfd){.fd = try_connect(path), .events = POLLIN};
        if (polls[i].fd < 0) fail(path);
        buffers[i] = malloc(ANSWER_BYTES_MAX + 1);
        send_all(polls[i].fd, text, bytes);
    }
    long answered = 0;
    double began = seconds(), last = began;
    while (last - began < duration) { /* up to the first answer past the end, so at least one */
        /* One connection needs no poll: its reader blocks, as a plain client's does. */
        if (count > 1 && poll(polls, (nfds_t)count, 1000) < 0 && errno != EINTR) fail("poll");
        for (int i = 0; i < count; i++) {
            if (count > 1 && !(polls[i].revents & (POLLIN | POLLHUP))) continue;
            ssize_t got = recv(polls[i].fd, buffers[i] + held[i], ANSWER_BYTES_MAX - held[i], 0);
            if (got <= 0) fail("recv");
            held[i] += (size_t)got;
            size_t whole = answer_bytes(buffers[i], held[i]);
            if (whole == 0 || held[i] < whole) continue;
            held[i] = 0;
            answered++;
            last = seconds();
            send_all(polls[i].fd, text, bytes);
        }
    }
    printf("%.2f\n", (double)answered / (last - began));
    return 0;
}

static int run_once(const char *path, const char *method) {
    char text[2048], *buffer = malloc(ANSWER_BYTES_MAX + 1);
    size_t bytes = request(text, sizeof text, method);
    int fd = try_connect(path);
    if (fd < 0) fail(path);
    double began = seconds();
    send_all(fd, text, bytes);
    one_answer(fd, buffer);
    printf("%.3f\n%s", (seconds() - began) * 1e3, strstr(buffer, "\r\n\r\n") + 4);
    return 0;
}

static int run_echo(const char *path, size_t bytes) {
    struct sockaddr_un name = address(path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    char *answer = calloc(1, bytes), heard[65536];
    if (bind(listener, (struct sockaddr *)&name, sizeof name) != 0 || listen(listener, 1) != 0) fail(path);
    int fd = accept(listener, NULL, NULL);
    while (recv(fd, heard, sizeof heard, 0) > 0) send_all(fd, answer, bytes);
    return 0;
}

static int run_rounds(const char *path, size_t bytes, double duration) {
    char text[2048], *answer = malloc(bytes);
    size_t asked = request(text, sizeof text, "getState");
    struct timespec pause = {.tv_nsec = 1000000};
    int fd;
    while ((fd = try_connect(path)) < 0) nanosleep(&pause, NULL);
    long rounds = 0;
    double began = seconds(), now = began;
    for (; (now = seconds()) - began < duration; rounds++) {
        send_all(fd, text, asked);
        if (recv(fd, answer, bytes, MSG_WAITALL) != (ssize_t)bytes) fail("recv");
    }
    printf("%.2f\n", (double)rounds / (now - began));
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 3 && strcmp(argv[1], "first") == 0) return run_first(argv[2], argv + 3);
    if (argc == 6 && strcmp(argv[1], "calls") == 0) return run_calls(argv[2], argv[3], atoi(argv[4]), atof(argv[5]));
    if (argc == 4 && strcmp(argv[1], "once") == 0) return run_once(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "echo") == 0) return run_echo(argv[2], strtoul(argv[3], NULL, 10));
    if (argc == 5 && strcmp(argv[1], "rounds") == 0) return run_rounds(argv[2], strtoul(argv[3], NULL, 10), atof(argv[4]));
    return 2;
}
