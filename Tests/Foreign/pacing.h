// What both loaders need for messages at a fixed rate: when each was due, how long it took, and how that is told.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

// When each message was due, by its number, and how long it took in microseconds, in any order.
static long long *due;
static double *took;

static long long nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void report_latencies(long count) {
    qsort(took, (size_t)count, sizeof *took, by_size);
    printf("%ld %.1f %.1f %.1f %.1f\n", count, took[count / 2], took[count * 99 / 100], took[count * 999 / 1000], took[count - 1]);
    fflush(stdout);
}

// Waits asleep. A thread that spins until the next message is due takes one of two cores from those that it measures, and would find them slow.
static void wait_until(long long at) {
    static __thread int exact;
    if (!exact) exact = prctl(PR_SET_TIMERSLACK, 1000UL) == 0 ? 1 : -1;
    struct timespec time = {at / 1000000000, at % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) {}
}
