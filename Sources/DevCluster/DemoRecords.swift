import ClientCore
import Primitives

/// What the demo's shop does: orders, the payments for them, clicks of its visitors, and now and then a change of stock. All of it from
/// one seed and the time it is told, so that the same seed shows the same shop.
package struct DemoRecords {
    private var chance: PRNG
    private var orderNumber = 1000
    private var unpaid: [(order: Int, customer: Int, cents: Int)] = []

    package static let topics: [(name: String, partitions: Int32)] = [("orders", 6), ("payments", 3), ("clicks", 8), ("inventory", 1)]
    /// Orders that wait for their payment; the oldest is given up past it.
    private static let unpaidMax = 50

    private static let products: [(name: String, cents: Int)] = [
        ("espresso machine", 34_900), ("kettle", 4_950), ("grinder", 12_900), ("beans 1 kg", 1_890), ("filter papers", 390),
        ("mug", 1_250), ("scale", 5_900), ("milk jug", 2_490),
    ]
    private static let cities = ["Praha", "Wien", "Zürich", "Berlin", "København", "Łódź", "London", "Lisboa", "Genève", "Oslo"]
    private static let pages = ["/", "/search", "/product/kettle", "/product/grinder", "/cart", "/checkout", "/account", "/help"]
    private static let agents = ["firefox/141", "chrome/139", "safari/19", "app/5.2 ios", "app/5.2 android"]

    package init(seed: UInt64) { chance = PRNG(seed: seed) }

    /// The next thing that happens in the shop.
    package mutating func next(at time: Timestamp) -> ProducerRecord {
        switch chance.below(100) {
        case ..<62: click(time)
        case ..<82: order(time)
        case ..<98: unpaid.isEmpty ? order(time) : payment(time)
        default: stock(time)
        }
    }

    private mutating func click(_ time: Timestamp) -> ProducerRecord {
        let visitor = "v\(padded(chance.below(4000), 5))"
        let page = chance.pick(DemoRecords.pages)
        let milliseconds = 8 + chance.below(40) + (chance.oneIn(25) ? chance.below(900) : 0)
        let text = #"{"visitor":"\#(visitor)","page":"\#(page)","ms":\#(milliseconds),"agent":"\#(chance.pick(DemoRecords.agents))"}"#
        return record("clicks", visitor, text, time)
    }

    private mutating func order(_ time: Timestamp) -> ProducerRecord {
        orderNumber += 1
        let customer = chance.below(900)
        var total = 0
        var items: [String] = []
        for _ in 0..<(1 + chance.below(3)) {
            let product = chance.pick(DemoRecords.products)
            let count = 1 + chance.below(2)
            total += product.cents * count
            items.append(#"{"product":"\#(product.name)","count":\#(count),"price":\#(DemoRecords.money(product.cents))}"#)
        }
        unpaid.append((orderNumber, customer, total))
        if unpaid.count > DemoRecords.unpaidMax { unpaid.removeFirst() }
        let text = #"{"order":\#(orderNumber),"customer":"c\#(customer)","city":"\#(chance.pick(DemoRecords.cities))","#
            + #""items":[\#(items.joined(separator: ","))],"total":\#(DemoRecords.money(total)),"at":"\#(DemoRecords.iso(time))"}"#
        return record("orders", "c\(customer)", text, time)
    }

    private mutating func payment(_ time: Timestamp) -> ProducerRecord {
        let paid = unpaid.removeFirst()
        let method = chance.pick(["card", "transfer", "invoice"])
        let state = chance.oneIn(12) ? "declined" : "accepted"
        let text = #"{"order":\#(paid.order),"customer":"c\#(paid.customer)","amount":\#(DemoRecords.money(paid.cents)),"#
            + #""method":"\#(method)","state":"\#(state)","at":"\#(DemoRecords.iso(time))"}"#
        return record("payments", String(paid.order), text, time)
    }

    private mutating func stock(_ time: Timestamp) -> ProducerRecord {
        let product = chance.pick(DemoRecords.products)
        return record("inventory", product.name, #"{"product":"\#(product.name)","left":\#(chance.below(400))}"#, time)
    }

    private func record(_ topic: String, _ key: String, _ text: String, _ time: Timestamp) -> ProducerRecord {
        ProducerRecord(topic: topic, key: Bytes(key), value: Bytes(text), timestamp: time)
    }

    private static func money(_ cents: Int) -> String { "\(cents / 100).\(padded(cents % 100, 2))" }
    private static func iso(_ time: Timestamp) -> String {
        let civil = CivilTime(time)
        return "\(civil.date)T\(civil.clockMilliseconds)Z"
    }
}
