/// Makes the program of an expression. Counted repetitions are written out, which is why the program's size is limited.
struct PatternCompiler {
    private var program: [PatternInstruction] = []
    /// Nodes written out, empty ones too: repetitions of nothing also end.
    private var steps = 0

    mutating func finish() -> [PatternInstruction] {
        program.append(.match)
        return program
    }

    mutating func compile(_ node: PatternNode) throws(TopicPattern.Invalid) {
        steps += 1
        guard program.count < TopicPattern.instructionsMax, steps < 4 * TopicPattern.instructionsMax else {
            throw TopicPattern.Invalid(reason: "expression too large")
        }
        switch node {
        case .empty: break
        case .letter(let set): program.append(.letter(set))
        case .at(let place): program.append(.at(place))
        case .sequence(let parts): for part in parts { try compile(part) }
        case .choice(let branches): try compile(branches)
        case .repeated(let part, let least, let most): try compile(part, least, most)
        }
    }

    private mutating func compile(_ branches: [PatternNode]) throws(TopicPattern.Invalid) {
        var ends: [Int] = []
        for (index, branch) in branches.enumerated() {
            if index == branches.count - 1 {
                try compile(branch)
                break
            }
            let split = program.count
            program.append(.match)
            try compile(branch)
            ends.append(program.count)
            program.append(.match)
            program[split] = .split(split + 1, program.count)
        }
        for end in ends { program[end] = .jump(program.count) }
    }

    private mutating func compile(_ part: PatternNode, _ least: Int, _ most: Int?) throws(TopicPattern.Invalid) {
        for _ in 0..<least { try compile(part) }
        guard let most else { return try compileLoop(part) }
        var splits: [Int] = []
        for _ in least..<max(most, least) {
            splits.append(program.count)
            program.append(.match)
            try compile(part)
        }
        for split in splits { program[split] = .split(split + 1, program.count) }
    }

    private mutating func compileLoop(_ part: PatternNode) throws(TopicPattern.Invalid) {
        let split = program.count
        program.append(.match)
        try compile(part)
        program.append(.jump(split))
        program[split] = .split(split + 1, program.count)
    }
}
