import Grid
import Observatory
import Primitives

// Cells that say how far behind a group is, how old that is, where it goes.

/// `12m` is exact, `~12m` interpolated, `>12m` more than has been seen.
func timeLagText(_ lag: TimeLag) -> String {
    let sign =
        switch lag.kind {
        case .exact: ""
        case .interpolated: "~"
        case .atLeast: ">"
        }
    return sign + Format.duration(milliseconds: lag.milliseconds)
}

func timeLagCell(_ lag: TimeLag?) -> CellValue {
    guard let lag else { return .unknown }
    let key = SortKey.number(Double(lag.milliseconds))
    return lag.milliseconds == 0 ? CellValue("0s", .muted, key: key) : CellValue(timeLagText(lag), .row, key: key)
}

/// A word and a sign for where it goes, so that neither needs colour.
func verdictCell(_ verdict: LagVerdict) -> CellValue {
    let (text, scope): (String, Scope) =
        switch verdict {
        case .ok: ("ok", .good)
        case .watching: ("watching", .muted)
        case .catchingUp: ("▼ catching up", .pending)
        case .behind: ("= behind", .pending)
        case .growing: ("▲ growing", .warning)
        case .stalled: ("✗ stalled", .failure)
        case .stopped: ("✗ stopped", .failure)
        case .rewound: ("! rewound", .warning)
        case .lost: ("✗ lost records", .failure)
        }
    return CellValue(text, scope, key: .number(Double(LagVerdict.allCases.firstIndex(of: verdict) ?? 0)))
}

/// The lag's direction by itself.
func trendSign(_ trend: LagTrend) -> CellValue {
    switch trend {
    case .unknown: CellValue("", .muted, key: .unknown)
    case .falling: CellValue("▼", .good, key: .number(0))
    case .steady: CellValue("=", .muted, key: .number(1))
    case .rising: CellValue("▲", .warning, key: .number(2))
    }
}

/// When nothing will be unread, at the pace of late.
func drainCell(_ drainMs: Int64?, lag: Int64?, _ trend: LagTrend) -> CellValue {
    guard let lag, lag > 0 else { return CellValue("", .muted, key: .unknown) }
    if let drainMs { return CellValue(Format.duration(milliseconds: drainMs), .row, key: .number(Double(drainMs))) }
    return trend == .unknown ? .unknown : CellValue("never", .warning, key: .number(1e18))
}

/// A lag over time, two values to a column.
func lagTrend(_ values: [Int64], width: Int) -> CellValue {
    guard values.contains(where: { $0 > 0 }) else { return CellValue("", .muted, key: .unknown) }
    return CellValue(
        Charts.braille(values.map { Double($0) }, width: width), .chartAlternative, key: .number(Double(values.last ?? 0)))
}
