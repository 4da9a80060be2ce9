import Primitives
import Synchronization

/// The schemas that payloads name, read from the registry once each and kept. From any thread.
///
/// Payloads name their schema in one of two ways: by a zero byte and a number of four bytes before the value, or by the headers
/// `__key_schema_id` and `__value_schema_id` (Confluent 8), which hold a one and a UUID, or a zero and the number.
///
/// Bounded: at most `schemasMax` schemas are kept. What the registry could not say is asked again after `retryMs`.
package final class SchemaBook: Sendable {
    package enum Name: Hashable, Sendable {
        case id(Int32)
        case guid(String)

        package var text: String {
            switch self {
            case .id(let id): "\(id)"
            case .guid(let guid): guid
            }
        }
    }
    /// A payload taken apart: which schema, and what is to be read by it.
    package struct Named: Equatable, Sendable {
        package var name: Name
        package var payload: Bytes
    }
    package enum Reading: Equatable, Sendable {
        /// The schema is being fetched; `arrived` will be called.
        case pending
        /// JSON, and by what it was read.
        case json(Bytes, String)
        /// Why it cannot be read.
        case failed(String)
    }
    private enum Page: Sendable {
        case pending
        case schema(PayloadSchema, SchemaRegistry.Format)
        case failed(String, at: Instant)
    }

    package static let schemasMax = 2000
    package static let retryMs: Int64 = 30_000

    private let registry: SchemaRegistry
    private let pages = Mutex<[Name: Page]>([:])
    /// Runs what fetches: at once where the caller may wait, else on a thread of its own.
    private let run: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let clock: @Sendable () -> Instant
    private let arrived = Mutex<@Sendable () -> Void>({})

    package init(
        _ registry: SchemaRegistry, clock: @escaping @Sendable () -> Instant,
        run: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        self.registry = registry
        self.clock = clock
        self.run = run
    }

    /// Called whenever a schema that was pending is there, or is known not to be.
    package func onArrival(_ action: @escaping @Sendable () -> Void) { arrived.withLock { $0 = action } }

    /// Nil where the payload names no schema.
    package static func named(_ payload: Bytes?, header: Bytes?) -> Named? {
        guard let payload else { return nil }
        if let header, !header.isEmpty {
            let bytes = header.array
            if bytes[0] == 1, bytes.count >= 17 {
                let hex = Bytes(Array(bytes[1..<17])).hex
                let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)]
                let guid = parts.map { String(hex.dropFirst($0.0).prefix($0.1 - $0.0)) }.joined(separator: "-")
                // Which message of a .proto file it is stands in the header too, behind the UUID.
                return Named(name: .guid(guid), payload: Bytes(Array(bytes[17...]) + payload.array))
            }
            if bytes[0] == 0, bytes.count >= 5 {
                return Named(name: .id(number(bytes)), payload: Bytes(Array(bytes[5...]) + payload.array))
            }
        }
        guard payload.count >= 5, payload[0] == 0 else { return nil }
        let id = number(payload.prefix(5).array)
        return id >= 0 ? Named(name: .id(id), payload: payload.dropFirst(5)) : nil
    }

    private static func number(_ bytes: [UInt8]) -> Int32 { bytes[1..<5].reduce(0) { $0 << 8 | Int32($1) } }

    package func read(_ named: Named) -> Reading {
        switch page(named.name) {
        case .pending: return .pending
        case .failed(let reason, _): return .failed("schema \(named.name.text): \(reason)")
        case .schema(let schema, let format):
            do throws(SchemaFailure) {
                return .json(Bytes(try schema.json(named.payload.array[...])), "schema \(named.name.text), \(format.rawValue)")
            } catch {
                return .failed("schema \(named.name.text): \(error.message)")
            }
        }
    }

    private func page(_ name: Name) -> Page {
        let now = clock()
        let (page, mustFetch) = pages.withLock { pages -> (Page, Bool) in
            if let page = pages[name] {
                guard case .failed(_, let at) = page, now.milliseconds(since: at) > SchemaBook.retryMs else { return (page, false) }
            }
            if pages.count >= SchemaBook.schemasMax { pages = pages.filter { if case .pending = $0.value { true } else { false } } }
            pages[name] = .pending
            return (.pending, true)
        }
        guard mustFetch else { return page }
        run { [self] in
            let page = fetched(name)
            pages.withLock { $0[name] = page }
            arrived.withLock { $0 }()
        }
        return pages.withLock { $0[name] } ?? .pending
    }

    private func fetched(_ name: Name) -> Page {
        do throws(SchemaFailure) {
            let entry: SchemaRegistry.Entry
            switch name {
            case .id(let id): entry = try registry.schema(id: id)
            case .guid(let guid): entry = try registry.schema(guid: guid)
            }
            return .schema(try PayloadSchema(entry, references: try registry.references(of: entry)), entry.format)
        } catch {
            return .failed(error.message, at: clock())
        }
    }
}
