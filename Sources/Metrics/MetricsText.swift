/// Metrics as text: in Prometheus' format 0.0.4, or in OpenMetrics 1.0.0. Names follow Prometheus' conventions: base units,
/// and `_total` behind counters.
package struct MetricsText {
    package enum Format: Sendable {
        case prometheus, openMetrics

        package var contentType: String {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    package typealias Labels = KeyValuePairs<String, String>
    private static let noLabels: Labels = [:]

    private let format: Format
    private var text = ""

    package init(_ format: Format) {
        self.format = format
    }

    /// All of it.
    package consuming func finish() -> String {
        if format == .openMetrics { text += "# EOF\n" }
        return text
    }

    package mutating func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
        family(name, "gauge", help)
        sample(name, Self.noLabels, "\(value)")
    }

    package mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        family(name, "gauge", help)
        sample(name, Self.noLabels, "\(value)")
    }

    package mutating func gauges(
        _ name: String, _ help: String, _ values: [(labels: Labels, value: some BinaryInteger)]
    ) {
        guard !values.isEmpty else { return }
        family(name, "gauge", help)
        for (labels, value) in values { sample(name, labels, "\(value)") }
    }

    /// - Parameter name: without `_total`.
    package mutating func counter(_ name: String, _ help: String, _ value: some BinaryInteger) {
        counters(name, help, [(labels: Self.noLabels, value: value)])
    }

    package mutating func counter(_ name: String, _ help: String, _ value: Double) {
        family(name, "counter", help)
        sample("\(name)_total", Self.noLabels, "\(value)")
    }

    package mutating func counters(
        _ name: String, _ help: String, _ values: [(labels: Labels, value: some BinaryInteger)]
    ) {
        guard !values.isEmpty else { return }
        family(name, "counter", help)
        for (labels, value) in values { sample("\(name)_total", labels, "\(value)") }
    }

    /// A metric that is always 1 and says something by its labels.
    /// - Parameter name: without `_info`.
    package mutating func info(_ name: String, _ help: String, _ labels: Labels) {
        family(format == .openMetrics ? name : "\(name)_info", format == .openMetrics ? "info" : "gauge", help)
        sample("\(name)_info", labels, "1")
    }

    /// - Parameter unit: how many of a histogram's own units make one of the metric's.
    package mutating func histogram(_ name: String, _ help: String, _ value: HistogramValue, unit: Int) {
        histograms(name, help, [(labels: Self.noLabels, value: value)], unit: unit)
    }

    package mutating func histograms(
        _ name: String, _ help: String, _ values: [(labels: Labels, value: HistogramValue)], unit: Int
    ) {
        guard !values.isEmpty else { return }
        family(name, "histogram", help)
        for (labels, value) in values {
            var count: UInt64 = 0
            for (index, bucket) in value.counts.enumerated() {
                count += bucket
                let bound = index < value.bounds.count ? "\(Double(value.bounds[index]) / Double(unit))" : "+Inf"
                sample("\(name)_bucket", labels, "\(count)", bound: bound)
            }
            sample("\(name)_sum", labels, "\(Double(value.sum) / Double(unit))")
            sample("\(name)_count", labels, "\(count)")
        }
    }

    private mutating func family(_ name: String, _ type: String, _ help: String) {
        let name = format == .prometheus && type == "counter" ? "\(name)_total" : name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private mutating func sample(_ name: String, _ labels: Labels, _ value: String, bound: String? = nil) {
        text += name
        var separator = "{"
        for (label, value) in labels {
            text += "\(separator)\(label)=\"\(Self.escaped(value))\""
            separator = ","
        }
        if let bound {
            text += "\(separator)le=\"\(bound)\""
            separator = ","
        }
        text += separator == "," ? "} \(value)\n" : " \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
