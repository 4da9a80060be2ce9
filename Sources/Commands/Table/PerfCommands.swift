extension CommandTable {
    static let perfCommands: [CommandSpec] = [perfProduce, perfConsume]

    private static let count = Flag("--num-records", "-n", .integer("N", 1...Int64.max), "How many records. Needed.")
    private static let interval = Flag(
        "--reporting-interval", nil, .integer("MS", 100...3_600_000), "How often to say how it goes. Default: 5000.")
    private static let output = Flag(
        "--output", "-o", .choice("FORMAT", ["text", "json", "jsonl"]),
        "text, as Kafka's tool prints it (the default), json, an object at the end, or jsonl, one for each report too.")

    static let perfProduce = CommandSpec(
        name: "perf produce",
        summary: "write records to a topic as fast as it goes, or at a rate, and time them",
        details: [
            "What kafka-producer-perf-test does, with its flags and its lines of output, by the program's own client. Values are random "
                + "capital letters, no two of a million alike, without keys, unless a file or --payload-monotonic gives others. "
                + "--producer-props takes the keys of Java's producer, one each time, with Java's defaults; so does the file of "
                + "--command-config.",
            "A record's latency is the time to its acknowledgement. With --throughput it is counted from when the record's turn came, not "
                + "from when it could be sent: a cluster that stops for a second is told with all that should have been written in that "
                + "second, which Kafka's tool leaves out (coordinated omission). Without --throughput it is counted from when the producer "
                + "was given the record, waiting for room there included. In JSON, times are milliseconds to three percent.",
            "Every record is counted: the exit code is 0 only when all were acknowledged. Ctrl-c stops it and prints what was measured.",
        ],
        positionals: [Positional("TOPIC", "the topic; it has to exist", completes: .topic)],
        flags: [
            count,
            Flag("--record-size", "-s", .integer("BYTES", 0...100 << 20), "Bytes of each value. Default: 100."),
            Flag("--throughput", "-r", .text("N"), "Records a second; -1, the default, for as fast as they are taken."),
            Flag("--payload-file", nil, .text("FILE"), completes: .file, "Values from a file, a line each, picked at random."),
            Flag("--payload-delimiter", nil, .text("TEXT"), "What ends a value in that file. Default: \\n."),
            Flag("--payload-monotonic", nil, "Each value is the record's number, from 0."),
            Flag("--producer-props", nil, .pair("KEY=VALUE"), repeats: true, "A setting of the producer; may be repeated."),
            Flag("--transactional-id", nil, .text("ID"), "Write in transactions, as this producer."),
            Flag(
                "--transaction-duration-ms", nil, .integer("MS", 1...900_000),
                "Commit a transaction after so long. Default with --transactional-id: 3000; alone it makes up an id."),
            Flag("--warmup-records", nil, .integer("N", 0...Int64.max), "The first so many are not in the figures of the end. Default: 0."),
            interval, output,
        ] + Flag.connection,
        examples: [
            Example("kastellan perf produce orders-test -n 1000000 -s 1000", "as fast as it goes"),
            Example(
                "kastellan perf produce orders-test -n 60000 -r 1000 --producer-props acks=all -o json | jq .latencyP99Ms",
                "a minute at a thousand a second; one figure of it"),
        ])

    static let perfConsume = CommandSpec(
        name: "perf consume",
        summary: "read records of topics as fast as it goes, and time that",
        details: [
            "What kafka-consumer-perf-test does, with its flags and columns, by the program's own client. Unlike Kafka's tool it joins a "
                + "group only where --group names one: else it reads all partitions from the beginning, commits nothing and leaves nothing "
                + "behind. It ends after --num-records, or when none came for --timeout milliseconds, with exit code 124.",
        ],
        positionals: [Positional("TOPIC", "a topic", repeats: true, completes: .topic)],
        flags: [
            count,
            Flag("--group", "-g", .text("GROUP"), completes: .group, "Join this group, and commit as Java's consumer does."),
            Flag("--from-latest", nil, "Begin at the end where the group has committed nothing, instead of at the beginning."),
            Flag("--fetch-size", nil, .integer("BYTES", 1...Int64(Int32.max)), "Bytes of a partition in one answer. Default: 1048576."),
            Flag("--consumer-props", nil, .pair("KEY=VALUE"), repeats: true, "A setting of the consumer; may be repeated."),
            Flag("--show-detailed-stats", nil, "A line for every --reporting-interval, instead of one at the end."),
            Flag("--hide-header", nil, "Without the names of the columns."),
            interval, output,
        ] + Flag.connection,
        examples: [Example("kastellan perf consume orders-test -n 1000000", "how fast they can be read")])
}
