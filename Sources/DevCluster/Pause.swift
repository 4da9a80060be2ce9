import Glibc

/// Sleeps on a demo thread, where there is nothing better to wait for.
enum Pause {
    static func milliseconds(_ count: Int64) {
        var wanted = timespec(tv_sec: Int(count / 1000), tv_nsec: Int(count % 1000) * 1_000_000)
        nanosleep(&wanted, nil)
    }
}
