import Primitives
import Testing

/// Arrays and maps that share with their copies, held against plain ones.
@Suite struct SharedArrayTests {
    @Test(arguments: [UInt64(1), 2, 3, 4]) func doesWhatAnArrayDoes(seed: UInt64) {
        var generator = PRNG(seed: seed)
        var (plain, shared) = ([Int](), SharedArray<Int>())
        // Copies along the way must stay as they were when they were made.
        var kept: [([Int], SharedArray<Int>)] = []
        for step in 0..<1_500 {
            let place = plain.isEmpty ? 0 : Int(generator.next() % UInt64(plain.count))
            switch generator.next() % 8 {
            case 0, 1, 2:
                plain.append(step)
                shared.append(step)
            case 3:
                plain.insert(step, at: place)
                shared.insert(step, at: place)
            case 4 where !plain.isEmpty: #expect(plain.remove(at: place) == shared.remove(at: place))
            case 5, 6:
                guard !plain.isEmpty else { continue }
                plain[place] += 1
                shared[place] += 1
            default: if step % 50 == 0 { kept.append((plain, shared)) }
            }
            if step % 100 == 0 { #expect(Array(shared) == plain && shared.count == plain.count) }
        }
        #expect(Array(shared) == plain && shared == SharedArray(plain) && shared == SharedArray(whole: plain))
        for (plain, shared) in kept { #expect(Array(shared) == plain) }
    }

    /// What was changed since a copy was made is found, and of what was not changed nothing.
    @Test func onlyPiecesThatWereChangedAreApart() {
        let before = SharedArray(Array(0..<1_000))
        var after = before
        #expect(after.rangesApart(from: before).isEmpty)
        after[5] = -5
        after[700] = -7
        let ranges = after.rangesApart(from: before)
        #expect(ranges.count == 2 && ranges[0].contains(5) && ranges[1].contains(700))
        #expect(ranges.reduce(0) { $0 + $1.count } < 200 && after != before)
        // Put back it is the same again, though it no longer lies in the same memory.
        (after[5], after[700]) = (5, 700)
        #expect(after == before && !after.rangesApart(from: before).isEmpty)
        #expect(SharedArray(Array(0..<1_000)) == before)
        #expect(SharedArray(Array(0..<999)) != before && SharedArray(whole: Array(0..<1_000)) == before)
    }

    @Test func piecesThatFollowEachOtherAreOneRange() {
        let before = SharedArray(Array(0..<300))
        var after = before
        for index in after.indices { after[index] += 1 }
        #expect(after.rangesApart(from: before) == [0..<300])
        after.append(300)
        #expect(after.rangesApart(from: before) == [0..<300])
    }

    @Test(arguments: [UInt64(5), 6]) func aSharedMapDoesWhatAnOrderedOneDoes(seed: UInt64) {
        var generator = PRNG(seed: seed)
        var (plain, shared) = (OrderedMap<Int, Int>(), SharedMap<Int, Int>())
        for step in 0..<2_000 {
            let key = Int(generator.next() % 400)
            switch generator.next() % 5 {
            case 0, 1: (plain[key], shared[key]) = (step, step)
            case 2:
                let isThere = plain.update(key) { $0 += 1 } != nil
                #expect((shared.update(key) { $0 += 1 } != nil) == isThere)
            case 3: #expect(plain.remove(key) == shared.remove(key))
            default: #expect(plain[key] == shared[key] && plain.index(of: key) == shared.index(of: key))
            }
        }
        plain.removeAll { key, _ in key % 3 == 0 }
        shared.removeAll { key, _ in key % 3 == 0 }
        #expect(plain.keys == shared.keys && plain.values == Array(shared.values) && shared.count > 50)
        #expect(SharedMap(plain.map { ($0.key, $0.value) }) == shared)
    }
}
