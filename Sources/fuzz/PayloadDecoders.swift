import Console
import Grid
import Payloads
import Primitives

/// What a message may hold, as the console shows it: formats that are guessed, and those that a schema is named for. Input: a byte that
/// says which, and the payload.
func decodePayload(_ input: Bytes) {
    guard !input.isEmpty else { return }
    let payload = input.dropFirst(1)
    switch input[0] % 6 {
    case 0: checkJSON(try? MessagePack.json(payload.array[...]))
    case 1: checkJSON(try? CBOR.json(payload.array[...]))
    case 2:
        guard let (json, _) = PayloadLook.guess(payload) else { return }
        precondition(payload.string == nil, "text was taken for something else")
        checkJSON(json.array)
    case 3: checkXML(payload.lossyString)
    case 4: decodeWithSchema(payload)
    default: readSchema(payload.lossyString)
    }
}

/// What a decoder made is one value of JSON.
private func checkJSON(_ text: [UInt8]?) {
    guard let text else { return }
    precondition(JSONTree(text) != nil, "what a payload was read as is no JSON")
}

/// Indenting changes blanks and nothing else, and what is indented stays as it is.
private func checkXML(_ text: String) {
    guard let lines = XMLPretty.lines(text) else { return }
    func marks(_ text: String) -> [UInt8] { text.utf8.filter { $0 > 0x20 } }
    var plain = marks(text)
    if plain.starts(with: [0xEF, 0xBB, 0xBF]) { plain.removeFirst(3) }
    let pretty = lines.joined(separator: "\n")
    precondition(marks(pretty) == plain, "indenting changed more than blanks")
    precondition(XMLPretty.lines(pretty) != nil, "what was indented is no document any more")
    for line in lines { precondition(XMLPretty.spans(line).map(\.text).joined() == line, "colouring changed a line") }
}

private let avroText = """
    {"type":"record","name":"R","fields":[{"name":"id","type":"long"},{"name":"tags","type":{"type":"array","items":"string"}},
    {"name":"more","type":{"type":"map","values":["null","double","R"]}},{"name":"sum","type":{"type":"bytes","logicalType":"decimal",
    "precision":9,"scale":2}},{"name":"kind","type":{"type":"enum","name":"E","symbols":["A","B"]}},
    {"name":"hash","type":{"type":"fixed","name":"F","size":4}},{"name":"next","type":["null","R"]}]}
    """

private let protoText = """
    syntax = "proto3"; message M { int64 id = 1; repeated sint32 steps = 2; map<string, M> parts = 3;
    oneof of { string name = 4; bytes raw = 5; }
    enum K { A = 0; B = 1; } K kind = 6; double rate = 7; fixed32 code = 8; M next = 9; }
    """

private func decodeWithSchema(_ payload: Bytes) {
    // Made each time: what a global holds, the search for leaks does not see to be held.
    guard let avro = try? AvroSchema(avroText), let proto = try? ProtoSchema(protoText) else { fatalError("the schemas can be read") }
    checkJSON(try? avro.json(payload.array[...]))
    checkJSON(try? proto.json(payload.array[...], message: "M"))
    checkJSON(try? proto.json(indexed: payload.array[...]))
}

/// A schema as a registry may serve it, and a few bytes read by it. Not one of Avro's: those are JSON, and libjq 1.6 leaks a few bytes of
/// some texts that are none, which would end the search.
private func readSchema(_ text: String) {
    if let schema = try? ProtoSchema(text) { checkJSON(try? schema.json(indexed: [0, 8, 1][...])) }
}
