import ClientCore
import Primitives
import Wire

/// What a plan that takes its time is told while it runs. Only a reassignment in batches listens.
package enum PlanInput: Equatable, Sendable {
    case pause, resume
    /// No further batch begins; what is on its way gets there.
    case stop
    /// The same, and what is on its way is cancelled.
    case cancel
}

/// How far a reassignment in batches is.
package struct BatchProgress: Equatable, Sendable {
    /// Of the one under way, counted from 1.
    package var batch: Int
    package var batches: Int
    /// Partitions that are where they were to be, and all of them.
    package var arrived: Int
    package var partitions: Int
    package var moving: [TopicPartition]
    /// Batches that have not begun.
    package var waiting: [[PartitionReplicas]]
    package var isPaused = false
    /// No further batch will begin.
    package var isEnding = false
    /// Why nothing is known of the moment; it is asked again.
    package var problem: String?

    package init(batch: Int, batches: Int, arrived: Int, partitions: Int, moving: [TopicPartition], waiting: [[PartitionReplicas]]) {
        (self.batch, self.batches, self.arrived, self.partitions) = (batch, batches, arrived, partitions)
        (self.moving, self.waiting) = (moving, waiting)
    }

    /// `batch 2 of 5, 12 of 40 partitions there`.
    package var text: String {
        var parts = ["batch \(batch) of \(batches)", "\(arrived) of \(PlanTables.count(partitions, "partition")) there"]
        if isEnding {
            parts.append("ending")
        } else if isPaused {
            parts.append(moving.isEmpty ? "paused" : "pauses after this batch")
        }
        if let problem { parts.append(problem) }
        return parts.joined(separator: ", ")
    }
}

/// A reassignment that is asked for batch by batch: one begins when all of the one before have got there, or nobody moves them any more.
///
/// Phases: `asking` → `moving` → `confirming` → the next batch's `asking`; `resting` while paused between two; `cancelling` once, at the
/// end.
struct BatchCourse: Sendable {
    enum Phase: Equatable, Sendable { case asking, moving, confirming, resting, cancelling }

    let batches: [[PartitionReplicas]]
    var current = 0
    var phase = Phase.resting
    var isPaused = false
    var ending: PlanInput?
    /// Of the current batch.
    var moving: [TopicPartition] = []
    var arrived = 0
    /// Where partitions are that did not get there.
    var missed: [String] = []
    var cancelled = 0
    /// How often the batch could not be asked for, and how often its end was not yet to be seen.
    var failures = 0
    var confirmations = 0
    var problem: String?
    var told: BatchProgress?

    var partitions: Int { batches.reduce(0) { $0 + $1.count } }

    var progress: BatchProgress {
        var progress = BatchProgress(
            batch: min(current + 1, batches.count), batches: batches.count, arrived: arrived, partitions: partitions, moving: moving,
            waiting: Array(batches.dropFirst(phase == .resting ? current : current + 1)))
        // Of the batch under way, those that are no longer moved.
        if phase == .moving || phase == .confirming { progress.arrived += batches[current].count - moving.count }
        (progress.isPaused, progress.isEnding, progress.problem) = (isPaused, ending != nil, problem)
        return progress
    }
}

// Batches of a reassignment: asked for, watched, and followed by the next.
extension PlanRunner {
    package mutating func receive(_ input: PlanInput, now: Now) -> [ClientEffect<PlanProgress>] {
        guard course != nil, course?.ending == nil || input == .cancel else { return [] }
        switch input {
        case .pause: course?.isPaused = true
        case .resume: course?.isPaused = false
        case .stop, .cancel: course?.ending = input
        }
        if course?.phase == .resting, input != .pause { return nextBatch(now: now) }
        // What is on its way is cancelled once it is known what that is.
        if input == .cancel, course?.phase == .moving, reader.isDone { checkAt = now.instant }
        return tellBatches()
    }

    mutating func beginBatches(_ batches: [[PartitionReplicas]], now: Now) -> Effects {
        course = BatchCourse(batches: batches)
        return nextBatch(now: now)
    }

    private mutating func nextBatch(now: Now) -> Effects {
        guard let present = course else { return [] }
        if present.ending != nil || present.current == present.batches.count { return endBatches(now: now) }
        if present.isPaused {
            course?.phase = .resting
            return tellBatches()
        }
        course?.phase = .asking
        course?.moving = present.batches[present.current].map(\.partition)
        course?.confirmations = 0
        return tellBatches() + [send(PlanStep.reassign(present.batches[present.current]))]
    }

    /// The answer to a batch that was asked for, or to the request that cancels one.
    mutating func batchAnswered(_ result: AnswerResult, now: Now) -> Effects {
        guard let present = course else { return [] }
        if present.phase == .cancelling { return cancelAnswered(result, present, now: now) }
        switch result {
        case .failure(let error):
            // The same replicas again are the same wish: the cluster may be without a controller for a moment. The first batch is not
            // insisted on, because somebody is there to read why.
            course?.failures += 1
            guard present.current > 0, present.failures < PlanLimits.batchRetriesMax else {
                return present.current == 0 ? finish(.failed, ["\(error)."]) : finish(.doneButDiffers, ["\(error)."] + batchLines())
            }
            course?.problem = "\(error)"
            checkAt = now.instant.adding(milliseconds: PlanLimits.batchPollMs)
        case .success(let answer):
            let refusals = plan.steps[step].refusals(in: answer.message)
            guard refusals.isEmpty else {
                let isFirst = present.current == 0
                return finish(isFirst ? .failed : .doneButDiffers, refusals + (isFirst ? [] : batchLines()))
            }
            course?.phase = .moving
            course?.failures = 0
            course?.problem = nil
            checkAt = now.instant.adding(milliseconds: PlanLimits.batchPollMs)
        }
        return tellBatches()
    }

    /// It is time to look again, or to ask again.
    mutating func batchTick(now: Now) -> Effects {
        guard let present = course else { return [] }
        if present.phase == .asking { return nextBatch(now: now) }
        if present.phase == .cancelling { return cancelMoving() }
        reader.facts = PlanFacts()
        return reader.ask(present.phase == .confirming ? [.cluster, .reassignments] : [.reassignments])
    }

    /// What was read is there.
    mutating func batchRead(now: Now) -> Effects {
        guard let present = course else { return [] }
        checkAt = now.instant.adding(milliseconds: PlanLimits.batchPollMs)
        if let failure = reader.failure {
            course?.problem = "\(failure)"
            return tellBatches()
        }
        course?.problem = nil
        let facts = reader.facts
        let batch = present.batches[present.current]
        course?.moving = batch.map(\.partition).filter { facts.reassignments[$0] != nil }
        if course?.moving.isEmpty == false {
            course?.phase = .moving
            return present.ending == .cancel ? cancelMoving() : tellBatches()
        }
        guard present.phase == .confirming else {
            // The controller moves none of them any more: where they are is for the brokers to say.
            course?.phase = .confirming
            return batchTick(now: now)
        }
        let missed = batch.compactMap { reassigned($0, facts) }
        if !missed.isEmpty, present.confirmations < PlanLimits.checksMax {
            course?.confirmations += 1
            checkAt = now.instant.adding(milliseconds: PlanLimits.checkPauseMs)
            return []
        }
        checkAt = .distantFuture
        course?.missed += missed
        course?.arrived += batch.count - missed.count
        course?.current += 1
        return nextBatch(now: now)
    }

    private mutating func cancelMoving() -> Effects {
        course?.phase = .cancelling
        checkAt = .distantFuture
        return tellBatches() + [send(PlanStep.reassign((course?.moving ?? []).map { PartitionReplicas($0, nil) }))]
    }

    private mutating func cancelAnswered(_ result: AnswerResult, _ present: BatchCourse, now: Now) -> Effects {
        switch result {
        case .success(let answer):
            // What has got there meanwhile is refused: nothing is under way for it.
            let refused = min(present.moving.count, plan.steps[step].refusals(in: answer.message).count)
            course?.cancelled = present.moving.count - refused
            course?.arrived += present.batches[present.current].count - present.moving.count + refused
        case .failure(let error):
            course?.failures += 1
            guard present.failures < PlanLimits.batchRetriesMax else { return finish(.doneButDiffers, ["\(error)."] + batchLines()) }
            course?.problem = "\(error)"
            checkAt = now.instant.adding(milliseconds: PlanLimits.batchPollMs)
            return tellBatches()
        }
        return endBatches(now: now)
    }

    private mutating func endBatches(now: Now) -> Effects {
        checkAt = .distantFuture
        guard let present = course, present.ending == nil, present.missed.isEmpty else { return finish(.doneButDiffers, batchLines()) }
        course = nil
        return stepDone(now: now)
    }

    private func batchLines() -> [String] {
        guard let present = course else { return [] }
        let isOne = present.arrived == 1
        var out = ["\(present.arrived) of \(PlanTables.count(present.partitions, "partition")) \(isOne ? "is" : "are") there."]
        if present.cancelled > 0 {
            let words = present.cancelled == 1 ? "stays where it was" : "stay where they were"
            out.append("\(PlanTables.count(present.cancelled, "partition")) on the way \(words).")
        }
        let begun = present.phase == .cancelling ? present.current + 1 : present.current
        let left = present.batches.dropFirst(begun).reduce(0) { $0 + $1.count }
        if left > 0 { out.append("\(PlanTables.count(left, "partition")) did not begin to move.") }
        return out + present.missed.prefix(20)
    }

    /// Where something has changed.
    private mutating func tellBatches() -> Effects {
        guard let progress = course?.progress, progress != course?.told else { return [] }
        course?.told = progress
        return [.output(.batch(progress))]
    }
}
