import Testing

@testable import tidy

/// A source file made of `text`.
private func source(_ text: String, _ path: String = "Sources/Broker/Example.swift") -> SourceFile {
    SourceFile(TextFile(path: path, bytes: Array(text.utf8)))
}
private func project(_ files: [String: String]) -> Project {
    Project(files: files.map { TextFile(path: $0.key, bytes: Array($0.value.utf8)) })
}

@Suite struct ScannerTests {
    @Test func blanksCommentsAndStringsAndKeepsTheirPlace() {
        let file = source("let a = \"Task\" // Task\nlet b = 1 /* Task\n Task */ + 2")
        #expect(file.code == ["let a =               ", "let b = 1        ", "         + 2"])
        #expect(file.comments.first == .init(line: 0, text: "Task", isDoc: false))
    }

    @Test func knowsInterpolationRawAndMultiLineStrings() {
        let file = source("f(\"a \\(g(\"x\")) b\") + #\"raw \" \"# + \"\"\"\n  { \"quoted\"\n  \"\"\" + z")
        #expect(file.code.joined().filter { $0 != " " } == "f()+++z")
    }
}

@Suite struct RuleTests {
    @Test func importsOutsideTheTableAreNamed() {
        let found = importProblems(project(["Sources/Wire/A.swift": "import Primitives\nimport Glibc\nimport Records\n"]))
        #expect(found.map(\.line) == [2, 3])
        #expect(importProblems(project(["Sources/Reactor/A.swift": "import Glibc\n@preconcurrency import CLinux\n"])).isEmpty)
        #expect(importProblems(project(["Sources/Client/A.swift": "import Foundation\n"])).count == 1)
        #expect(importProblems(project(["Sources/Unheard/A.swift": ""])).count == 1)
    }

    @Test func thePackageMayNotDependOnMoreThanTheTable() {
        let text = "    library(\"Wire\", [\"Primitives\", \"Records\"], hot),\n    library(\n   \"Quorum\",\n   [\"Primitives\"]),\n"
        #expect(declaredTargets(text).map(\.name) == ["Wire", "Quorum"])
        #expect(packageProblems(project(["Package.swift": text])).map(\.line) == [1])
    }

    @Test func publicSymbolsOfTheLibrarySayWhatTheyAre() {
        let text = """
            /// Said.
            public struct A {
                public var b: Int
                /// Said.
                @discardableResult
                public func c() -> Int { 1 }
                // Not for those who read documentation.
                public init() {}
            }
            """
        #expect(docstringProblems(source(text, "Sources/Client/A.swift")).map(\.line) == [3, 8])
        #expect(docstringProblems(source(text)).isEmpty)
    }

    @Test func pureTargetsHaveNoClockChanceOrConcurrency() {
        let text = """
            let a = ContinuousClock.now
            let b = Int.random(in: 0..<3)
            let c = Int.random(in: 0..<3, using: &generator)
            var shared = 1
            var computed: Int { 1 }
            struct S {
                static var count = 0
                static var name: String { "" }
                var field = 1
            }
            func f() async {}
            // Task and Date are only talked about here
            """
        #expect(purityProblems(source(text)).map(\.line) == [1, 2, 4, 7, 11])
        #expect(purityProblems(source(text, "Sources/Reactor/A.swift")).isEmpty)
    }

    @Test func iterationOverUnorderedCollections() {
        let text = """
            var byName: [String: Int] = [:]
            var list: [(a: Int, b: Int)] = []
            let seen = Set([1])
            for x in byName { use(x) }
            for x in list { use(x) }
            let a = seen.map { $0 }
            let b = seen.sorted()
            let c = byName["x"]
            // order-free: a sum
            let d = byName.values.reduce(0, +)
            let e = other.byName.map { $0 }
            """
        #expect(iterationProblems(source(text)).map(\.line) == [4, 6])
    }

    @Test func functionsAreMeasuredToTheirClosingBrace() {
        let body = (0..<75).map { "    call(\($0)) { x in x }" }.joined(separator: "\n")
        let text = "struct S {\n  func short() {}\n  func long(a: Int = { 1 }()) {\n\(body)\n  }\n}\nprotocol P { func none() }\n"
        let found = functionLengthProblems(source(text))
        #expect(found.map(\.text) == ["long has 77 lines, more than 70"])
        #expect(found.map(\.line) == [3])
    }

    @Test func marksForcesAndDeadCode() {
        #expect(markProblems(source("// TO" + "DO: later\nlet TO" + "DO = 1\n")).map(\.line) == [1])
        #expect(forceProblems(source("let a = try! f()\nlet b = x as! Int\nlet c = \"try!\"\n")).map(\.line) == [1, 2])
        #expect(looksLikeCode("let x = 1"))
        #expect(looksLikeCode("if ready {"))
        #expect(looksLikeCode("broker.stop()"))
        #expect(!looksLikeCode("Let us see: the broker stops (at once)."))
        #expect(!looksLikeCode("for each partition, the leader"))
    }

    @Test func longLinesAndFiles() {
        #expect(lineLengthProblems(source(String(repeating: "a", count: 141))).count == 1)
        #expect(lineLengthProblems(source(String(repeating: "a", count: 140))).isEmpty)
        #expect(fileLengthProblems(source(String(repeating: "\n", count: 601))).count == 1)
        #expect(fileLengthProblems(source(String(repeating: "\n", count: 600))).isEmpty)
    }

    @Test func flagsOfTheTableStandInTheManual() {
        let files = [
            "Sources/Commands/Table/A.swift": "flag(\"--port\", \"--data-dir\")",
            "man/kastellan.1": ".It Fl -port Ar N\n",
        ]
        #expect(manualProblems(project(files)).map(\.text) == ["--data-dir is not in man/kastellan.1"])
    }

    @Test func namesThatSayNothing() {
        #expect(nameProblems(source("struct TopicManager {}\nstruct Topic {}\n")).map(\.line) == [1])
    }

    @Test func phrasesOfAWorkplace() {
        #expect(phraseProblems(project(["README.md": "see /wo" + "rk/main\n"])).count == 1)
    }
}
