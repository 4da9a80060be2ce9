#pragma once
// What Swift's Glibc module leaves out, and nothing that it has: a constant of a nameless enum (IPPROTO_TCP) that two modules declare is
// found or not by the luck of which files are compiled together. Do not define _GNU_SOURCE here: it clashes with Glibc's own fd_set.
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

// Begins to write dirty pages of a file back, without waiting; `count` 0 is to its end. And sets blocks aside for bytes behind its end,
// without making it longer. Both are advice, and what they return is left. (Both are only declared under _GNU_SOURCE.)
static inline void kastellan_begin_writeback(int fd, int64_t from, int64_t count) {
    (void)syscall(SYS_sync_file_range, fd, from, count, 2u);
}
static inline void kastellan_reserve(int fd, int64_t from, int64_t count) { (void)syscall(SYS_fallocate, fd, 1, from, count); }

// A file in memory that other programs do not inherit, and a descriptor made another's twin likewise. (Both are only declared under
// _GNU_SOURCE.)
static inline int kastellan_memory_file(const char *name) { return (int)syscall(SYS_memfd_create, name, 1u); }
static inline int kastellan_twin(int from, int to) { return (int)syscall(SYS_dup3, from, to, O_CLOEXEC); }

// A pipe whose ends other programs do not inherit. (pipe2 itself is only declared under _GNU_SOURCE.)
static inline int kastellan_pipe(int ends[2]) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }

// One arena for all threads, and mappings of their own for large blocks, which go back when they are freed. (The thresholds that are set
// here no longer move by themselves.)
static inline void kastellan_memory_prepare(void) {
    (void)mallopt(M_ARENA_MAX, 1);
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

// Bytes that are held and not in use.
static inline size_t kastellan_memory_spare(void) { return mallinfo2().fordblks; }

static inline void kastellan_memory_trim(void) { (void)malloc_trim(1 << 20); }
