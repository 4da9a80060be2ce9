/// Small text tools: this program uses no Foundation either.

func trimmed(_ text: some StringProtocol) -> String {
    var view = Substring(text)
    while let first = view.first, first == " " || first == "\t" { view.removeFirst() }
    while let last = view.last, last == " " || last == "\t" || last == "\r" { view.removeLast() }
    return String(view)
}

func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f: true
    default: false
    }
}

/// Where `needle` stands in `line`, as byte positions. With `wholeWord`, only where no letter, digit or underscore touches it.
func positions(of needle: String, in line: String, wholeWord: Bool = true) -> [Int] {
    let (hay, word) = (Array(line.utf8), Array(needle.utf8))
    guard !word.isEmpty, hay.count >= word.count else { return [] }
    var found: [Int] = []
    for start in 0...(hay.count - word.count) where hay[start] == word[0] {
        guard hay[start..<(start + word.count)].elementsEqual(word) else { continue }
        let before = start > 0 && isWordByte(hay[start - 1]) && isWordByte(word[0])
        let end = start + word.count
        let after = end < hay.count && isWordByte(hay[end]) && isWordByte(word[word.count - 1])
        if !wholeWord || (!before && !after) { found.append(start) }
    }
    return found
}

func contains(_ line: String, _ needle: String, wholeWord: Bool = true) -> Bool {
    !positions(of: needle, in: line, wholeWord: wholeWord).isEmpty
}

/// The identifiers of a line in order.
func words(_ line: String) -> [String] {
    line.utf8.split(whereSeparator: { !isWordByte($0) }).map { String(decoding: $0, as: UTF8.self) }
}

/// What stands between the double quotes of a line of plain Swift or Python, escapes left as they are.
func stringLiterals(_ line: String) -> [String] {
    let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
    return parts.indices.filter { $0 % 2 == 1 && $0 < parts.count - 1 }.map { String(parts[$0]) }
}
