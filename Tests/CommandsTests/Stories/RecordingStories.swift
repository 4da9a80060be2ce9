import ClientCore
import Compression
import Console
import DevCluster
import Glibc
import Grid
import Observatory
import Primitives
import Reactor
import Testing

@testable import Commands

/// A session on a real cluster is recorded, the cluster goes, and the file is the session again.
@Suite(.serialized) struct RecordingStories {
    /// Records what `steps` do on a cluster with two topics and a group, stops the cluster, and hands over the file.
    private func record(isRedacted: Bool, _ steps: (StoryConsole) -> Void) throws -> String {
        let path = "/tmp/kastellan-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).kast"
        let world = try StoryWorld(brokers: 1)
        defer { world.close() }
        try world.makeTopic("orders", partitions: 3)
        try world.makeTopic("salaries")
        world.write("orders", partition: 1, (0..<20).map { "secret value \($0)" })
        try world.commit("billing", "orders", [0, 5, 0])
        let recorder = try SessionRecorder(path, name: "story", isRedacted: isRedacted)
        let console = try StoryConsole(world.cluster, in: world.directory) { $0.recorder = recorder }
        steps(console)
        console.close()
        #expect(recorder.finish().hasPrefix(path))
        return path
    }

    private func play(_ path: String, keys: Bool = true, speed: Int64 = 1) throws -> StoryConsole {
        StoryConsole(replaying: try SessionReplay(path: path, playsKeys: keys, speed: speed))
    }

    @Test func theFileIsTheSessionAgain() throws {
        let path = try record(isRedacted: false) { console in
            #expect(console.until { console.text.contains("orders") })
            console.press("4")
            #expect(console.until { console.text.contains("billing") && console.text.contains("15") })
            console.press("3")
            #expect(console.until { console.text.contains("salaries") })
            console.press("down enter")
        }
        defer { unlink(path) }
        // By itself: its keys lead where they led then.
        let console = try play(path)
        #expect(console.until { console.session.console.place == .topic("salaries") }, "\(console.text)")
        #expect(console.text.contains("REPLAY"))
        #expect(console.until { console.text.contains("at its end") }, "\(console.text)")
        // And by one's own: another view of the same answers.
        console.press("4")
        #expect(console.until { console.text.contains("billing") && console.text.contains("15") }, "\(console.text)")
        #expect(console.session.console.place == .groups)
        console.press("3 n")
        #expect(console.session.console.overlay == nil && console.text.contains("Read-only"))
        console.close()
    }

    @Test func timeIsStoppedSteppedAndHurried() throws {
        let path = try record(isRedacted: false) { console in
            #expect(console.until { console.text.contains("orders") })
            console.press("3")
            console.watch(milliseconds: 2500)
        }
        defer { unlink(path) }
        let replay = try SessionReplay(path: path, playsKeys: false, speed: 1, isPaused: true)
        #expect(replay.elapsed == 0 && replay.recording.length >= 2500)
        let console = StoryConsole(replaying: replay)
        console.press("f7")
        #expect(replay.elapsed == 1000 && replay.state.isPaused)
        #expect(console.until { console.text.contains("0:01 of") && console.text.contains("paused") }, "\(console.text)")
        console.press("f12 f12 f11")
        #expect(replay.state.speed == 2)
        console.press("f8")
        #expect(!replay.state.isPaused)
        #expect(console.until { replay.elapsed == replay.recording.length })
        // Whose keys were left out stays where it began.
        #expect(console.session.console.place == .overview)
        #expect(console.until { console.text.contains("orders") }, "\(console.text)")
        console.close()
    }

    @Test func aRedactedFileNamesNothingAndPlays() throws {
        let path = try record(isRedacted: true) { console in
            #expect(console.until { console.text.contains("orders") })
            console.press("4")
            #expect(console.until { console.text.contains("billing") && console.text.contains("15") })
            console.press("3 /")
            console.type("orders")
            console.press("enter enter")
            #expect(console.until { console.session.console.place == .topic("orders") })
            console.press("l 1")
            #expect(console.until { console.text.contains("secret value 3") })
        }
        defer { unlink(path) }
        guard case .success(let text) = SessionFiles.read(path) else { return #expect(Bool(false)) }
        for secret in ["orders", "salaries", "billing", "127.0.0.1", "secret value", "story"] {
            #expect(!text.contains(secret), "\(secret)")
        }
        let console = try play(path, keys: false, speed: 100)
        console.press("4")
        #expect(console.until { console.text.contains("n-") && console.text.contains("15") }, "\(console.text)")
        #expect(console.text.contains("redacted"))
        // 20 messages, whatever the topics are called now.
        console.press("3")
        #expect(console.until { console.session.console.snapshot.topics.values.contains { $0.messages == 20 } }, "\(console.text)")
        console.close()
    }

    /// A file as somebody would send it: of a demo cluster, one of whose groups falls behind.
    @Test func aFileOfLongAgoTellsWhyItsGroupLagged() throws {
        let path = "Tests/Fixtures/recordings/growing-lag.kast"
        // Its time goes on step by step, however fast this machine is.
        let replay = try SessionReplay(path: path, isPaused: true)
        let console = StoryConsole(replaying: replay)
        #expect(console.until { console.text.contains("analytics") }, "\(console.text)")
        while replay.elapsed < replay.recording.length { console.press("f7") }
        #expect(console.until { console.session.console.place == .why(.group("analytics")) }, "\(console.text)")
        #expect(console.until { (console.session.console.snapshot.group("analytics")?.lag ?? 0) > 1500 }, "\(console.text)")
        console.press("3")
        #expect(console.until { console.text.contains("clicks") && console.text.contains("inventory") })
        console.press("2")
        #expect(console.until { console.text.contains("controller") }, "\(console.text)")
        #expect(console.session.console.snapshot.brokers.count == 3)
        console.close()
    }

    @Test func theKeysOfAFileReachNothingOutside() throws {
        let replay = try SessionReplay(path: "Tests/Fixtures/recordings/growing-lag.kast", isPaused: true)
        let plan = ConsoleRequest.save(name: "x", Bytes("x"))
        for request in [plan, .copy("x"), .suspend, .readFile(ticket: 1, name: "x"), .edit(ticket: 1, "x")] {
            #expect(replay.refusal(of: request)?.contains("reach nothing") == true)
        }
        #expect(replay.refusal(of: .quit) == nil && replay.refusal(of: .refresh) == nil)
        // The viewer's own keys may write a file; no key changes a cluster that is not there.
        #expect(replay.takeOver())
        #expect(replay.refusal(of: plan) == nil)
        for request in [ConsoleRequest.arm(minutes: 5), .switchContext("prod", then: nil)] {
            #expect(replay.refusal(of: request) == "This is a recording.")
        }
    }

    @Test func theFileIsBoundedAndNeverOverwritten() throws {
        let path = "/tmp/kastellan-\(getpid())-bounded.kast"
        unlink(path)
        defer { unlink(path) }
        let recorder = try SessionRecorder(path, name: "x", isRedacted: false, bytesMax: 2000)
        for _ in 0..<1000 { recorder.input(.paste("0123456789"), isText: false) }
        #expect(recorder.finish().contains("ends there"))
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_size <= 2000 && status.st_size > 1500)
        #expect(try SessionReplay(path: path).recording.inputs.count > 50)
        #expect(throws: Failure.self) { try SessionRecorder(path, name: "x", isRedacted: false) }
        #expect(throws: Failure.self) { try SessionReplay(path: "/dev/null") }
    }
}
