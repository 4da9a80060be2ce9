import Primitives
import Records

// Finding things in a segment: through the sparse indexes to the neighbourhood, then along the batch headers.
extension Segment {
    /// A batch's header and where it begins.
    typealias Place = (header: BatchHeader, position: Int)

    /// The first batch whose last offset is not below `offset`: the one that holds it, or the next where compaction left a gap. Throws
    /// `.damaged` where the headers or the index contradict each other.
    ///
    /// The batch that is found is held against its checksum by whoever gets it. What was passed over for it nobody will see, so a gap is
    /// believed only where the batch before it is good, and the one behind it not contradicted.
    func find(_ offset: Offset) throws(LogError) -> Place? {
        let start = try floorPosition(offset + -1)
        var scan = HeaderScan(try file(), from: start, to: size, damage: damage)
        var before: Place?
        while let place = try scan.next() {
            // An entry stands for a batch below the offset it was found for: an index that says otherwise is rotten.
            if place.position == start, start > 0, place.header.baseOffset >= offset {
                throw .damaged("\(path(.offsetIndex)): no batch before offset \(offset) at \(start)")
            }
            if place.header.baseOffset < before?.header.nextOffset ?? baseOffset { throw outOfPlace(place) }
            if place.header.lastOffset >= offset {
                guard place.header.baseOffset > offset else { return place }
                if let before, try !scan.isSound(before) { throw outOfPlace(before) }
                if let behind = try scan.next(), behind.header.baseOffset < place.header.nextOffset { throw outOfPlace(place) }
                return place
            }
            before = place
        }
        if let before, try !scan.isSound(before) { throw outOfPlace(before) }
        return nil
    }

    func outOfPlace(_ place: Place) -> LogError {
        .damaged("\(path(.log)): the batch of offset \(place.header.baseOffset) at \(place.position) is rotten, or out of place")
    }

    /// The last batch boundary at or before `limit`, looking from the boundary `start` on.
    func boundary(from start: Int, notBeyond limit: Int) throws(LogError) -> Int {
        guard limit < size else { return size }
        var scan = HeaderScan(try file(), from: max(start, try floorPosition(position: limit)), to: size, damage: damage)
        while let place = try scan.next() {
            if place.position + place.header.sizeInBytes > limit { return place.position }
        }
        return size
    }

    /// Where to begin looking for `offset`.
    func floorPosition(_ offset: Offset) throws(LogError) -> Int {
        let relative = offset - baseOffset
        if isLoaded { return offsets.floor(relative).map { Int($0.position) } ?? 0 }
        return try probe { (relativeOffset, _) in Int64(relativeOffset) <= relative }
    }

    private func floorPosition(position: Int) throws(LogError) -> Int {
        if isLoaded { return offsets.floor(position: position).map { Int($0.position) } ?? 0 }
        return try probe { (_, entryPosition) in Int(entryPosition) <= position }
    }

    /// Binary search in the file of the offset index: the position of the last entry for which `isBelow` holds, 0 before the first.
    private func probe(_ isBelow: (Int32, Int32) -> Bool) throws(LogError) -> Int {
        let entrySize = OffsetIndex.entrySize
        let file: any DiskFile
        do { file = try disk.open(path(.offsetIndex), create: false) } catch .notFound(let text) { throw .damaged(text) } catch {
            throw .disk(error)
        }
        let count = file.size / entrySize
        var found = 0
        _ = try partitionPoint(count) { (index) throws(LogError) in
            let bytes = try onDisk { () throws(DiskError) in try file.read(at: index * entrySize, count: entrySize) }
            guard bytes.count == entrySize else { return false }
            let position: Int32 = bytes.load(4)
            guard position >= 0, Int(position) < size else { return false }
            // Zeros behind the first entry are the padding of a preallocated file.
            if index > 0 && position == 0 { return false }
            guard isBelow(bytes.load(0), position) else { return false }
            found = max(found, Int(position))
            return true
        }
        return found
    }

    /// The first record at or after `timestamp` and not below `least`.
    func find(
        timestamp: Timestamp, notBelow least: Offset, codecs: Codecs
    ) throws(LogError) -> TimestampOffset? {
        var scan = HeaderScan(try file(), from: try floorPosition(max(least, try floorOffset(timestamp))), to: size, damage: damage)
        while let place = try scan.next() {
            guard place.header.lastOffset >= least, place.header.maxTimestamp >= timestamp, !place.header.isControl else { continue }
            let match = { (record: Record) in record.timestamp >= timestamp && record.offset >= least }
            if let found = try record(at: place, codecs, match) { return found }
        }
        return nil
    }

    /// An offset at or before the first record that is at least as new as `timestamp`.
    private func floorOffset(_ timestamp: Timestamp) throws(LogError) -> Offset {
        // The entry itself may be the one looked for, and several batches may share its timestamp, so what is wanted is the entry of
        // the largest timestamp below the one asked for.
        let wanted = timestamp.milliseconds - (timestamp.milliseconds == .min ? 0 : 1)
        let index = isLoaded ? times : try readIfThere(.timeIndex).flatMap(TimeIndex.read) ?? TimeIndex()
        return index.floor(wanted).map { baseOffset + Int64($0.relativeOffset) } ?? baseOffset
    }

    /// The first record with the segment's largest timestamp.
    func newestRecord(codecs: Codecs) throws(LogError) -> TimestampOffset? {
        let newest = try newestTimestamp()
        guard newest.timestamp.milliseconds >= 0, let place = try find(newest.offset) else { return nil }
        return try record(at: place, codecs) { $0.timestamp >= newest.timestamp }
    }

    private func record(at place: Place, _ codecs: Codecs, _ match: (Record) -> Bool) throws(LogError) -> TimestampOffset? {
        let batch = try batch(at: place)
        let records: [Record]
        do { records = try batch.records(codecs) } catch { throw .batch(error) }
        guard let record = records.first(where: match) else { return nil }
        let epoch = place.header.partitionLeaderEpoch
        return TimestampOffset(offset: record.offset, timestamp: record.timestamp, leaderEpoch: epoch)
    }

    /// The whole batch at a place.
    func batch(at place: Place) throws(LogError) -> RecordBatch {
        let file = try file()
        let length = place.header.sizeInBytes
        let bytes = try onDisk { () throws(DiskError) in try file.read(at: place.position, count: length) }
        guard bytes.count == length else { throw .damaged("\(file.path) ends within the batch at \(place.position)") }
        return RecordBatch(header: place.header, bytes: bytes)
    }
}
