import Primitives
import Records

package struct GroupConsumerMachine: ClientMachine {
    package typealias Input = GroupConsumerInput
    package typealias Output = GroupConsumerOutput
    package init(_ options: GroupConsumerOptions, codecs: Codecs) {}
    package mutating func start(now: Now) -> [ClientEffect<GroupConsumerOutput>] { [] }
    package mutating func receive(_ input: GroupConsumerInput, now: Now) -> [ClientEffect<GroupConsumerOutput>] { [] }
    package mutating func answered(_ token: Int, _ result: AnswerResult, now: Now) -> [ClientEffect<GroupConsumerOutput>] { [] }
}
