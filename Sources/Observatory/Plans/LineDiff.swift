/// Two texts line by line: what both have, what went, what came.
package enum LineDiff {
    /// Texts longer than this are shown as gone and come whole.
    package static let linesMax = 3000

    /// Every line of both, with a space, a minus or a plus before it; the longest common run of lines stays.
    package static func lines(_ before: [String], _ after: [String]) -> [String] {
        guard before.count <= linesMax, after.count <= linesMax else { return before.map { "-" + $0 } + after.map { "+" + $0 } }
        // lengths[i][j]: lines in common from i and j on.
        var lengths = Array(repeating: Array(repeating: Int32(0), count: after.count + 1), count: before.count + 1)
        for i in before.indices.reversed() {
            for j in after.indices.reversed() {
                lengths[i][j] = before[i] == after[j] ? lengths[i + 1][j + 1] + 1 : max(lengths[i + 1][j], lengths[i][j + 1])
            }
        }
        var out: [String] = []
        var (i, j) = (0, 0)
        while i < before.count || j < after.count {
            if i < before.count, j < after.count, before[i] == after[j] {
                out.append(" " + before[i])
                (i, j) = (i + 1, j + 1)
            } else if j == after.count || (i < before.count && lengths[i + 1][j] >= lengths[i][j + 1]) {
                out.append("-" + before[i])
                i += 1
            } else {
                out.append("+" + after[j])
                j += 1
            }
        }
        return out
    }
}
