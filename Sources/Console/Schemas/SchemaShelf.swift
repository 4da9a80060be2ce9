import Observatory
import Primitives

/// A subject of a schema registry, as far as it has been read.
package struct SchemaSubject: Equatable, Sendable {
    package struct Details: Equatable, Sendable {
        /// AVRO, PROTOBUF or JSON; empty where there is no version.
        package var format: String
        package var versions: Int
        package var latest: Int?
        package var id: Int?
        /// The rule for new versions, and whether it is the subject's own or the registry's.
        package var compatibility: String
        package var hasOwnRule: Bool

        package init(format: String, versions: Int, latest: Int?, id: Int?, compatibility: String, hasOwnRule: Bool) {
            (self.format, self.versions, self.latest, self.id) = (format, versions, latest, id)
            (self.compatibility, self.hasOwnRule) = (compatibility, hasOwnRule)
        }
    }
    package var name: String
    /// Nil until it was asked for: a registry tells one subject at a time.
    package var details: Details?
    package var problem: String?

    package init(_ name: String) { self.name = name }
}

/// A version of a subject, with its schema.
package struct SchemaVersion: Equatable, Sendable {
    package var number: Int
    package var id: Int?
    package var format: String
    /// The schema as it is shown: JSON indented, a .proto file as it is.
    package var lines: [String]
    /// As it is registered.
    package var source: String
    /// Subjects and versions that it names.
    package var references: [String]

    package init(number: Int, id: Int?, format: String, lines: [String], source: String, references: [String] = []) {
        (self.number, self.id, self.format) = (number, id, format)
        (self.lines, self.source, self.references) = (lines, source, references)
    }
}

/// What the console asks of a schema registry. The shell answers in its own time with a `SchemaAnswer`.
package enum SchemaQuestion: Equatable, Sendable {
    case subjects
    /// Of these subjects, what the list shows beside the name.
    case details([String])
    case versions(String)
}

package enum SchemaAnswer: Equatable, Sendable {
    case subjects(Result<[String], ConsoleFailure>)
    case details([SchemaSubject])
    case versions(String, Result<[SchemaVersion], ConsoleFailure>)
    /// None is named for this cluster.
    case noRegistry
}

/// What the console has seen of a schema registry. Read only while a view shows it.
struct SchemaShelf: Equatable, Sendable {
    /// Subjects whose details are asked for at once: those on the screen first.
    static let detailsMax = 20

    var subjects = OrderedMap<String, SchemaSubject>()
    var versions = OrderedMap<String, [SchemaVersion]>()
    var seen = Observation()
    var versionsSeen = OrderedMap<String, Observation>()
    var hasRegistry = true
    /// A question about details is under way.
    var isAsking = false

    func version(_ number: Int, of subject: String) -> SchemaVersion? { versions[subject]?.first { $0.number == number } }

    mutating func take(_ answer: SchemaAnswer, at now: Timestamp) {
        switch answer {
        case .noRegistry: hasRegistry = false
        case .subjects(.failure(let failure)): seen.failed(failure.message)
        case .subjects(.success(let names)):
            var fresh = OrderedMap<String, SchemaSubject>()
            for name in names { fresh[name] = subjects[name] ?? SchemaSubject(name) }
            subjects = fresh
            seen.succeeded(at: now)
        case .details(let told):
            isAsking = false
            for subject in told where subjects[subject.name] != nil { subjects[subject.name] = subject }
        case .versions(let subject, .failure(let failure)):
            var observation = versionsSeen[subject] ?? Observation()
            observation.failed(failure.message)
            versionsSeen[subject] = observation
        case .versions(let subject, .success(let list)):
            versions[subject] = list
            versionsSeen[subject] = Observation(time: now)
        }
    }

    /// What was changed is read anew; until then it stays as it was seen.
    mutating func forget(_ subject: String) { subjects.update(subject) { $0.details = nil } }
}
