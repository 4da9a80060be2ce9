import Primitives

/// The latest offset of every key in a stretch of log, in a bounded piece of memory: 24 bytes a key, whatever the keys' lengths, because
/// only their hashes are kept. Two keys whose 128 bits are the same would be taken for one; that does not happen.
final class CleanerMap {
    private struct Slot {
        var hash: KeyHash
        /// -1 where the slot is free.
        var offset: Int64
    }

    static let slotSize = MemoryLayout<Slot>.stride

    private let slots: UnsafeMutablePointer<Slot>
    let capacity: Int
    private let countMax: Int
    private let secret: KeyHash.Secret
    private(set) var count = 0
    /// The largest offset that was looked at.
    private(set) var latestOffset = Offset.none

    /// `keysMax` is how many keys it may have to hold, where that is known: memory is taken for no more than those. `bytesMax` bounds it.
    init(keysMax: Int, bytesMax: Int, loadFactor: Double, secret: KeyHash.Secret) {
        let factor = min(0.95, max(0.1, loadFactor))
        let wanted = Int((Double(keysMax) / factor).rounded(.up)) + 2
        capacity = max(2, min(wanted, bytesMax / CleanerMap.slotSize))
        countMax = max(1, min(capacity - 1, Int(Double(capacity) * factor)))
        self.secret = secret
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: Slot(hash: KeyHash(Self.nothing, count: 0, secret: secret), offset: -1), count: capacity)
    }

    deinit { slots.deallocate() }

    private static var nothing: UnsafeRawPointer { Bytes.empty.pointer }

    private func slot(of hash: KeyHash) -> UnsafeMutablePointer<Slot> {
        var index = Int(hash.low.multipliedFullWidth(by: UInt64(capacity)).high)
        while slots[index].offset >= 0, slots[index].hash != hash { index = index + 1 == capacity ? 0 : index + 1 }
        return slots + index
    }

    /// Notes that the key stands at `offset`. False, and nothing noted, where the key is new and there is no room.
    func put(_ key: UnsafeRawPointer, _ count: Int, _ offset: Offset) -> Bool {
        let hash = KeyHash(key, count: count, secret: secret)
        let slot = slot(of: hash)
        if slot.pointee.offset < 0 {
            guard self.count < countMax else { return false }
            self.count += 1
            slot.pointee.hash = hash
        }
        slot.pointee.offset = offset.rawValue
        latestOffset = max(latestOffset, offset)
        return true
    }

    /// Everything up to `offset` has been looked at.
    func seen(_ offset: Offset) { latestOffset = max(latestOffset, offset) }

    /// The latest offset of the key, nil where the stretch has none of it.
    func latest(_ key: UnsafeRawPointer, _ count: Int) -> Offset? {
        let slot = slot(of: KeyHash(key, count: count, secret: secret))
        return slot.pointee.offset < 0 ? nil : Offset(slot.pointee.offset)
    }
}
