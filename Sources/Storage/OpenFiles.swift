/// How many segments of a data directory keep their file open. A partition that nobody uses needs no descriptor: a process has far fewer
/// of them than a broker may have partitions. Over the limit, the file goes that has not been used for longest, roughly: it is given one
/// more turn when it was used since it was last looked at (the clock algorithm).
///
/// Owner: the broker's thread, as the segments.
final class OpenFiles {
    let max: Int
    /// From `first` on; what lies before has been looked at.
    private var ring: [Weak] = []
    private var first = 0

    /// A segment that is gone must not be kept for the sake of its place here.
    private struct Weak {
        weak var segment: Segment?
    }

    init(max: Int) { self.max = Swift.max(max, 1) }

    var count: Int { ring.count - first }

    /// A segment has opened its file and has no place here yet.
    func enter(_ segment: Segment) {
        ring.append(Weak(segment: segment))
        var turns = count
        while count > max, turns > 0 {
            turns -= 1
            let oldest = ring[first]
            first += 1
            guard let segment = oldest.segment, segment.hasOpenFile else {
                oldest.segment?.leaveRing()
                continue
            }
            if segment.takeUse(), turns > 0 {
                ring.append(oldest)
            } else {
                segment.letGo()
                segment.leaveRing()
            }
        }
        if first > 1024, first > ring.count / 2 {
            ring.removeFirst(first)
            first = 0
        }
    }
}
