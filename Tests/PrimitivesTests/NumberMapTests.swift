import Primitives
import Testing

@Suite struct NumberMapTests {
    @Test func holdsWhatADictionaryHolds() {
        var random = PRNG(seed: 7)
        var map = NumberMap<Int>()
        var model: [UInt64: Int] = [:]
        for step in 0..<20_000 {
            // Few keys, so that they meet: some beside each other, some that share their low bits.
            let key = random.next() % 300 << (random.next() % 2 == 0 ? 0 : 40)
            switch random.next() % 4 {
            case 0: #expect(map.removeValue(forKey: key) == model.removeValue(forKey: key))
            case 1:
                map.update(key) { $0 += 1 }
                if let value = model[key] { model[key] = value + 1 }
            default: (map[key], model[key]) = (step, step)
            }
            #expect(map.count == model.count)
        }
        for key in 0..<UInt64(300) {
            #expect(map[key] == model[key])
            #expect(map[key << 40] == model[key << 40])
            #expect(map.contains(key) == (model[key] != nil))
        }
    }

    @Test func takesNilForGoing() {
        var map = NumberMap<String>()
        #expect(map[0] == nil)
        #expect(map.removeValue(forKey: 3) == nil)
        map[0] = "a"
        map[.max - 1] = "b"
        map[0] = nil
        #expect(map[0] == nil)
        #expect(map[.max - 1] == "b")
        #expect(map[.max] == nil)
        #expect(map.sortedKeys == [.max - 1])
        #expect(map.count == 1)
    }
}
