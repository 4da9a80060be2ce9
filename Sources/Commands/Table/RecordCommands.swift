extension CommandTable {
    static let recordCommands: [CommandSpec] = [tail, produce, dumpLog]

    static let tail = CommandSpec(
        name: "tail",
        summary: "print the records of a topic as they arrive",
        details: [
            "OFFSETS says where to begin, in every partition: \"beginning\" (or \"start\", \"earliest\"), \"end\" (or \"latest\"), "
                + "an offset N, -N for the last N, or @TIME for the first record at or after a time. \"s@TIME\" means the same as @TIME, "
                + "and \"e@TIME\", given as a second --offsets, where to stop. TIME is milliseconds since 1970, a date as 2026-11-21, "
                + "2026-11-21T10:30 or 2026-11-21T10:30:00.000 (UTC), or an age: 90s, 15m, 2h, 7d.",
            "FORMAT is kcat's: %t topic, %p partition, %o offset, %k key, %s value, %K and %S their lengths (-1 for null), %T timestamp, "
                + "%h headers, %% a percent sign, \\n \\r \\t \\xNN. \"json\" prints an object a line. Default: \"%s\\n\".",
            "In a pipe the bytes leave as they are. On a terminal whatever is not printable text is made visible, so that no record can "
                + "steer the terminal.",
        ],
        positionals: [Positional("TOPIC", "the topic", completes: .topic)],
        flags: [
            Flag("--offsets", "-o", .text("OFFSETS"), repeats: true, "Where to begin. Default: end, or beginning with --exit."),
            Flag("--format", "-f", .text("FORMAT"), "How to print a record."),
            Flag("--count", "-n", .integer("N", 0...Int64.max), "Stop after so many records."),
            Flag("--exit", "-e", "Stop at the end of what was there at the start."),
            Flag("--partition", "-p", .integer("N", 0...Int64(Int32.max)), repeats: true, "Only this partition; may be repeated."),
            Flag("--uncommitted", nil, "Show records of open and aborted transactions too."),
        ] + Flag.connection,
        examples: [
            Example("kastellan tail orders", "new records as they come"),
            Example("kastellan tail orders -o -10 -f '%p:%o %k %s\\n'", "the last ten of each partition, then new ones"),
            Example("kastellan tail orders -o @15m -f json -e | jq .payload", "the last quarter of an hour, as JSON, in a pipe"),
        ])

    static let produce = CommandSpec(
        name: "produce",
        summary: "write lines of standard input as records",
        details: [
            "Each line becomes one record. A record is written when the cluster has acknowledged it; the exit code is 0 only when all of "
                + "them were. Records with a key go to the partition that Kafka's own clients would choose."
        ],
        positionals: [Positional("TOPIC", "the topic", completes: .topic)],
        flags: [
            Flag(
                "--key-separator", "-K", .text("TEXT"),
                "What stands between the key and the value in a line. Lines without it have no key."),
            Flag("--key", "-k", .text("KEY"), "The same key for every record."),
            Flag("--header", "-H", .pair("NAME=VALUE"), repeats: true, "A header for every record; may be repeated."),
            Flag("--compression", "-z", .choice("CODEC", ["none", "gzip", "snappy", "lz4", "zstd"]), "The codec. Default: none."),
            Flag("--partition", "-p", .integer("N", 0...Int64(Int32.max)), "Write to this partition."),
            Flag("--delimiter", "-D", .text("TEXT"), "What ends a record instead of the end of the line; \\n \\t \\xNN are understood."),
            Flag("--empty-is-null", "-Z", "An empty value or key is null: a tombstone in compacted topics."),
            Flag("--acks", nil, .choice("ACKS", ["1", "all"]), "What to wait for: the leader, or all replicas in sync. Default: all."),
        ] + Flag.connection,
        examples: [
            Example("kastellan produce words < /usr/share/dict/words", "a file, a record a line"),
            Example("echo 'alice:{\"n\":1}' | kastellan produce orders -K : -z zstd", "one record with a key, compressed"),
        ])

    static let dumpLog = CommandSpec(
        name: "dump-log",
        summary: "print the batches and records of log files, as Kafka's own tool does",
        details: [
            "Reads .log, .index, .timeindex, .txnindex, .snapshot and .checkpoint files, of a running broker too. Topics of Kafka's own "
                + "are decoded where the flag says so."
        ],
        positionals: [Positional("FILE", "a file of a partition's directory", repeats: true, completes: .file)],
        flags: [
            Flag("--files", nil, .text("FILES"), repeats: true, completes: .file, "Files, with commas between; the same as naming them."),
            Flag("--print-data-log", nil, "Print keys and values too."),
            Flag("--deep-iteration", nil, "Print every record of every batch."),
            Flag("--skip-record-metadata", nil, "With the data, leave the record's metadata out."),
            Flag("--offsets-decoder", nil, "Decode __consumer_offsets."),
            Flag("--transaction-log-decoder", nil, "Decode __transaction_state."),
            Flag("--share-group-state-decoder", nil, "Decode __share_group_state."),
            Flag("--cluster-metadata-decoder", nil, "Decode __cluster_metadata."),
            Flag("--index-sanity-check", nil, "Check an index for sanity without printing it."),
            Flag("--verify-index-only", nil, "Compare an index with its log without printing it."),
        ],
        examples: [Example("kastellan dump-log --print-data-log orders-0/00000000000000000000.log", "every record of a segment")])
}
