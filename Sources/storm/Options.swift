import Wire

/// What the command line asks for.
struct Options {
    /// Requests of each API on each listener that serves it.
    var requests = 10_000
    var seed: UInt64 = 0
    var jobs = 2
    /// Only this API.
    var api: APIKey?
    /// Of one life, to see it again.
    var life: Int?
    var listener: String?
    /// A child that strikes one API and prints how far it is.
    var isWorker = false

    static let usage = """
        usage: storm [--requests N] [--seed S] [--jobs J] [--api NAME] [--listener NAME]
               storm --api NAME --listener NAME --seed S --life L

        Sends every API as many mutated requests, each to a whole broker in memory, and says what they did to it: crashes, requests that
        are never answered, answers that cannot be read, calls that take seconds, memory that grows. With --life: one broker's life again,
        each request printed before it is handled.
        """

    /// Nil where the words make no sense.
    init?(_ words: [String]) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--worker" {
                isWorker = true
                continue
            }
            guard let value = rest.popFirst() else { return nil }
            switch word {
            case "--requests":
                guard let number = Int(value), number > 0 else { return nil }
                requests = number
            case "--seed":
                guard let number = UInt64(value) else { return nil }
                seed = number
            case "--jobs":
                guard let number = Int(value), (1...64).contains(number) else { return nil }
                jobs = number
            case "--life":
                guard let number = Int(value), number >= 0 else { return nil }
                life = number
            case "--listener": listener = value
            case "--api":
                guard let key = APIKey.allCases.first(where: { $0.name == value }) else { return nil }
                api = key
            default: return nil
            }
        }
        if life != nil || isWorker, api == nil || listener == nil { return nil }
    }
}
