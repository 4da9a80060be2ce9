import CSQLite
import Primitives

/// Why SQLite did not do something, in its own words.
package struct HistoryError: Error, Equatable, Sendable {
    /// SQLite's primary result code.
    package var code: Int32
    package var message: String

    /// The file is not, or no longer, a database.
    package var isDamage: Bool { code == SQLITE_CORRUPT || code == SQLITE_NOTADB }
}

/// What a column may hold.
package enum SQLValue: Equatable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case blob(Bytes)
}

/// A SQLite database with statements that bind values: nothing from outside is ever part of a statement's text. Belongs to one thread.
final class Database {
    private var handle: OpaquePointer?
    private var prepared: [String: OpaquePointer] = [:]

    init(path: String) throws(HistoryError) {
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard code == SQLITE_OK else {
            let error = failure(code)
            close()
            throw error
        }
        // Another console may write at the same time.
        sqlite3_busy_timeout(handle, 2_000)
    }

    deinit { close() }

    func close() {
        for statement in prepared.values { sqlite3_finalize(statement) }
        prepared = [:]
        sqlite3_close_v2(handle)
        handle = nil
    }

    private func failure(_ code: Int32) -> HistoryError {
        let text = handle.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? String(cString: sqlite3_errstr(code))
        return HistoryError(code: code & 0xff, message: text)
    }

    /// Runs a statement to its end and returns its rows.
    @discardableResult
    func run(_ sql: String, _ values: [SQLValue] = []) throws(HistoryError) -> [[SQLValue]] {
        let statement = try prepare(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() { try bind(value, statement, Int32(index + 1)) }
        var rows: [[SQLValue]] = []
        while true {
            let code = sqlite3_step(statement)
            switch code {
            case SQLITE_ROW: rows.append((0..<sqlite3_column_count(statement)).map { Database.column(statement, $0) })
            case SQLITE_DONE: return rows
            default: throw failure(code)
            }
        }
    }

    private func prepare(_ sql: String) throws(HistoryError) -> OpaquePointer {
        if let known = prepared[sql] { return known }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
        guard code == SQLITE_OK, let statement else { throw failure(code) }
        prepared[sql] = statement
        return statement
    }

    /// SQLite copies what it is given.
    private func bind(_ value: SQLValue, _ statement: OpaquePointer, _ index: Int32) throws(HistoryError) {
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        let code: Int32 =
            switch value {
            case .null: sqlite3_bind_null(statement, index)
            case .integer(let number): sqlite3_bind_int64(statement, index, number)
            case .text(let text): sqlite3_bind_text(statement, index, text, Int32(clamping: text.utf8.count), copied)
            case .blob(let bytes): bytes.withUnsafeBytes { sqlite3_bind_blob64(statement, index, $0.baseAddress, UInt64($0.count), copied) }
            }
        if code != SQLITE_OK { throw failure(code) }
    }

    private static func column(_ statement: OpaquePointer, _ index: Int32) -> SQLValue {
        switch sqlite3_column_type(statement, index) {
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, index))
        case SQLITE_TEXT: return .text(sqlite3_column_text(statement, index).map { String(cString: $0) } ?? "")
        case SQLITE_BLOB:
            let count = Int(sqlite3_column_bytes(statement, index))
            guard count > 0, let start = sqlite3_column_blob(statement, index) else { return .blob(.empty) }
            return .blob(Bytes(Array(UnsafeRawBufferPointer(start: start, count: count))))
        default: return .null
        }
    }
}

extension SQLValue {
    var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    var text: String? { if case .text(let value) = self { value } else { nil } }
    var blob: Bytes? { if case .blob(let value) = self { value } else { nil } }
}
