import ClientCore
import Console
import Observatory
import Primitives

/// `kastellan record` and `kastellan replay`: a session as a file, and that file as a session.
enum RecordingCommands {
    static func record(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let settings = try ClientSettings(invocation)
        var options = try ConsoleCommand.options(invocation, name: settings.name, refreshSeconds: 2)
        options.gate = settings.gate(isReadOnly: invocation.isSet("--readonly"))
        options.masks = MessageMasks(options.masks.book, of: settings.context)
        if let who = options.masks.requiredBy, !invocation.isSet("--redact") {
            throw .usage("\(who); record --redact leaves messages out")
        }
        if !invocation.isSet("--readonly") { options.mode = ConsoleSession.mode(of: options.gate) }
        let mebibytes = Int(invocation.integer("--max-size") ?? Int64(SessionRecorder.bytesMax >> 20))
        let recorder = try SessionRecorder(
            invocation.positionals[0], name: settings.name, isRedacted: invocation.isSet("--redact"), bytesMax: mebibytes << 20)
        options.recorder = recorder
        let end = ConsoleSession.run(.known(settings.bootstrap, settings.security), options: options)
        Streams.complain("recorded " + recorder.finish())
        return try ConsoleCommand.status(end)
    }

    static func replay(_ invocation: Invocation) throws(Failure) -> ExitStatus {
        let replay = try SessionReplay(
            path: invocation.positionals[0], playsKeys: !invocation.isSet("--no-keys"), speed: invocation.integer("--speed") ?? 1,
            isPaused: invocation.isSet("--paused"))
        var options = try ConsoleCommand.options(invocation, name: replay.recording.opening.name, refreshSeconds: 2)
        options.play(replay)
        return try ConsoleCommand.status(ConsoleSession.run(ConsoleSessionOptions.recorded, options: options))
    }
}

extension ConsoleSessionOptions {
    /// A cluster that is nowhere.
    static let recorded = ConsoleTarget.known([ServerAddress(host: "recording", port: 0)])

    /// Plays a recording in the cluster's stead: nothing can be changed, nothing goes into a history, and whatever the recording says, no
    /// program of the user's is run for it.
    mutating func play(_ replay: SessionReplay) {
        self.replay = replay
        (mode, gate) = (.readOnly, .closed("This is a recording."))
        (historyPath, registry, connect) = (nil, nil, ConnectAccess())
        (contexts, commands, alerts) = ([], [], [])
        resolve = { _ in .failure(ConsoleFailure("This is a recording.")) }
        refreshMs = max(200, refreshMs / max(1, replay.state.speed))
    }
}
