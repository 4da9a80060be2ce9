import ClientCore
import Grid
import Observatory
import Primitives

/// Writing messages again: as they are, changed in an editor, or from dead letters to where they came from.
extension Console {
    /// A form for the marked messages, the selected one, or all that match.
    mutating func openSend() {
        guard let tail = view.tail, let selected = tail.selectedMessage else { return say(.info, "Nothing to send yet.") }
        let chosen = (tail.marks.isEmpty ? [selected] : tail.markedMessages).filter { $0.marker == nil }
        if chosen.isEmpty { return say(.info, "A control record cannot be sent again.") }
        if chosen.contains(where: { $0.masking != nil }) { return say(.warning, maskedRefusal("Sending")) }
        let material = SendMaterial(messages: chosen, reading: tail.query.reading, filter: tail.filter.text)
        overlay = .form(.send(material, contexts: otherContexts))
    }

    /// What is masked is not in the message any more: writing it would write the mask.
    private func maskedRefusal(_ what: String) -> String {
        "\(what) this again would write the masks, not the message; "
            + (options.masksRequiredBy.map { "\($0)." } ?? "M shows it without them.")
    }

    private var otherContexts: [String] { options.contexts.map(\.name).filter { $0 != options.contextName } }

    /// The selected message in the user's editor. What is changed there becomes a plan.
    mutating func editMessage() {
        guard let message = view.tail?.selectedMessage, message.marker == nil else { return say(.info, "Nothing to edit.") }
        if message.masking != nil { return say(.warning, maskedRefusal("Writing")) }
        let text = MessageText.text(NewMessage(again: message), from: Escape.line("\(message.partition) @ \(message.offset)"))
        lastTicket += 1
        edited = (lastTicket, text)
        request(.edit(ticket: lastTicket, text))
    }

    mutating func takeEdited(_ ticket: Int, _ result: Result<String, ConsoleFailure>) {
        guard let edited, edited.ticket == ticket else { return }
        self.edited = nil
        switch result {
        case .failure(let failure): say(.error, failure.message)
        case .success(let text):
            if text == edited.text { return say(.info, "Unchanged: nothing to write.") }
            do throws(ConsoleFailure) {
                let message = try MessageText.parse(text)
                if isReadOnly { return say(.warning, "Read-only: writing a message would change the cluster.") }
                plan(.produce(message))
            } catch {
                say(.error, error.message)
            }
        }
    }
}

extension TailQuery {
    /// The same as a job that ends.
    var reading: SendJob.Reading {
        var reading = SendJob.Reading(topics: topics, partition: partition)
        switch start {
        // From the end there is nothing to read: what is there already is meant.
        case .beginning, .end: reading.start = .earliest
        case .last(let count): reading.start = .last(count)
        case .offset(let offset): reading.start = .offset(Offset(offset))
        case .timestamp(let time): reading.start = .timestamp(time)
        case .ago(let milliseconds): reading.start = .ago(milliseconds: milliseconds)
        case .afterStart(let count): reading.start = .afterStart(count)
        }
        switch stop {
        case nil, .end: reading.stop = .atEnd
        case .offset(let offset): reading.stop = .offset(Offset(offset))
        case .afterStart(let count): reading.stop = .afterStart(count)
        case .beforeEnd(let count): reading.stop = .beforeEnd(count)
        case .timestamp(let time): reading.stop = .timestamp(time)
        }
        return reading
    }
}
