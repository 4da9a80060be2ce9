import CLinux
import Glibc

/// Tells when a file in some folders was written anew: editors write beside a file and move it there, so folders are watched, not files.
final class SkinWatch {
    let descriptor: Int32

    /// Nil where nothing can be watched. Folders that are not there are passed over.
    init?(_ folders: [String]) {
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { return nil }
        let mask = UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO)
        for folder in folders { inotify_add_watch(descriptor, folder, mask) }
    }

    deinit { close(descriptor) }

    /// Whether something was written since last asked. Which file does not matter: a theme is read in a millisecond.
    func takeChange() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var isChanged = false
        while read(descriptor, &bytes, bytes.count) > 0 { isChanged = true }
        return isChanged
    }
}
