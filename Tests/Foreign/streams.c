// What loader.c does with Kafka, with what one would take instead for a stream on one machine: Redis Streams and NATS JetStream, each in the
// way that is fastest for it.
//
//   streams redis|nats produce PORT COUNT SIZE         as fast as it goes, acknowledgements awaited in bulk
//   streams redis|nats paced PORT COUNT SIZE RATE      COUNT messages at RATE a second, each alone: how long until it is acknowledged
//
// Prints `MESSAGES BYTES SECONDS`, or `COUNT P50 P99 P999 MAX` in microseconds from when a message was due; or a complaint and ends with 1.
#include <errno.h>
#include <hiredis/hiredis.h>
#include <nats/nats.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pacing.h"

static const long window = 2000;
static const double seconds_max = 60;
static atomic_long acknowledged;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "streams: %s: %s\n", what, why);
    exit(1);
}

static void report_rate(long count, int size, long long start) {
    printf("%ld %ld %.6f\n", count, count * size, (double)(nanoseconds() - start) / 1e9);
}

static char *filler(int size) {
    char *payload = malloc((size_t)size);
    unsigned chance = 12345;
    for (int i = 0; i < size; i++) payload[i] = (char)('a' + ((chance = chance * 1103515245u + 12345u) >> 16) % 26);
    return payload;
}

// Redis: one connection; commands written in bulk, replies read in bulk.

static redisContext *redis(int port) {
    redisContext *context = redisConnect("127.0.0.1", port);
    if (context == NULL || context->err) fail("redis", context ? context->errstr : "no memory");
    return context;
}

static void read_reply(redisContext *context) {
    redisReply *reply = NULL;
    if (redisGetReply(context, (void **)&reply) != REDIS_OK) fail("redis", context->errstr);
    if (reply->type == REDIS_REPLY_ERROR) fail("redis", reply->str);
    freeReplyObject(reply);
}

static void redis_produce(int port, long count, int size) {
    redisContext *context = redis(port);
    char *payload = filler(size), *command;
    long long length = redisFormatCommand(&command, "XADD s * f %b", payload, (size_t)size);
    long long start = nanoseconds();
    long sent = 0, answered = 0;
    while (answered < count) {
        for (; sent < count && sent < answered + window; sent++) redisAppendFormattedCommand(context, command, (size_t)length);
        // Half of the window: the other half is under way meanwhile.
        for (long until = sent == count ? count : answered + window / 2; answered < until; answered++) read_reply(context);
        if ((double)(nanoseconds() - start) / 1e9 > seconds_max) fail("redis", "took too long");
    }
    report_rate(count, size, start);
}

static void *redis_replies(void *opaque) {
    redisContext *context = opaque;
    char *chunk = malloc(1 << 16);
    redisReader *reader = redisReaderCreate();
    while (1) {
        ssize_t got = read(context->fd, chunk, 1 << 16);
        if (got <= 0) fail("redis", "the connection was closed");
        redisReaderFeed(reader, chunk, (size_t)got);
        for (redisReply *reply; redisReaderGetReply(reader, (void **)&reply) == REDIS_OK && reply != NULL;) {
            if (reply->type == REDIS_REPLY_ERROR) fail("redis", reply->str);
            long number = atomic_load(&acknowledged);
            took[number] = (double)(nanoseconds() - due[number]) / 1000;
            atomic_store(&acknowledged, number + 1);
            freeReplyObject(reply);
        }
    }
    return NULL;
}

static void wait_acknowledged(long count) {
    for (long long start = nanoseconds(); atomic_load(&acknowledged) < count; usleep(1000))
        if ((double)(nanoseconds() - start) / 1e9 > seconds_max) fail("paced", "took too long");
}

static void redis_paced(int port, long count, int size, long rate) {
    redisContext *context = redis(port);
    char *payload = filler(size), *command;
    long long length = redisFormatCommand(&command, "XADD s * f %b", payload, (size_t)size);
    pthread_t thread;
    pthread_create(&thread, NULL, redis_replies, context);
    long long start = nanoseconds() + 50000000;
    for (long number = 0; number < count; number++) {
        due[number] = start + number * (1000000000LL / rate);
        wait_until(due[number]);
        for (ssize_t at = 0, done; at < length; at += done)
            if ((done = write(context->fd, command + at, (size_t)(length - at))) <= 0) fail("redis", strerror(errno));
    }
    wait_acknowledged(count);
    report_latencies(count);
}

// NATS: a file stream, published without waiting, acknowledgements by callback.

static void check(natsStatus status, const char *what) {
    if (status != NATS_OK) fail(what, natsStatus_GetText(status));
}

static void on_acknowledged(jsCtx *stream, natsMsg *message, jsPubAck *acknowledgement, jsPubAckErr *error, void *closure) {
    (void)stream, (void)acknowledgement, (void)closure;
    if (error != NULL) fail("nats", error->ErrText ? error->ErrText : "not acknowledged");
    long number = 0;
    memcpy(&number, natsMsg_GetData(message), sizeof number);
    if (took != NULL) took[number] = (double)(nanoseconds() - due[number]) / 1000;
    atomic_fetch_add(&acknowledged, 1);
    natsMsg_Destroy(message);
}

static jsCtx *nats(int port) {
    char address[64];
    snprintf(address, sizeof address, "nats://127.0.0.1:%d", port);
    natsConnection *connection;
    check(natsConnection_ConnectTo(&connection, address), "nats: connect");
    jsOptions options;
    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = 8192;
    options.PublishAsync.AckHandler = on_acknowledged;
    jsCtx *stream;
    check(natsConnection_JetStream(&stream, connection, &options), "nats: jetstream");
    jsStreamConfig config;
    jsStreamConfig_Init(&config);
    config.Name = "S";
    const char *subjects[] = {"s"};
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    js_AddStream(NULL, stream, &config, NULL, NULL);  // one that is there already is what is wanted
    return stream;
}

static void nats_produce(int port, long count, int size) {
    jsCtx *stream = nats(port);
    char *payload = filler(size);
    memset(payload, 0, sizeof(long));
    long long start = nanoseconds();
    for (long sent = 0; sent < count; sent++) check(js_PublishAsync(stream, "s", payload, size, NULL), "nats: publish");
    wait_acknowledged(count);
    report_rate(count, size, start);
}

static void nats_paced(int port, long count, int size, long rate) {
    jsCtx *stream = nats(port);
    char *payload = filler(size);
    long long start = nanoseconds() + 50000000;
    for (long number = 0; number < count; number++) {
        due[number] = start + number * (1000000000LL / rate);
        wait_until(due[number]);
        memcpy(payload, &number, sizeof number);
        check(js_PublishAsync(stream, "s", payload, size, NULL), "nats: publish");
    }
    wait_acknowledged(count);
    report_latencies(count);
}

int main(int argc, char **argv) {
    if (argc < 6) fail("usage", "streams redis|nats produce|paced PORT COUNT SIZE [RATE]");
    int is_redis = strcmp(argv[1], "redis") == 0, is_paced = strcmp(argv[2], "paced") == 0;
    int port = atoi(argv[3]), size = atoi(argv[5]);
    long count = atol(argv[4]), rate = argc > 6 ? atol(argv[6]) : 1000;
    if (count < 1 || rate < 1 || size < (int)sizeof(long)) fail("usage", "COUNT, SIZE or RATE is too small");
    if (is_paced) {
        due = calloc((size_t)count, sizeof *due);
        took = calloc((size_t)count, sizeof *took);
        if (is_redis) redis_paced(port, count, size, rate);
        else nats_paced(port, count, size, rate);
    } else if (is_redis) {
        redis_produce(port, count, size);
    } else {
        nats_produce(port, count, size);
    }
    fflush(stdout);
    _Exit(0);
}
