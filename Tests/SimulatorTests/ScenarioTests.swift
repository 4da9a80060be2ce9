import Glibc
import Testing

@testable import Simulator

/// The stories in Scenarios/: each file is played and must print what it says. KASTELLAN_UPDATE_GOLDENS=1 writes what it printed.
@Suite struct ScenarioTests {
    static let folder = String(#filePath[..<#filePath.lastIndex(of: "/")!]) + "/Scenarios"

    static var names: [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".txt") { names.append(name) }
        }
        return names.sorted()
    }

    @Test(arguments: names) func aStoryGoesAsWritten(name: String) throws {
        let path = ScenarioTests.folder + "/" + name
        let scenario = Scenario(try #require(read(path)))
        #expect(!scenario.blocks.isEmpty)
        let runner = ScenarioRunner()
        let outputs = scenario.blocks.map { runner.run($0) }
        if getenv("KASTELLAN_UPDATE_GOLDENS") != nil { return write(path, scenario.text(outputs)) }
        for (block, output) in zip(scenario.blocks, outputs) where block.expected != output {
            let said = output.joined(separator: "\n")
            let wanted = block.expected.joined(separator: "\n")
            let trace = runner.trace.suffix(40).joined(separator: "\n")
            Issue.record("\(name): \(block.commands.first ?? "")\nexpected:\n\(wanted)\nbut:\n\(said)\n\(trace)")
        }
    }

    private func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[0..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func write(_ path: String, _ text: String) {
        guard let file = fopen(path, "w") else { return }
        fputs(text, file)
        fclose(file)
    }
}
