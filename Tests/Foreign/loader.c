// A client for measurements: librdkafka at full speed against a broker, one figure per run.
//
//   loader produce HOST:PORT TOPIC COUNT SIZE [KEY=VALUE ...]     time from the first message to the last delivery report
//   loader consume HOST:PORT TOPIC COUNT PARTITIONS [KEY=VALUE ...]   time from the first message to the COUNTth
//   loader watch HOST:PORT TOPIC MILLISECONDS SIZE [KEY=VALUE ...]    one message to partition 0 every so often, until it is ended
//   loader paced HOST:PORT TOPIC COUNT SIZE RATE [KEY=VALUE ...]  COUNT messages at RATE a second, each alone: how long until it is acknowledged
//   loader trip HOST:PORT TOPIC COUNT SIZE RATE [KEY=VALUE ...]   the same until a consumer of the same process has it
//   loader mock BROKERS                                           librdkafka's own mock cluster, until it is ended
//
// Prints one line, `MESSAGES BYTES SECONDS`, and ends with 0; or a complaint on standard error and 1. `paced` and `trip` print
// `COUNT P50 P99 P999 MAX`, in microseconds from when the message was due, not from when it was sent: a loader that falls behind does not
// hide it. `mock` prints `bootstrap.servers=` with its addresses. `watch` prints a line for each message
// when its fate is known: `SENT KNOWN`, in nanoseconds of the monotonic clock, and the error's name behind it where it was not delivered.
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pacing.h"

static const double seconds_max = 60, watch_seconds_max = 900;
static long delivered, failed;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "loader: %s: %s\n", what, why);
    exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value) {
    char error[256];
    if (rd_kafka_conf_set(conf, key, value, error, sizeof error) != RD_KAFKA_CONF_OK) fail(key, error);
}

static void set_all(rd_kafka_conf_t *conf, int count, char **pairs) {
    for (int i = 0; i < count; i++) {
        char *equals = strchr(pairs[i], '=');
        if (equals == NULL) fail(pairs[i], "not KEY=VALUE");
        *equals = 0;
        set(conf, pairs[i], equals + 1);
    }
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char error[256];
    rd_kafka_t *made = rd_kafka_new(type, conf, error, sizeof error);
    if (made == NULL) fail("client", error);
    return made;
}

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
    (void)producer, (void)opaque;
    if (message->err) failed++;
    else delivered++;
}

static void produce(const char *topic, long count, int size, rd_kafka_conf_t *conf) {
    set(conf, "queue.buffering.max.messages", "500000");
    set(conf, "linger.ms", "5");
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer, topic, NULL);
    char *payload = malloc((size_t)size);
    // Bytes that no codec makes nothing of, the same in every run.
    unsigned chance = 12345;
    for (int i = 0; i < size; i++) payload[i] = (char)('a' + ((chance = chance * 1103515245u + 12345u) >> 16) % 26);
    // One message first: connecting and the topic's metadata are not what is measured.
    rd_kafka_produce(handle, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, payload, (size_t)size, NULL, 0, NULL);
    if (rd_kafka_flush(producer, 20000) != 0 || delivered != 1) fail("produce", "the first message was not delivered");
    delivered = 0;
    double start = now();
    for (long sent = 0; sent < count;) {
        if (rd_kafka_produce(handle, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, payload, (size_t)size, NULL, 0, NULL) == 0) {
            sent++;
            if (sent % 1000 == 0) rd_kafka_poll(producer, 0);
        } else {
            rd_kafka_poll(producer, 1);
        }
        if (now() - start > seconds_max) fail("produce", "took too long");
    }
    while (delivered + failed < count) {
        rd_kafka_poll(producer, 10);
        if (now() - start > seconds_max) fail("produce", "took too long");
    }
    double end = now();
    if (failed > 0) fail("produce", "messages were not delivered");
    printf("%ld %ld %.6f\n", count, count * size, end - start);
    fflush(stdout);
    _Exit(0);
}

static void consume(const char *topic, long count, int partitions, rd_kafka_conf_t *conf) {
    set(conf, "group.id", "loader");
    set(conf, "enable.auto.commit", "false");
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "queued.min.messages", "1000000");
    set(conf, "fetch.message.max.bytes", "4194304");
    rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++) rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    rd_kafka_assign(consumer, list);
    long seen = 0, bytes = 0;
    double begun = now(), start = 0, end = 0;
    static rd_kafka_message_t *batch[10000];
    while (seen < count) {
        ssize_t got = rd_kafka_consume_batch_queue(queue, 100, batch, 10000);
        if (got > 0 && start == 0) start = now();
        for (ssize_t i = 0; i < got; i++) {
            if (!batch[i]->err) {
                seen++;
                bytes += (long)batch[i]->len;
            }
            rd_kafka_message_destroy(batch[i]);
        }
        end = now();
        if (end - begun > seconds_max) fail("consume", "took too long");
    }
    printf("%ld %ld %.6f\n", seen, bytes, end - start);
    fflush(stdout);
    _Exit(0);
}

static void on_watched(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
    (void)producer, (void)opaque;
    long long sent;
    memcpy(&sent, message->payload, sizeof sent);
    printf("%lld %lld%s%s\n", sent, nanoseconds(), message->err ? " " : "", message->err ? rd_kafka_err2name(message->err) : "");
    fflush(stdout);
}

static void watch(const char *topic, long milliseconds, int size, rd_kafka_conf_t *conf) {
    if (size < (int)sizeof(long long)) fail("usage", "SIZE is too small to hold a time");
    rd_kafka_conf_set_dr_msg_cb(conf, on_watched);
    rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer, topic, NULL);
    char *payload = calloc(1, (size_t)size);
    for (double start = now(); now() - start < watch_seconds_max;) {
        long long sent = nanoseconds();
        memcpy(payload, &sent, sizeof sent);
        rd_kafka_produce(handle, 0, RD_KAFKA_MSG_F_COPY, payload, (size_t)size, NULL, 0, NULL);
        rd_kafka_poll(producer, (int)milliseconds);
        while ((nanoseconds() - sent) / 1000000 < milliseconds) rd_kafka_poll(producer, 1);
    }
    _Exit(0);
}

// Messages whose time has been taken.
static atomic_long arrived;

static void on_paced(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
    (void)producer;
    long number = (long)message->_private - 1;
    if (message->err) fail("paced", rd_kafka_err2str(message->err));
    if (opaque == NULL && number >= 0) took[atomic_fetch_add(&arrived, 1)] = (double)(nanoseconds() - due[number]) / 1000;
}

// The first tenth is not counted: connections and caches are not what is measured.
static void send_paced(rd_kafka_t *producer, const char *topic, int partition, long count, int size, long rate) {
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer, topic, NULL);
    char *payload = calloc(1, (size_t)size);
    long long start = nanoseconds() + 50000000;
    for (long number = -count / 10; number < count; number++) {
        long long at = start + (number + count / 10) * (1000000000LL / rate);
        if (number >= 0) due[number] = at;
        wait_until(at);
        memcpy(payload, &number, sizeof number);
        if (rd_kafka_produce(handle, partition, RD_KAFKA_MSG_F_COPY, payload, (size_t)size, NULL, 0, (void *)(number + 1)) != 0)
            fail("paced", "the queue is full");
    }
}

static void *poll_forever(void *producer) {
    while (1) rd_kafka_poll(producer, 100);
    return NULL;
}

static rd_kafka_t *paced_producer(rd_kafka_conf_t *conf) {
    set(conf, "linger.ms", "0");
    set(conf, "acks", "all");
    set(conf, "queue.buffering.max.messages", "500000");
    rd_kafka_conf_set_dr_msg_cb(conf, on_paced);
    rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, conf);
    pthread_t thread;
    pthread_create(&thread, NULL, poll_forever, producer);
    return producer;
}

static void wait_arrived(long count) {
    for (double begun = now(); atomic_load(&arrived) < count; usleep(1000))
        if (now() - begun > seconds_max) fail("paced", "took too long");
}

static void paced(const char *topic, long count, int size, long rate, rd_kafka_conf_t *conf) {
    send_paced(paced_producer(conf), topic, RD_KAFKA_PARTITION_UA, count, size, rate);
    wait_arrived(count);
    report_latencies(count);
    _Exit(0);
}

static rd_kafka_t *reader;

static void *read_paced(void *opaque) {
    long count = *(long *)opaque;
    while (atomic_load(&arrived) < count) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader, 100);
        if (message == NULL) continue;
        long number = -1;
        if (!message->err && message->len >= sizeof number) memcpy(&number, message->payload, sizeof number);
        if (number >= 0) took[atomic_fetch_add(&arrived, 1)] = (double)(nanoseconds() - due[number]) / 1000;
        rd_kafka_message_destroy(message);
    }
    return NULL;
}

static void trip(const char *address, const char *topic, long count, int size, long rate, rd_kafka_conf_t *conf) {
    rd_kafka_conf_t *reading = rd_kafka_conf_new();
    set(reading, "bootstrap.servers", address);
    set(reading, "group.id", "loader");
    set(reading, "fetch.wait.max.ms", "500");
    reader = client(RD_KAFKA_CONSUMER, reading);
    rd_kafka_poll_set_consumer(reader);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader, list);
    pthread_t thread;
    pthread_create(&thread, NULL, read_paced, &count);
    rd_kafka_conf_set_opaque(conf, reader);
    send_paced(paced_producer(conf), topic, 0, count, size, rate);
    wait_arrived(count);
    report_latencies(count);
    _Exit(0);
}

static void mock(int brokers) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char count[16];
    snprintf(count, sizeof count, "%d", brokers);
    set(conf, "test.mock.num.brokers", count);
    rd_kafka_t *host = client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(host);
    if (cluster == NULL) fail("mock", "no cluster");
    printf("bootstrap.servers=%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    while (1) pause();
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "mock") == 0) mock(atoi(argv[2]));
    if (argc < 6) fail("usage", "loader produce|consume|watch|paced|trip HOST:PORT TOPIC COUNT SIZE|PARTITIONS [RATE] [KEY=VALUE ...]");
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[2]);
    int is_paced = argc > 6 && (strcmp(argv[1], "paced") == 0 || strcmp(argv[1], "trip") == 0);
    set_all(conf, argc - 6 - is_paced, argv + 6 + is_paced);
    long count = atol(argv[4]);
    if (is_paced) {
        int size = atoi(argv[5]);
        long rate = atol(argv[6]);
        if (count < 10 || rate < 1 || size < (int)sizeof(long)) fail("usage", "COUNT, SIZE or RATE is too small");
        due = calloc((size_t)count, sizeof *due);
        took = calloc((size_t)count, sizeof *took);
        if (strcmp(argv[1], "paced") == 0) paced(argv[3], count, size, rate, conf);
        trip(argv[2], argv[3], count, size, rate, conf);
    }
    if (strcmp(argv[1], "produce") == 0) produce(argv[3], count, atoi(argv[5]), conf);
    else if (strcmp(argv[1], "consume") == 0) consume(argv[3], count, atoi(argv[5]), conf);
    else if (strcmp(argv[1], "watch") == 0) watch(argv[3], count, atoi(argv[5]), conf);
    fail("usage", "produce, consume, watch, paced, trip or mock");
    return 1;
}
