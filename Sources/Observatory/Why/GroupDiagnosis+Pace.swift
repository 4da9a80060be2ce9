import Primitives

// How the work is shared, and whether it is done fast enough.
extension GroupDiagnosis {
    private var isBehind: Bool { [.growing, .behind].contains(group.analysis.verdict) || group.analysis.verdict.isTrouble }

    func spread() -> [Diagnosis.Finding] {
        guard isBehind else { return [] }
        var out: [Diagnosis.Finding] = []
        if let hot = group.analysis.hot, let row = group.partitions.first(where: { $0.partition == hot.partition }) {
            out.append(
                .init(
                    .hotPartition, .warning,
                    "One partition makes the lag: \(hot.partition) takes \(WhyText.percent(hot.part)) of its growth.",
                    [
                        "\(hot.partition): \(WhyText.count(row.lag ?? 0)) unread, \(times(hot))",
                        "written \(WhyText.rate(row.analysis.rateIn ?? 0)), read \(WhyText.rate(row.analysis.rateOut ?? 0))",
                    ],
                    [
                        Diagnosis.Step("look at its keys: one of them may be most of it", key: "l"),
                        Diagnosis.Step(
                            "more members do not help: one partition is one member's; spread the key, or make the handler faster"),
                    ], partition: hot.partition))
        }
        if let finding = lopsided() { out.append(finding) }
        return out
    }

    private func times(_ hot: GroupLag.Hot) -> String {
        let others = group.partitions.filter { $0.partition != hot.partition }.reduce(Int64(0)) { $0.addingClamped($1.lag ?? 0) }
        return others == 0 ? "the others have none" : "\(WhyText.count(clamped(hot.times))) times the mean of the others"
    }

    /// One member has much more to do than another.
    private func lopsided() -> Diagnosis.Finding? {
        let active = group.members.filter { !$0.assignment.isEmpty }
        guard active.count >= 2, let most = active.max(by: { $0.assignment.count < $1.assignment.count }),
            let least = active.min(by: { $0.assignment.count < $1.assignment.count }), most.assignment.count >= least.assignment.count + 2,
            most.assignment.count >= 2 * least.assignment.count
        else { return nil }
        let lag = group.partitions.filter { $0.member == most.id }.reduce(Int64(0)) { $0.addingClamped($1.lag ?? 0) }
        guard lag * 2 >= group.lag ?? 0 else { return nil }
        return .init(
            .lopsided, .warning,
            "\(most.clientID) has \(most.assignment.count) partitions and \(least.clientID) \(least.assignment.count): the work is"
                + " not shared evenly.",
            [
                "\(most.clientID) owns \(WhyText.count(lag)) of the \(WhyText.count(group.lag ?? 0)) unread",
                "assignor: \(group.assignor.isEmpty ? "not told" : group.assignor)"
                    + (group.assignor == "range" ? ", which gives the first members more of every topic" : ""),
            ], [Diagnosis.Step("use cooperative-sticky or the newer protocol's uniform assignor"), describe])
    }

    // MARK: Pace

    func pace() -> [Diagnosis.Finding] {
        var out: [Diagnosis.Finding] = []
        let owned = group.partitions.filter { $0.member != nil }.count
        let idle = group.members.filter(\.assignment.isEmpty)
        let active = group.members.count - idle.count
        if !idle.isEmpty, !group.isRebalancing, !group.members.isEmpty, owned > 0 {
            out.append(
                .init(
                    .idleMembers, .notice,
                    "\(idle.count) of \(group.members.count) members ha\(idle.count == 1 ? "s" : "ve") nothing to do: there are"
                        + " \(owned) partitions.",
                    ["idle: " + idle.prefix(5).map(\.clientID).joined(separator: ", ")],
                    [Diagnosis.Step("add partitions, or stop the idle members", key: "a")]))
        }
        switch group.analysis.verdict {
        case .growing: out.insert(tooSlow(active: active, owned: owned), at: 0)
        case .catchingUp: out.insert(catchingUp, at: 0)
        case .behind:
            let age = group.analysis.timeLag.map { ", \(WhyText.age($0)) late" } ?? ""
            out.insert(.init(.behind, .notice, "The group reads as fast as is written and stays behind\(age).", summary, [describe]), at: 0)
        case .watching where (group.lag ?? 0) > 0:
            out.insert(
                .init(
                    .watching, .notice, "Behind, and watched for too short a time to say why.", summary,
                    [Diagnosis.Step("wait ten seconds")]), at: 0)
        default: break
        }
        return out
    }

    private var catchingUp: Diagnosis.Finding {
        let eta = group.analysis.drainMs.map { " and will have read all in \(WhyText.duration($0))" } ?? ""
        return .init(.catchingUp, .notice, "The group catches up\(eta).", summary, [describe])
    }

    private func tooSlow(active: Int, owned: Int) -> Diagnosis.Finding {
        let (rateIn, rateOut) = (group.analysis.rateIn ?? 0, group.analysis.rateOut ?? 0)
        if active > 0, active < owned {
            let share = rateOut / Double(active)
            let needed = share > 0 ? min(owned, max(active + 1, Int(clamping: clamped((rateIn / share).rounded(.up))))) : owned
            return .init(
                .tooFewMembers, .warning,
                "\(active) member\(WhyText.plural(active)) for \(owned) partitions cannot keep up: \(WhyText.rate(rateIn)) are"
                    + " written, \(WhyText.rate(rateOut)) read.",
                summary + ["each member reads \(WhyText.rate(share)); \(needed) at that pace would keep up"],
                [
                    Diagnosis.Step(
                        "start \(needed - active) more member\(WhyText.plural(needed - active)): up to \(owned) can work at once"),
                    describe,
                ])
        }
        return .init(
            .tooSlow, .warning, "The group reads more slowly than is written: \(WhyText.rate(rateOut)) against \(WhyText.rate(rateIn)).",
            summary + ["every partition has a member of its own already"],
            [Diagnosis.Step("make the handler faster, or add partitions and members", key: "a"), describe])
    }
}

extension Diagnosis {
    /// Why a group is behind, or that it is not.
    package static func ofGroup(_ id: String, _ snapshot: ClusterSnapshot) -> Diagnosis {
        guard let group = snapshot.groups[id] else {
            return Diagnosis("group \(id)", [], else: Finding(.unknown, .notice, "The cluster knows no such group."))
        }
        return GroupDiagnosis(snapshot: snapshot, group: group, bootstrap: snapshot.bootstrap.first ?? "localhost:9092").diagnosis
    }
}
