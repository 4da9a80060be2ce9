import Primitives
import TestSupport
import Testing
import Wire

@testable import Groups

/// A share partition under whatever members, clocks, writes and logs do, held against a table of offsets that knows nothing of ranges.
@Suite struct SharePartitionRandomTests {
    /// What is known of one offset.
    struct Fate: Equatable {
        var state = ShareDeliveryState.available
        var count: Int16 = 0
        var memberID = ""
        var lockedUntil = Instant.distantFuture
        var write: UInt64 = 0
        var next = ShareDeliveryState.available
    }

    struct Model {
        var random: PRNG
        var leader: SharePartitionLeader
        var limits = SharePartitionLimits()
        var now = Instant.zero
        var fates: [Int64: Fate] = [:]
        var log: [ShareLogBatch] = []
        var logStart: Int64 = 0
        var logEnd: Int64 = 0
        var writes: [UInt64] = []
        var start: Int64 = 0
        /// Offsets whose acceptance was answered.
        var accepted: Set<Int64> = []

        init(seed: UInt64) {
            random = PRNG(seed: seed)
            leader = SharePartitionLeader(startOffset: 0, stateEpoch: 1)
            limits.deliveryCountMax = 3
            limits.locksMax = 40
            limits.lockMs = 1000
        }

        mutating func below(_ bound: UInt64) -> Int64 { Int64(random.next() % bound) }
        mutating func member() -> String { ["a", "b", "c"][Int(below(3))] }

        mutating func step() throws {
            switch below(20) {
            case 0...3: produce()
            case 4...8: acquire()
            case 9...13: try acknowledge()
            case 14...15: finish()
            case 16: expire()
            case 17: release()
            case 18 where below(6) == 0: trim()
            default: now = now.adding(milliseconds: below(400))
            }
            check()
        }

        private mutating func produce() {
            // Compaction left a gap here and there.
            if below(6) == 0 { logEnd += below(4) }
            let last = logEnd + below(6)
            log.append(ShareLogBatch(first: logEnd, last: last, isHidden: below(8) == 0))
            logEnd = last + 1
        }

        private mutating func acquire() {
            guard let next = leader.nextFetchOffset(limits) else { return }
            let asked = ShareAcquisition(memberID: member(), recordsMax: 1 + below(12), batchSize: 1 + below(8), isStrict: below(2) == 0)
            let batches = log.filter { $0.last >= next }
            let taken = leader.acquire(batches, asked, limits, now: now)
            var count: Int64 = 0
            for range in taken.acquired {
                for offset in range.first...range.last {
                    let before = fates[offset] ?? Fate()
                    #expect(before.state == .available, "\(offset) was \(before.state) and is given out")
                    #expect(!accepted.contains(offset), "\(offset) was accepted and is given out")
                    #expect(range.deliveryCount == before.count + 1)
                    #expect(log.contains { $0.first <= offset && offset <= $0.last && !$0.isHidden }, "\(offset) has no record")
                    fates[offset] = Fate(
                        state: .acquired, count: before.count + 1, memberID: asked.memberID,
                        lockedUntil: now.adding(milliseconds: limits.lockMs))
                    count += 1
                }
            }
            if asked.isStrict { #expect(count <= asked.recordsMax) }
            for batch in taken.archived {
                for offset in batch.firstOffset...batch.lastOffset {
                    #expect((fates[offset] ?? Fate()).state == .available)
                    #expect(!log.contains { $0.first <= offset && offset <= $0.last && !$0.isHidden }, "\(offset) has a record")
                    fates[offset] = Fate(state: .archived, count: fates[offset]?.count ?? 0)
                }
            }
        }

        private mutating func acknowledge() throws {
            let (from, memberID) = (max(0, leader.startOffset - 2) + below(30), member())
            let length = 1 + below(6)
            var batch = AcknowledgementBatch()
            (batch.firstOffset, batch.lastOffset) = (from, from + length - 1)
            batch.acknowledgeTypes = below(2) == 0 ? [Int8(below(5))] : []
            if batch.acknowledgeTypes.isEmpty { for _ in 0..<length { batch.acknowledgeTypes.append(Int8(below(5))) } }
            let range = batch.firstOffset...batch.lastOffset
            let meant = range.filter { $0 >= leader.startOffset }
            let isPast = !meant.isEmpty && batch.lastOffset >= leader.endOffset
            let isTheirs = meant.allSatisfy {
                let fate = fates[$0] ?? Fate()
                return fate.state == .acquired && fate.memberID == memberID && fate.write == 0
            }
            do throws(ShareRefusal) {
                let taken = try leader.acknowledge([batch], by: memberID, limits, now: now)
                #expect(isTheirs && !isPast)
                for offset in meant {
                    let type = batch.acknowledgeTypes[batch.acknowledgeTypes.count == 1 ? 0 : Int(offset - from)]
                    note(offset, type, taken?.write)
                }
                if let taken { writes.append(taken.write) }
            } catch {
                #expect(isPast || !isTheirs, "\(error)")
            }
        }

        private mutating func note(_ offset: Int64, _ type: Int8, _ write: UInt64?) {
            var fate = fates[offset] ?? Fate()
            if type == 4 {
                fate.lockedUntil = now.adding(milliseconds: limits.lockMs)
            } else {
                #expect(write != nil)
                fate.write = write ?? 0
                fate.next = type == 1 ? .acknowledged : type == 2 ? returned(fate) : .archived
            }
            fates[offset] = fate
        }

        private func returned(_ fate: Fate) -> ShareDeliveryState { fate.count >= limits.deliveryCountMax ? .archived : .available }

        private mutating func finish() {
            guard !writes.isEmpty else { return }
            let index = Int(below(UInt64(writes.count)))
            let write = writes.remove(at: index)
            let isDone = below(4) != 0
            leader.written(write, isDone: isDone)
            for (offset, fate) in fates where fate.write == write {
                if isDone {
                    if fate.next == .acknowledged { accepted.insert(offset) }
                    fates[offset] = Fate(state: fate.next, count: fate.count)
                } else {
                    fates[offset]?.write = 0
                }
            }
        }

        private mutating func expire() {
            let now = now
            let changed = leader.expireLocks(limits, now: now)
            comeBack(changed) { $0.lockedUntil <= now }
        }

        private mutating func release() {
            let memberID = member()
            let changed = leader.release(memberID, limits)
            comeBack(changed) { $0.memberID == memberID }
        }

        private mutating func comeBack(_ changed: [ShareStateBatch], where isMeant: (Fate) -> Bool) {
            var told: Set<Int64> = []
            for batch in changed { told.formUnion(batch.firstOffset...batch.lastOffset) }
            for (offset, fate) in fates where offset >= leader.startOffset || told.contains(offset) {
                let comes = fate.state == .acquired && fate.write == 0 && isMeant(fate)
                #expect(told.contains(offset) == comes, "\(offset)")
                if comes { fates[offset] = Fate(state: returned(fate), count: fate.count) }
            }
        }

        private mutating func trim() {
            guard logEnd > logStart else { return }
            logStart += below(UInt64(logEnd - logStart))
            leader.logStarts(at: logStart)
            for (offset, _) in fates where offset < leader.startOffset { fates[offset] = nil }
        }

        func check() {
            #expect(leader.startOffset >= start, "the start goes back")
            var next = leader.startOffset
            for run in leader.runs {
                #expect(run.first == next && run.last >= run.first, "each offset is in one run")
                next = run.last + 1
            }
            #expect(next == leader.endOffset)
            #expect(leader.runs.first?.state.isTerminal != true, "what is done with is behind the start")
            for offset in leader.startOffset..<leader.endOffset {
                let (fate, state) = (fates[offset] ?? Fate(), leader.state(of: offset))
                #expect(state?.state == fate.state && state?.deliveryCount == fate.count, "\(offset)")
                if fate.state == .acquired { #expect(leader.isAcquired(offset, by: fate.memberID)) }
            }
            let locked = fates.filter { $0.key >= leader.startOffset && $0.value.state == .acquired && $0.value.write == 0 }
            #expect(leader.nextLockEnd == locked.values.map(\.lockedUntil).min() ?? .distantFuture)
        }

        mutating func note() { start = leader.startOffset }
    }

    @Test(arguments: seeds(40)) func eachOffsetHasOneFate(seed: UInt64) throws {
        var model = Model(seed: seed)
        for _ in 0..<400 {
            try model.step()
            model.note()
        }
    }

    /// Whatever happened before: members that accept all they get come to the end of the log.
    @Test(arguments: seeds(20)) func inTheEndEverythingIsDoneWith(seed: UInt64) throws {
        var model = Model(seed: seed &+ 1000)
        for _ in 0..<200 {
            try model.step()
            model.note()
        }
        for write in model.writes { model.leader.written(write, isDone: true) }
        model.now = model.now.adding(milliseconds: 5000)
        _ = model.leader.expireLocks(model.limits, now: model.now)
        for _ in 0..<1000 {
            guard let next = model.leader.nextFetchOffset(model.limits), next < model.logEnd else { break }
            let asked = ShareAcquisition(memberID: "z", recordsMax: 10, batchSize: 10, isStrict: false)
            let taken = model.leader.acquire(model.log.filter { $0.last >= next }, asked, model.limits, now: model.now)
            for range in taken.acquired {
                var batch = AcknowledgementBatch()
                (batch.firstOffset, batch.lastOffset, batch.acknowledgeTypes) = (range.first, range.last, [1])
                let written = try #require(try model.leader.acknowledge([batch], by: "z", model.limits, now: model.now))
                model.leader.written(written.write, isDone: true)
            }
        }
        #expect(model.leader.startOffset >= (model.log.last { !$0.isHidden }?.last ?? -1) + 1 || model.log.isEmpty)
        #expect(model.leader.runs.allSatisfy { $0.state != .acquired })
    }
}
