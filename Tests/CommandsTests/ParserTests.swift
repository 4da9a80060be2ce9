import Testing

@testable import Commands

private func parse(_ line: String) throws -> Invocation { try CommandLineParser.parse(line.split(separator: " ").map(String.init)) }
private func objection(_ line: String) -> String {
    do {
        _ = try parse(line)
        return ""
    } catch let failure as Failure {
        #expect(failure.status == .usage)
        return failure.message
    } catch {
        return "another error"
    }
}

@Suite struct ParserTests {
    @Test func flagsAndPositionalsInAnyOrder() throws {
        let tail = try parse("tail orders -o -10 -n5 --exit -b=x --partition 1 -p 2 --format json")
        #expect(tail.command == "tail")
        #expect(tail.positionals == ["orders"])
        #expect(tail.text("--offsets") == "-10")
        #expect(tail.integer("--count") == 5)
        #expect(tail.isSet("--exit"))
        #expect(tail.integers("--partition") == [1, 2])
        #expect(tail.text("--bootstrap") == "=x")
        #expect(try parse("tail --offsets=end orders").text("--offsets") == "end")
        #expect(try parse("tail -- -odd").positionals == ["-odd"])
    }

    @Test func twoWordCommandsAndTheConsoleByDefault() throws {
        #expect(try parse("topics create orders -c a=b -c c=d=e").pairs("--config").map(\.value) == ["b", "d=e"])
        #expect(try parse("-b host:9092").command == "console")
        for line in ["-b host:1 topics list", "-bhost:1 topics list", "--bootstrap=host:1 topics list", "topics list -b host:1"] {
            #expect(try parse(line).command == "topics list")
            #expect(try parse(line).text("--bootstrap") == "host:1")
        }
        #expect(try parse("--help").command == "help")
        #expect(try parse("--version").command == "version")
        #expect(try parse("topics --help").positionals == ["topics"])
        #expect(try parse("dev --help").wantsHelp)
    }

    @Test func whatIsWrongIsNamedWithAWayOut() {
        #expect(objection("tial orders") == "no command \"tial\"; did you mean \"tail\"?")
        #expect(objection("frobnicate") == "no command \"frobnicate\"; `kastellan help` lists them")
        #expect(objection("topics") == "topics what? One of: list, describe, create, alter, trim, delete, recreate")
        #expect(objection("topics destroy x").hasPrefix("no command \"topics destroy\""))
        #expect(objection("tail") == "tail needs TOPIC: a topic")
        #expect(objection("produce a b") == "produce: \"b\" is one word too many")
        #expect(objection("tail a --cuont 3") == "tail has no flag --cuont; did you mean --count?")
        #expect(objection("tail a -n") == "-n needs a value: -n N")
        #expect(objection("dev --port 70000") == "--port: \"70000\" is not between 0 and 65535")
        #expect(objection("dev --port x") == "--port: \"x\" is not a whole number")
        #expect(objection("dev --port 1 --port 2") == "--port is given twice")
        #expect(objection("produce t -z rar") == "-z: \"rar\" is none of none, gzip, snappy, lz4, zstd")
        #expect(objection("topics create t -c a") == "-c: \"a\" is not of the form KEY=VALUE")
        #expect(objection("completion tcsh") == "SHELL: \"tcsh\" is none of bash, zsh, fish")
        #expect(objection("dev --headless=yes") == "--headless takes no value")
        #expect(!objection("").isEmpty)
    }

    @Test func theTableIsSound() {
        var names: [String] = []
        for spec in CommandTable.all {
            #expect(!names.contains(spec.name), "\(spec.name) twice")
            names.append(spec.name)
            #expect(spec.summary.first?.isUppercase == false && spec.summary.last != ".", "\(spec.name): summary")
            var flags: [String] = []
            for flag in spec.flags {
                #expect(flag.doc.last == ".", "\(spec.name) \(flag.long): a sentence")
                for name in [flag.long] + (flag.short.map { [$0] } ?? []) {
                    #expect(!flags.contains(name), "\(spec.name): \(name) twice")
                    flags.append(name)
                }
            }
            for line in HelpText.command(spec).split(separator: "\n") where !line.hasPrefix("  kastellan") && !line.hasPrefix("  echo") {
                #expect(line.count <= 100, "\(spec.name): \(line)")
            }
        }
    }

    @Test func helpOfACommand() throws {
        let spec = try #require(CommandTable.command("groups delete"))
        #expect(
            HelpText.command(spec) == """
                kastellan groups delete: delete groups and their committed offsets

                Usage: kastellan groups delete [FLAGS] GROUP...

                  GROUP                 a group

                Flags:
                  -b, --bootstrap HOST:PORT   The cluster: one or more brokers, with commas
                                              between. Default: KASTELLAN_BOOTSTRAP, or
                                              127.0.0.1:9092, where "kastellan dev" serves.
                      --context NAME          The cluster by its name: one of those that
                                              "kastellan contexts list" shows. Default:
                                              KASTELLAN_CONTEXT, or the one that "kastellan
                                              contexts use" chose, where no address is given.
                      --command-config FILE   A client.properties file with the keys of Java's
                                              clients or librdkafka's: security.protocol,
                                              sasl.…, ssl.…, bootstrap.servers. Default:
                                              KASTELLAN_COMMAND_CONFIG, or none.
                      --timeout MS            Give up after so many milliseconds, with exit code
                                              124. Default: 15000.
                      --dry-run               Show what would be done, and the Kafka command
                                              that does the same, and change nothing.
                  -o, --output FORMAT         With --dry-run: text (the default), or plan, a
                                              file that "kastellan apply" carries out as it was
                                              previewed.
                  -y, --yes                   Do it without asking. Where standard input is no
                                              terminal, nothing is changed without this.
                  -h, --help                  Print the help of the command and exit.

                Examples:
                  kastellan groups delete payments --yes
                      without asking

                """)
    }
}
