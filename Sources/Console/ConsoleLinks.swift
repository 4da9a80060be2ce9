import Grid
import Primitives

/// Where what is selected is found in a browser: the user's own template, such as `https://ui.example/${context}/topics/${topic}`.
///
/// It is an address and stays one: what is filled in is percent-encoded, so that a topic's or a group's name changes nothing else of it,
/// and no shell sees any of it.
package struct LinkTemplate: Equatable, Sendable {
    package let name: String
    /// Views that it belongs to.
    package let contexts: [KeyContext]
    private let url: String

    /// What a template may name, besides `column.TITLE`.
    package static let fields = [
        "bootstrap", "broker", "context", "group", "offset", "partition", "row", "timestamp", "topic", "view",
    ]

    /// An error where it is no address of the web, or names what nothing has.
    package static func parse(name: String, url: String, contexts: [KeyContext]) -> Result<LinkTemplate, ConsoleFailure> {
        guard ["https://", "http://"].contains(where: { url.hasPrefix($0) && url.count > $0.count }) else {
            return .failure(ConsoleFailure("a link begins with https:// or http://"))
        }
        guard url.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return .failure(ConsoleFailure("a link is of ASCII letters and signs, without blanks"))
        }
        for part in url.split(separator: "$").dropFirst() where part.hasPrefix("{") {
            let named = String(part.dropFirst().prefix { $0 != "}" })
            guard fields.contains(named) || named.hasPrefix("column.") else {
                let all = fields.joined(separator: ", ")
                return .failure(ConsoleFailure("there is no ${\(Escape.line(named))}; a link has \(all) and column.TITLE"))
            }
        }
        return .success(LinkTemplate(name: name, contexts: contexts, url: url))
    }

    private init(name: String, contexts: [KeyContext], url: String) { (self.name, self.contexts, self.url) = (name, contexts, url) }

    func address(_ fields: [Console.Field]) -> Result<String, ConsoleFailure> {
        Console.filled(url, fields.map { ($0.name, LinkTemplate.encoded($0.value)) })
    }

    /// RFC 3986: all but what never means anything by itself.
    private static func encoded(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            let isPlain = (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            if isPlain || "-._~".utf8.contains(byte) {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                out += "%" + Escape.hexDigits(UInt32(byte), 2)
            }
        }
        return out
    }
}

extension Console {
    /// Those that belong to what is on the screen.
    var linksHere: [LinkTemplate] {
        let contexts = place.contexts
        return options.links.filter { $0.contexts.contains { contexts.contains($0) } }
    }

    /// The one link there is, or the choice among several.
    mutating func openLink() {
        guard !options.links.isEmpty else { return say(.info, "No links are set: links in kastellan.yaml, a name and a URL each.") }
        let here = linksHere
        switch here.count {
        case 0: say(.info, "No link belongs to this view.")
        case 1: open(here[0])
        default: overlay = .prompt(Prompt(.command, text: "link "))
        }
    }

    mutating func openLink(named name: String) {
        guard let link = linksHere.first(where: { $0.name == name }) else {
            let names = linksHere.map(\.name).joined(separator: ", ")
            return say(.warning, names.isEmpty ? "No link belongs to this view." : "No link \(name) here; there are \(names).")
        }
        open(link)
    }

    private mutating func open(_ link: LinkTemplate) {
        switch link.address(externalFields()) {
        case .success(let address): request(.openLink(name: link.name, address: address))
        case .failure(let failure): say(.warning, "\(link.name): \(failure.message)")
        }
    }

    /// The message that a tail, or the view of one, is about.
    var linkedMessage: TailMessage? { view.tail?.selectedMessage ?? trail.last { $0.tail != nil }?.tail?.selectedMessage }
}

extension Place {
    /// A tail, or one of its messages.
    var isAboutMessages: Bool {
        switch self {
        case .tail, .message: true
        default: false
        }
    }
}
