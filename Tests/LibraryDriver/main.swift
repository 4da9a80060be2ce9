// The client library as a process that tests in other languages drive: one producer, consumer, admin client or group member, made with the
// settings that the command line names. Commands and answers are lines (see Lines.swift); Tests/Foreign/library.py is the other end.
//
//     librarydriver producer|consumer|admin KEY=VALUE …
//     librarydriver member TOPIC KEY=VALUE …
//
// A key "partitioner" is the driver's own: sticky, roundRobin, or last (a custom one that takes the last partition).

import Client
import Glibc

func partitioner(_ name: String?) -> Partitioner? {
    switch name {
    case "sticky": .sticky
    case "roundRobin": .roundRobin
    case "standard": .standard
    case "last": .custom { _, count in count - 1 }
    default: nil
    }
}

var words = CommandLine.arguments.dropFirst()
guard let role = words.popFirst() else { fatalError("usage: librarydriver producer|consumer|admin|member …") }
let topic = role == "member" ? words.popFirst() ?? "" : ""
var properties: [String: String] = [:]
for word in words {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    properties[parts[0]] = parts.count == 2 ? parts[1] : ""
}
let chosen = partitioner(properties.removeValue(forKey: "partitioner"))

do {
    let configuration = try ClientConfiguration(properties: properties)
    switch role {
    case "producer":
        let driven = try DrivenProducer(configuration, partitioner: chosen)
        Reply().finish()
        await serve { try await driven.carryOut($0, &$1, &$2) }
    case "consumer":
        let driven = try DrivenConsumer(configuration)
        Reply().finish()
        await serve { try await driven.carryOut($0, &$1, &$2) }
    case "admin":
        let driven = try DrivenAdmin(configuration)
        Reply().finish()
        await serve { try await driven.carryOut($0, &$1, &$2) }
    case "member": try await beMember(topic, configuration)
    default: fatalError("no such role: \(role)")
    }
} catch {
    if role == "member" { say("\(error)\n", to: 2) }
    Reply().finish(error)
    exit(1)
}
