import Metrics
import Testing

@Suite struct MetricsTextTests {
    private func text(_ format: MetricsText.Format, _ body: (inout MetricsText) -> Void) -> String {
        var text = MetricsText(format)
        body(&text)
        return text.finish()
    }

    @Test func `counters end in total, in both formats as each wants it`() {
        let write: (inout MetricsText) -> Void = { $0.counter("a_b", "What.", 3) }
        #expect(text(.prometheus, write) == "# HELP a_b_total What.\n# TYPE a_b_total counter\na_b_total 3\n")
        #expect(text(.openMetrics, write) == "# HELP a_b What.\n# TYPE a_b counter\na_b_total 3\n# EOF\n")
    }

    @Test func `an information is a gauge in the older format`() {
        let write: (inout MetricsText) -> Void = { $0.info("a", "What.", ["version": "1"]) }
        #expect(text(.prometheus, write) == "# HELP a_info What.\n# TYPE a_info gauge\na_info{version=\"1\"} 1\n")
        #expect(text(.openMetrics, write) == "# HELP a What.\n# TYPE a info\na_info{version=\"1\"} 1\n# EOF\n")
    }

    @Test func `label values are escaped`() {
        let text = text(.prometheus) { $0.gauges("a", "What.", [(labels: ["l": "a\\b\"c\nd"], value: 1)]) }
        #expect(text.hasSuffix("a{l=\"a\\\\b\\\"c\\nd\"} 1\n"))
    }

    @Test func `a histogram counts up, in the unit of its metric`() {
        var value = HistogramValue(bounds: [1_000, 2_000_000])
        for sample in [0, 1_000, 1_001, 2_000_000, 2_000_001, 5_000_000] { value.observe(sample) }
        let text = text(.prometheus) {
            $0.histograms("a_seconds", "What.", [(labels: ["l": "x"], value: value)], unit: 1_000_000)
        }
        let samples = text.split(separator: "\n").dropFirst(2)
        #expect(
            samples == [
                "a_seconds_bucket{l=\"x\",le=\"0.001\"} 2", "a_seconds_bucket{l=\"x\",le=\"2.0\"} 4",
                "a_seconds_bucket{l=\"x\",le=\"+Inf\"} 6", "a_seconds_sum{l=\"x\"} 9.002002",
                "a_seconds_count{l=\"x\"} 6",
            ])
    }

    @Test func `a family without samples is left out`() {
        let none: [(labels: MetricsText.Labels, value: Int)] = []
        #expect(text(.prometheus) { $0.counters("a", "What.", none) } == "")
    }

    @Test func `a shared histogram adds up what all threads observe`() async {
        let histogram = Histogram(.counts)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { for value in 1...100 { histogram.observe(value) } } }
        }
        #expect(histogram.value.counts.reduce(0, +) == 800)
        #expect(histogram.value.sum == 8 * 5050)
    }
}
