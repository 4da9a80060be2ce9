import Primitives

/// A story in a text file: commands, `----`, what they print; blocks are separated by blank lines, and lines that begin with `#` explain.
///
///     # A leader that dies is replaced by one that has everything.
///     cluster brokers=3
///     topic t replicas=3 min.insync.replicas=2
///     produce t a b
///     ----
///     t-0: offset 0
///
/// What each command does stands with `ScenarioRunner`.
package struct Scenario {
    package struct Block {
        package var commands: [String]
        package var expected: [String]
        /// Comments and blank lines before it, kept when the file is written anew.
        package var preamble: [String]
    }

    package var blocks: [Block] = []
    /// What stands behind the last block.
    package var ending: [String] = []

    package init(_ text: String) {
        var preamble: [String] = []
        var commands: [String] = []
        var expected: [String] = []
        var isOutput = false
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) } + [""]
        for line in lines {
            if isOutput {
                if line.isEmpty {
                    blocks.append(Block(commands: commands, expected: expected, preamble: preamble))
                    (preamble, commands, expected, isOutput) = ([""], [], [], false)
                } else {
                    expected.append(line)
                }
            } else if line == "----" {
                isOutput = true
            } else if line.isEmpty || line.hasPrefix("#") {
                if commands.isEmpty { preamble.append(line) } else { commands.append(line) }
            } else {
                commands.append(line)
            }
        }
        ending = commands
    }

    /// The file with these outputs in place of the expected ones.
    package func text(_ outputs: [[String]]) -> String {
        var lines: [String] = []
        for (block, output) in zip(blocks, outputs) { lines += block.preamble + block.commands + ["----"] + output }
        return lines.joined(separator: "\n") + "\n"
    }
}
