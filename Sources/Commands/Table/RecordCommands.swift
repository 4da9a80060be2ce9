import Console

extension CommandTable {
    static let recordCommands: [CommandSpec] = [tail, produce, redrive, copy, dumpLog]

    static let tail = CommandSpec(
        name: "tail",
        summary: "print the records of a topic as they arrive",
        details: [
            "OFFSETS says where to begin, in every partition, and where to stop, as rpk has it: \"start\", \"end\", an offset N, +N "
                + "(after the start), -N (the last N), or @TIME for the first record at or after a time; then perhaps a "
                + "colon and a stop: 5:10, :end, "
                + "-10:-5, @TIME:TIME, @-48h:-24h, @-1h:5m (five minutes from there), @:TIME. TIME is seconds or milliseconds since 1970, "
                + "a date as 2026-11-21, 2026-11-21T10:30 or 2026-11-21T10:30:00.000 (UTC), or an age: 90s, 15m, 2h, 7d. kcat's s@TIME and "
                + "e@TIME are understood too.",
            "FILTER is what the console takes after /: terms that must all hold, regular expressions with k: v: h: t: for key, value, "
                + "headers and topic, p: o: ts: compared with numbers and times (5, 5..9, >5), is:tombstone, ! before a term "
                + "to turn it round; and "
                + "behind \" | \" a jq program over the value, with $key, $headers, $topic, $partition, $offset and $timestamp. What it "
                + "answers with true is shown as it is; false, null and nothing hide a record; anything else is shown for the value.",
            "MessagePack and CBOR are read as JSON. By its look a payload counts as such only where it is no text, and the whole of it is "
                + "one map with text for keys, or one list; --decode takes any value of the format named.",
            "FORMAT is kcat's: %t topic, %p partition, %o offset, %k key, %s value, %K and %S their lengths (-1 for null), %T timestamp, "
                + "%h headers, %% a percent sign, \\n \\r \\t \\xNN. \"json\" prints an object a line. Default: \"%s\\n\".",
            "What masks of kastellan.yaml cover is printed masked, and FILTER and jq see only that; where decoding is off too. A context "
                + "may require it.",
            "In a pipe the bytes leave as they are. On a terminal whatever is not printable text is made visible, so that no record can "
                + "steer the terminal.",
        ],
        positionals: [Positional("TOPIC", "a topic", repeats: true, completes: .topic)],
        flags: [
            Flag("--offsets", "-o", .text("OFFSETS"), repeats: true, "Where to begin, and stop. Default: end, or start with --exit."),
            Flag("--filter", "-F", .text("FILTER"), "Print only what matches."),
            Flag("--by-time", "-T", "Merge the partitions by time: a record is printed when none can bring an older one."),
            Flag("--regex", "-r", "TOPIC is a regular expression; all that match are read."),
            Flag("--control", nil, "Print control records too: the ends of transactions."),
            Flag("--unmasked", nil, "Without the masks of kastellan.yaml; refused where the context requires them."),
            Flag("--raw", nil, "Do not decode: keys and values as their bytes are."),
            Flag(
                "--decode", nil, .choice("FORMAT", PayloadFormat.allCases.map(\.rawValue)),
                "What payloads are taken for that no schema is named for: auto, by what they look like (the default), msgpack, cbor, or "
                    + "none."),
            .registry,
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
            Example("kastellan tail orders payments -o @-2h:-1h -T -F 'k:alice | .amount > 100'", "two topics as one, filtered"),
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

    /// What redrive and copy have in common.
    private static let sending: [Flag] = [
        Flag("--filter", "-F", .text("FILTER"), "Only what matches, as tail has it."),
        Flag(
            "--transform", "-t", .text("JQ"),
            "A jq program over the value; its first output is written instead, null as a tombstone. No output leaves it out."
        ),
        Flag("--rate", nil, .integer("N", 1...10_000_000), "At most so many messages a second. Default: as fast as it goes."),
        Flag("--offsets", "-o", .text("OFFSETS"), repeats: true, "Where to begin and stop, as tail has it. Default: all there is."),
        Flag("--partition", "-p", .integer("N", 0...Int64(Int32.max)), "Only this partition of the source."),
        Flag("--keep-partitions", nil, "Write to the same partition numbers, instead of those that the keys map to."),
        Flag("--keep-times", nil, "Keep the timestamps, instead of the time of writing."),
        Flag("--compression", "-z", .choice("CODEC", ["none", "gzip", "snappy", "lz4", "zstd"]), "The codec. Default: none."),
        Flag("--no-marker", nil, "Do not add the header kastellan.copy-of. A resumed run may then write up to 500 messages twice."),
        .registry,
        Flag("--resume", nil, "Go on where an earlier run of the same command stopped."),
    ]

    static let redrive = CommandSpec(
        name: "redrive",
        summary: "write dead letters back to where they came from",
        details: [
            "Reads dead letter topics and writes their messages to the topics that their headers name: those of Kafka Connect, Spring for "
                + "Apache Kafka, Kafka Streams and Kastellan's own client are understood. The headers that tell of the failure are taken "
                + "away. The dead letter topic stays as it is.",
            "All is read and counted first, and shown as a plan. Every 500 messages the run waits for acknowledgements (acks=all, "
                + "idempotent) and writes a checkpoint under $XDG_STATE_HOME/kastellan/jobs. Each message written has a header "
                + "kastellan.copy-of that names its source; a resumed run looks for it behind the checkpoint, and writes nothing twice.",
        ],
        positionals: [Positional("TOPIC", "a dead letter topic", repeats: true, completes: .topic)],
        flags: [
            Flag("--to", nil, .text("TOPIC"), completes: .topic, "Write to this topic, whatever the headers say."),
            Flag("--keep-error-headers", nil, "Keep the headers that tell of the failure."),
        ] + sending + Flag.connection + [.dryRun, .yes],
        examples: [
            Example("kastellan redrive orders.dlq --dry-run", "what would be written where"),
            Example("kastellan redrive orders.dlq -F 'h:TimeoutException' --rate 50 -y", "some of them, slowly"),
        ])

    static let copy = CommandSpec(
        name: "copy",
        summary: "copy the messages of topics to another topic or cluster",
        details: [
            "Reads what is in TOPIC now and writes it to TO, on the same cluster or on the one that --to-bootstrap names. Only what is "
                + "committed is copied. The target topic must be there. Plan, checkpoint and header as in redrive."
        ],
        positionals: [Positional("TOPIC", "topics to read, and last the one to write to", repeats: true, completes: .topic)],
        flags: [
            Flag("--to-bootstrap", nil, .text("HOST:PORT"), "The cluster to write to. Default: the one that is read."),
            Flag("--to-command-config", nil, .text("FILE"), completes: .file, "A client.properties file for it."),
        ] + sending + Flag.connection + [.dryRun, .yes],
        examples: [
            Example("kastellan copy orders orders-archive --keep-times -y", "a topic, times and all"),
            Example("kastellan copy orders orders --to-bootstrap other:9092 -t 'del(.card)'", "to another cluster, without a field"),
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
