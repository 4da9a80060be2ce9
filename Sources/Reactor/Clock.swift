import CLinux
import Glibc
import Primitives

/// The system's clocks, read by shells and handed to the core with each event.
package enum SystemClock {
    package static func instant() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    package static func wall() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package static func now() -> Now { Now(instant: instant(), wall: wall()) }

    /// A seed for the core's generators, from the system's randomness.
    package static func seed() -> UInt64 { UInt64.random(in: .min ... .max) }
}

/// Lets this process have as many descriptors as the system allows it: partitions in use keep a file open, each client a socket.
package func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
}

/// How many descriptors this process may have.
package func descriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit) == 0 else { return 1024 }
    return Int(min(limit.rlim_cur, 1 << 30))
}

/// The system's own words for an error number.
package func systemMessage(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard let text = strerror_r(code, &buffer, buffer.count) as Int32?, text == 0 else { return "error \(code)" }
    return buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
}
