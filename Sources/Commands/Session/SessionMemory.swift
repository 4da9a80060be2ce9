import CLinux
import Primitives
import Reactor

/// Keeps a console's memory near to what it uses. Pictures of a large cluster are made and dropped all the time, in arrays of megabytes:
/// left to itself the C library keeps their room, in pieces, in an arena for each thread.
struct SessionMemory {
    /// Room that is kept for what comes next.
    private static let spareBytes = 12 << 20
    private static let firstMs: Int64 = 3_000
    private static let againMs: Int64 = 20_000

    private var nextAt = Instant.zero

    /// Before anything large is made. Not where brokers run in this process: their threads would wait for each other in one arena.
    static func prepare() { kastellan_memory_prepare() }

    /// Gives back what is free, now and then; between two pictures.
    mutating func tend(now: Instant) {
        if nextAt == .zero { nextAt = now.adding(milliseconds: SessionMemory.firstMs) }
        guard nextAt <= now else { return }
        nextAt = now.adding(milliseconds: SessionMemory.againMs)
        if kastellan_memory_spare() > SessionMemory.spareBytes { kastellan_memory_trim() }
    }
}
